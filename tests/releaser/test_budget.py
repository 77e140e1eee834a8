"""A zip over its budget is refused before it is put, and the files in it that grew are named."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from releaser import budget, config, sections
from releaser.errors import PackageError
from releaser.model import encode
from tests.releaser import handmade, toy
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow

UNCACHED, CACHED = "toy_buildpack-cflinuxfs4-v0.1.0.zip", "toy_buildpack-cached-cflinuxfs4-v0.1.0.zip"


def with_budget(stage: Stage, **budgets: str | None) -> Stage:
    """Return the world with other budgets; an environment cannot change them, so the file is made anew."""
    raw = {**stage.world.config.model_dump(), "budget": budgets}
    return stage.changed(config=sections.Config.model_validate(raw))


def refused(stage: Stage) -> PackageError:
    before = stage.objects()
    with pytest.raises(PackageError) as caught:
        stage.do("package")
    added = set(stage.objects()) - set(before)
    assert not [key for key in added if key.endswith(("ready.json", CACHED))]
    return caught.value


def release_before(stage: Stage, version: str, entries: Sequence[Mapping[str, Any]] | None) -> None:
    """Tag main as an older release, with a record of a cached zip that holds the entries."""
    said = handmade.record(version, {"cached": 1})
    if entries is not None:
        said["zips"][0]["entries"] = entries
    message = f"chore: release {toy.NAME} {version}\n\nRelease: {toy.NAME} {version}\nSource: {'0' * 40}"
    source = toy.git(stage.here, "rev-parse", "HEAD")
    made = toy.git(
        stage.here, "commit-tree", f"{source}^{{tree}}", "-p", source, "-m", message.replace("0" * 40, source)
    )
    toy.git(stage.here, "push", "--quiet", str(stage.remote), f"{made}:refs/tags/v{version}")
    stage.world.repository.fetch()
    handmade.put(stage.world, f"{stage.world.prefix()}/{version}/release.json", encode(said))


def entry(path: str, size: int) -> dict[str, Any]:
    return {"path": path, "mode": "0644", "size": size, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("words", "size"), [("1K", 1024), ("200K", 204_800), ("20M", 20_971_520), ("1G", 1 << 30)]
)
def test_budget_is_a_number_of_bytes(words: str, size: int) -> None:
    assert budget.allowed(words) == size


@pytest.mark.parametrize("words", ["0K", "-1M", "1", "1.5M", "1KB", "M", "20m", 7])
def test_budget_that_is_no_size_is_refused(words: object) -> None:
    raw = {**config.load(toy.ROOT / "sidecar.yml").model_dump(), "budget": {"cached": words}}
    with pytest.raises(ValueError, match=r"budget\.cached"):
        sections.Config.model_validate(raw)


def test_zips_within_their_budgets_are_packaged(committed: Stage) -> None:
    stage = with_budget(committed, uncached="100K", cached="200M")
    stage.do("package")
    assert f"{stage.release.candidate_prefix}/{CACHED}" in stage.objects()


def test_zips_without_a_budget_may_be_of_any_size(committed: Stage) -> None:
    with_budget(committed, uncached=None, cached=None).do("package")


def test_uncached_zip_has_a_budget_of_its_own(committed: Stage) -> None:
    said = refused(with_budget(committed, uncached="1K", cached=None))
    assert said.message.startswith(f"{UNCACHED} is 1.")
    assert "budget.uncached in sidecar.yml" in said.remedy


def test_first_release_over_budget_names_the_largest_files(committed: Stage) -> None:
    said = refused(with_budget(committed, uncached=None, cached="100K"))
    title, first, *_ = said.message.splitlines()
    size = committed.release.zips.joinpath(CACHED).stat().st_size
    assert title.startswith(f"{CACHED} is ")
    assert (
        f"({size:,} bytes), over its budget of 100K (100.0 KiB (102,400 bytes)); these are the largest"
        in title
    )
    assert first.startswith("  dependencies/toy-linux-amd64: ")
    assert said.remedy.endswith("raise budget.cached in sidecar.yml.")


def test_files_that_grew_are_named_the_most_grown_first_whatever_their_names_hold_of_the_version(
    committed: Stage,
) -> None:
    binary = committed.release.binaries()[0].path.stat().st_size
    was = f"dependencies/{'a' * 32}/toy-linux-amd64-{'b' * 12}"
    release_before(
        committed,
        "0.0.9",
        [entry(was, binary - 5_000), entry("bin/supply", 1), entry("VERSION", 6), entry("gone", 9)],
    )
    said = refused(with_budget(committed, uncached=None, cached="100K"))
    title, *lines = said.message.splitlines()
    assert title.endswith("these grew since 0.0.9 (as they are when unpacked):")
    assert lines[0].startswith("  dependencies/toy-linux-amd64: +4.9 KiB (5,000 bytes) to ")
    rest = {line.split(":")[0].strip(): line for line in lines[1:]}
    assert next(iter(rest)) == "manifest.yml"
    assert rest["manifest.yml"].endswith(", new")
    supply = len(toy.FILES["buildpack/bin/supply"])
    assert rest["bin/supply"] == f"  bin/supply: +{supply - 1} bytes to {supply} bytes"
    assert not {"VERSION", "gone"} & set(rest)


@pytest.mark.parametrize("entries", [None, []])
def test_record_that_does_not_say_what_its_zip_holds_leaves_the_largest_files(
    committed: Stage, entries: Sequence[Mapping[str, Any]] | None
) -> None:
    release_before(committed, "0.0.9", entries)
    assert "these are the largest" in refused(with_budget(committed, cached="100K")).message


def test_newer_release_of_another_line_is_not_what_came_before(committed: Stage) -> None:
    release_before(committed, "0.0.9", [entry("bin/supply", 1)])
    release_before(committed, "1.0.0", [entry("bin/supply", 1)])
    assert "grew since 0.0.9" in refused(with_budget(committed, cached="100K")).message
