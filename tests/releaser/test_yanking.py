"""Yanking: said once, in the bucket, and believed everywhere."""

import json
import subprocess
import threading
from pathlib import Path

import pytest

from releaser import yanking
from releaser.errors import ConfigError, OverwriteError
from releaser.installing import install as installing
from releaser.installing import published
from releaser.model import World
from releaser.tools import cf
from releaser.tools.s3 import Store
from tests.releaser import site as sites
from tests.releaser.site import BUILDPACK, ROOT, Bucket

OLD, NEW = "0.1.0", "0.1.1"


@pytest.fixture
def bucket(tmp_path: Path, store: Store, prefix: str) -> Bucket:
    made = Bucket(sites.world(tmp_path, store, prefix, "http://127.0.0.1:1", "none"))
    made.publish(OLD, NEW)
    return made


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A checkout whose user has a name."""
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "here")], check=True)
    subprocess.run(["git", "-C", str(tmp_path / "here"), "config", "user.name", "Ada"], check=True)
    return tmp_path / "here"


def said(world: World, version: str) -> dict[str, str]:
    return dict(json.loads(world.store.read(f"{world.prefix()}/{version}/yanked.json") or b"{}"))


def test_yank_says_why_since_when_and_who_and_leaves_the_rest(bucket: Bucket, here: Path) -> None:
    before = bucket.objects()
    yanking.yank(bucket.world, here, NEW, " it leaks its port ")
    found = said(bucket.world, NEW)
    assert (found["version"], found["reason"], found["by"]) == (NEW, "it leaks its port", "Ada")
    assert len(found["date"]) == len("2026-01-01T00:00:00Z")
    added = {f"{bucket.prefix}/{name}" for name in (f"{NEW}/yanked.json", "index.html", "index.json")}
    after = bucket.objects()
    assert set(after) - set(before) == added
    assert {key: after[key] for key in before} == before


def test_page_says_it(bucket: Bucket, here: Path) -> None:
    yanking.yank(bucket.world, here, NEW, "it leaks")
    assert b"it leaks" in (bucket.world.store.read(f"{bucket.prefix}/index.json") or b"")


def test_second_yank_for_the_same_reason_is_fine_and_changes_nothing(
    bucket: Bucket, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yanking.yank(bucket.world, here, NEW, "it leaks")
    first = bucket.objects()
    yanking.yank(bucket.world, here, NEW, "it leaks")
    assert bucket.objects() == first
    assert capsys.readouterr().out.count("config-server 0.1.1 is yanked since") == 2


def test_second_yank_for_another_reason_is_refused_with_the_first(bucket: Bucket, here: Path) -> None:
    yanking.yank(bucket.world, here, NEW, "it leaks")
    with pytest.raises(OverwriteError, match=r"is yanked since 20.* by Ada: it leaks"):
        yanking.yank(bucket.world, here, NEW, "another")
    assert said(bucket.world, NEW)["reason"] == "it leaks"


def test_of_two_yanks_at_once_the_bucket_keeps_one_and_the_other_is_told(bucket: Bucket, here: Path) -> None:
    barrier, refused = threading.Barrier(2), []

    def run(reason: str) -> None:
        barrier.wait()
        try:
            yanking.yank(bucket.world, here, NEW, reason)
        except OverwriteError as error:
            refused.append((reason, error.message))

    threads = [threading.Thread(target=run, args=(reason,)) for reason in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((loser, words),) = refused
    assert words.endswith(said(bucket.world, NEW)["reason"])
    assert said(bucket.world, NEW)["reason"] != loser


@pytest.mark.parametrize("version", ["9.9.9", "../0.1.0", "nonsense"])
def test_unknown_version_is_refused_with_the_known_ones(bucket: Bucket, here: Path, version: str) -> None:
    with pytest.raises(ConfigError) as caught:
        yanking.yank(bucket.world, here, version, "x")
    assert caught.value.remedy == "Published are: 0.1.0, 0.1.1."


def test_yank_without_a_reason_is_refused(bucket: Bucket, here: Path) -> None:
    with pytest.raises(ConfigError, match="without a reason"):
        yanking.yank(bucket.world, here, NEW, " ")
    assert said(bucket.world, NEW) == {}


def test_newest_is_the_newest_that_is_not_yanked(bucket: Bucket, here: Path) -> None:
    bucket.publish("0.1.2", "0.1.10")
    where = published.place(bucket.world)
    assert published.newest(where).version == "0.1.10"
    yanking.yank(bucket.world, here, "0.1.10", "x")
    assert published.newest(where).version == "0.1.2"
    for version in (OLD, NEW, "0.1.2"):
        yanking.yank(bucket.world, here, version, "x")
    with pytest.raises(ConfigError, match="no published version that is not yanked"):
        published.newest(where)


@pytest.mark.slow
def test_yanked_version_is_not_installed_and_gone_back_to_only_on_demand(
    tmp_path: Path, store: Store, prefix: str, here: Path
) -> None:
    with sites.serve(tmp_path / "site", store, prefix) as site:
        site.publish(OLD, NEW)
        installing.install(site.world, ROOT)
        yanking.yank(site.world, here, OLD, "it leaks")
        with pytest.raises(ConfigError, match=r"0.1.0 is yanked since .*: it leaks"):
            installing.install(site.world, ROOT, version=OLD)
        with pytest.raises(ConfigError, match=r"0.1.0 is yanked since .*: it leaks") as caught:
            installing.rollback(site.world, ROOT, to=OLD)
        assert "--yanked" in caught.value.remedy
        assert site.names() == [BUILDPACK]
        installing.rollback(site.world, ROOT, to=OLD, yanked=True)
        assert cf.find_buildpacks(site.session, f"{BUILDPACK}-v0-1-1")
