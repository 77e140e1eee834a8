"""The record of a release: what release.json and SHA256SUMS say, and which objects they speak of."""

import datetime
from collections.abc import Mapping
from typing import Any

from releaser.candidate import Ready
from releaser.model import Release


def checksums(release: Release, ready: Ready) -> bytes:
    """Return SHA256SUMS: what `sha256sum --check` reads, beside the files."""
    prefix = f"{release.public_prefix}/"
    rows = {binary["key"].removeprefix(prefix): binary["sha256"] for binary in ready.binaries}
    rows |= {one.name: one.digest for one in ready.zips}
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(rows.items())).encode()


def build(release: Release, ready: Ready, acceptance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return release.json: the one record of the version, the same whenever it is made."""
    public = release.world.public
    date = datetime.datetime.fromtimestamp(release.facts.epoch, datetime.UTC)
    return {
        "name": release.name,
        "version": release.version,
        "tag": release.tag,
        "source": release.facts.source,
        "commit": ready.commit,
        "date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "go": release.config.go.version,
        "binaries": [{**binary, "url": public.url(binary["key"])} for binary in ready.binaries],
        "zips": [
            {
                "name": one.name,
                "stack": one.stack,
                "variant": one.variant,
                "sha256": one.digest,
                "size": one.size,
                "url": public.url(f"{release.public_prefix}/{one.name}"),
            }
            for one in ready.zips
        ],
        "acceptance": acceptance,
    }
