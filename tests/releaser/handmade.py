"""Records of versions that nobody made, put into a real bucket as if promote and yank had put them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from releaser import config
from releaser.model import World, encode
from releaser.tools.s3 import Store
from tests.releaser import toy

KEY_ID = "5f" * 32


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def world(folder: Path, store: Store) -> World:
    """Return a world with a repository that holds nothing but its first commit."""
    toy.remote(folder / "remote.git", toy.checkout(folder / "here"))
    made = toy.world(folder, store)
    made.repository.fetch()
    return made


def at(world: World, prefix: str) -> World:
    """Return a world in a part of the bucket of its own."""
    return replace(world, config=config.with_sections(world.config, {"s3": {"prefix": prefix}}))


def record(
    version: str, sizes: Mapping[str, int], *, stack: str = "cflinuxfs4", day: int = 1
) -> dict[str, Any]:
    """Return a record with a zip for each variant; what is in none of the fields is made of the version."""
    name = f"{toy.NAME}_buildpack"
    middle = {"uncached": "", "cached": "-cached"}
    rows = [f"rubyapp/{way}/{stack}" for way in ("uncached", "cached", "git")]
    return {
        "name": toy.NAME,
        "version": version,
        "tag": f"v{version}",
        "date": f"2026-11-{day:02}T08:09:10Z",
        "source": digest(f"source {version}")[:40],
        "commit": digest(f"commit {version}")[:40],
        "go": "1.27.3",
        "zips": [
            {
                "name": f"{name}{middle[variant]}-{stack}-v{version}.zip",
                "stack": stack,
                "variant": variant,
                "sha256": digest(f"{variant} {version}"),
                "size": size,
            }
            for variant, size in sizes.items()
        ],
        "binaries": [],
        "acceptance": {
            "foundation": "staging",
            "stacks": {stack: "stand-in"},
            "tests": [{"id": row, "outcome": "passed", "rows": [row]} for row in rows],
        },
    }


def proven(world: World, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with all that later releases add."""
    version = said["version"]
    binary = f"{world.prefix()}/{version}/{toy.NAME}-linux-amd64-{digest('binary')[:12]}"
    names = (f"{toy.NAME}-{version}.cdx.json", f"{toy.NAME}_buildpack-{version}.cdx.json")
    return {
        **said,
        "accepted_commit": digest("accepted")[:40],
        "signed_by": KEY_ID,
        "binaries": [{"target": "linux/amd64", "key": binary, "sha256": digest("binary"), "size": 5_800_000}],
        "documents": [{"name": name, "sha256": digest(name), "size": 2_345} for name in names],
        "tools": {"go": "1.27.3", "isal": "1.8.0", "python": "3.11.2"},
        "acceptance": {
            **said["acceptance"],
            "final_buildpack": "ruby_buildpack 1.10.19",
            "proof": "no egress",
        },
    }


def publish(world: World, said: Mapping[str, Any]) -> None:
    """Put a record."""
    put(world, f"{world.prefix()}/{said['version']}/release.json", encode(said))


def publish_files(world: World, said: Mapping[str, Any]) -> None:
    """Put something for each object beside the record that promote puts with it."""
    names = {one["name"] for one in (*said["zips"], *said.get("documents", ()))} | {"SHA256SUMS"}
    names |= {Path(one["key"]).name for one in said["binaries"]}
    if "signed_by" in said:
        names |= {f"{toy.NAME}_buildpack-v{said['version']}.intoto.json"}
    if said.get("signed_by"):
        names |= {"release.json.sig"}
    for name in sorted(names):
        put(world, f"{world.prefix()}/{said['version']}/{name}", name.encode())


def yank(world: World, version: str, reason: str, by: str = "operator@example.com") -> None:
    said = {"version": version, "reason": reason, "date": "2026-11-20T10:00:00Z", "by": by}
    put(world, f"{world.prefix()}/{version}/yanked.json", json.dumps(said).encode())


def put(world: World, key: str, content: bytes) -> None:
    """Put an object as somebody who has the credentials can: also over another."""
    world.store.client.put_object(
        Bucket=world.store.bucket,
        Key=key,
        Body=content,
        Metadata={"sha256": hashlib.sha256(content).hexdigest()},
    )


def read_index(world: World) -> dict[str, Any]:
    return dict(json.loads(world.store.read(f"{world.prefix()}/index.json") or b""))


def read_page(world: World) -> str:
    return (world.store.read(f"{world.prefix()}/index.html") or b"").decode()
