"""The record of a release: what release.json and SHA256SUMS say.

Both are made of ready.json and the acceptance report alone, so that they are the same wherever and whenever
they are made.
"""

import datetime
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from releaser.candidate import Ready
from releaser.model import Candidate, Release, encode
from releaser.tools.public import Public

FORMAT = 1  # raised when the form of release.json changes
SUMS = "SHA256SUMS"


def digests(ready: Ready) -> dict[str, str]:
    """Return the sha256 of every file that is published, but for what speaks of them."""
    rows = {PurePosixPath(one["key"]).name: str(one["sha256"]) for one in ready.binaries}
    rows |= {one.name: one.digest for one in ready.zips}
    return rows | {str(one["name"]): str(one["sha256"]) for one in ready.documents}


def checksums(ready: Ready) -> bytes:
    """Return SHA256SUMS: what `sha256sum --check` reads, beside the files."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests(ready).items())).encode()


def build(
    release: Release, ready: Ready, acceptance: Mapping[str, Any], commit: str, signed_by: str | None
) -> bytes:
    """Return release.json, the one record of the version.

    `commit` has the tag. Where that is not the accepted one, but main's with the same tree, both are named.
    """
    date = datetime.datetime.fromtimestamp(release.facts.epoch, datetime.UTC)
    public = Public(base=ready.places.get("public") or release.world.public.base)
    return encode(
        {
            "format": FORMAT,
            "name": release.name,
            "version": release.version,
            "tag": release.tag,
            "source": release.facts.source,
            "commit": commit,
            **({} if commit == ready.commit else {"accepted_commit": ready.commit}),
            "date": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "go": ready.tools.get("go"),
            "tools": ready.tools,
            "binaries": [{**one, "url": public.url(one["key"])} for one in ready.binaries],
            "zips": [
                _zip(one, ready, public.url(f"{release.public_prefix}/{one.name}")) for one in ready.zips
            ],
            "documents": [
                {**one, "url": public.url(f"{release.public_prefix}/{one['name']}")}
                for one in ready.documents
            ],
            "acceptance": acceptance,
            "signed_by": signed_by,
        }
    )


def _zip(one: Candidate, ready: Ready, url: str) -> Mapping[str, Any]:
    return {
        "name": one.name,
        "stack": one.stack,
        "variant": one.variant,
        "sha256": one.digest,
        "size": one.size,
        "url": url,
        "entries": ready.entries.get(one.name, []),
    }


def said(raw: bytes) -> Mapping[str, Any]:
    """Return what a release.json says, nothing where it is none."""
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_of_another_format(release: Release, ready: Ready, raw: bytes) -> bool:
    """Whether this is the release's own record as another version of the train wrote it."""
    found = said(raw)
    ours = {"name": release.name, "version": release.version, "source": release.facts.source}
    if found.get("format") == FORMAT or any(found.get(key) != value for key, value in ours.items()):
        return False
    rows = {row.get("name"): row.get("sha256") for row in found.get("zips", []) if isinstance(row, dict)}
    return rows == {one.name: one.digest for one in ready.zips}
