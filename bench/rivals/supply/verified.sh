#!/usr/bin/env bash
# The least that installs a program and knows it to be the right one: download, sha256sum, make it executable.
set -eu

build=$1
pins=$(cd "$(dirname "$0")" && pwd)

echo "-----> Installing config-server v$(cat "$pins/VERSION")"
curl --silent --show-error --fail --output "$build/config-server" "$(cut -d '#' -f 1 "$pins/.downloadurl")"
echo "$(cut -d = -f 2 "$pins/.downloadurl")  $build/config-server" | sha256sum --check --quiet
chmod +x "$build/config-server"
