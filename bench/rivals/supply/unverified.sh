#!/usr/bin/env bash
# The least that installs a program: download and make it executable, as the story's first buildpack did.
set -eu

build=$1
pins=$(cd "$(dirname "$0")" && pwd)

echo "-----> Installing config-server v$(cat "$pins/VERSION")"
curl --silent --show-error --fail --output "$build/config-server" "$(cut -d '#' -f 1 "$pins/.downloadurl")"
chmod +x "$build/config-server"
