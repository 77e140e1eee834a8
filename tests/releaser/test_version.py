"""The version of a source: what names it already, else its commits, else the user's word."""

import hashlib
import json

import pytest

from releaser import pins, version
from releaser.errors import SourceError, TakenError
from releaser.tools import cliff
from tests.releaser.toy import EPOCH, GO, Stage, commit, git

pytestmark = pytest.mark.slow


def of(stage: Stage, wanted: str | None = None) -> str:
    """Push the checkout's HEAD to main and return the version of it."""
    git(stage.here, "push", "--quiet", str(stage.remote), "HEAD:refs/heads/main")
    stage.world.repository.fetch()
    return version.of(stage.world, git(stage.here, "rev-parse", "HEAD"), wanted).version


@pytest.fixture
def released(promoted: Stage) -> Stage:
    """0.1.0 is released, and the checkout is at main."""
    git(promoted.here, "pull", "--quiet", "--ff-only", str(promoted.remote), "main")
    return promoted


def test_first_version_is_0_1_0(stage: Stage) -> None:
    assert of(stage) == "0.1.0"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("fix: it", "0.1.1"),
        ("changed a thing", "0.1.1"),
        ("chore: it", "0.1.1"),
        ("feat: more", "0.2.0"),
        ("feat(scope): more", "0.2.0"),
        ("Merge pull request #1", "0.1.1"),
    ],
)
def test_commit_after_a_release_raises_its_version(released: Stage, message: str, expected: str) -> None:
    commit(released.here, message, {"sidecar_src/more.go": GO})
    assert of(released) == expected


def test_every_commit_since_the_release_counts_also_those_of_a_merged_branch(released: Stage) -> None:
    git(released.here, "checkout", "--quiet", "-b", "side")
    commit(released.here, "feat: on the side", {"sidecar_src/side.go": GO})
    git(released.here, "checkout", "--quiet", "main")
    commit(released.here, "fix: one", {"sidecar_src/one.go": GO})
    git(released.here, "merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
    commit(released.here, "fix: two", {"sidecar_src/two.go": GO})
    assert of(released) == "0.2.0"


def test_commits_that_touch_excluded_files_only_do_not_count(released: Stage) -> None:
    commit(released.here, "feat: words", {"docs/words.md": "w\n"})
    commit(released.here, "fix: it", {"sidecar_src/more.go": GO})
    assert of(released) == "0.1.1"
    facts = version.of(released.world, git(released.here, "rev-parse", "HEAD"), None)
    skipped = version.uncounted(released.world, facts.source)
    tags = version.own_tags(released.world, facts.source)
    text = cliff.changelog(released.world.repository, facts.source, tags, skipped, "0.1.1")
    assert "- it" in text
    assert "words" not in text


def test_source_that_is_released_keeps_its_version(released: Stage) -> None:
    assert version.of(released.world, released.release.facts.source, None) == released.release.facts


def test_candidate_that_names_the_source_gives_its_version(committed: Stage) -> None:
    assert version.of(committed.world, committed.release.facts.source, None) == committed.release.facts


def test_versions_that_are_taken_are_skipped(released: Stage) -> None:
    commit(released.here, "fix: it", {"sidecar_src/more.go": GO})
    source = git(released.here, "rev-parse", "HEAD")
    git(released.here, "push", "--quiet", str(released.remote), "HEAD:refs/tags/v0.1.1")  # anybody's tag
    message = f"chore: release toy 0.1.2\n\nRelease: toy 0.1.2\nSource: {released.release.facts.source}"
    git(released.here, "checkout", "--quiet", "--detach")
    commit(released.here, message)
    git(released.here, "push", "--quiet", str(released.remote), "HEAD:refs/heads/candidate/other")
    git(released.here, "checkout", "--quiet", "main")
    record = json.dumps({"source": "ab" * 20}).encode()
    for name in ("0.1.3/release.json", "0.1.4/source.json"):  # a record, and a claim
        released.overwrite(f"{released.world.prefix()}/{name}", record, hashlib.sha256(record).hexdigest())
    assert of(released) == "0.1.5"
    assert version.of(released.world, source, None).source == source


def test_tags_of_another_name_and_foreign_tags_decide_nothing(stage: Stage) -> None:
    message = f"chore: release other 5.0.0\n\nRelease: other 5.0.0\nSource: {stage.release.facts.source}"
    commit(stage.here, message)
    git(stage.here, "tag", "v5.0.0")
    commit(stage.here, "words")
    for name in ("v7.0.0", "v8.0.0-rc.1", "9.0.0", "nightly"):
        git(stage.here, "tag", name)
    git(stage.here, "push", "--quiet", "--tags", str(stage.remote))
    commit(stage.here, "fix: it", {"sidecar_src/more.go": GO})
    assert of(stage) == "0.1.0"
    assert version.released(stage.world) == []


@pytest.mark.parametrize(
    ("trailers", "expected"),
    [
        ("Release: toy\nSource: abc", "0.1.0"),
        ("Release: toy 1.0\nSource: abc", "0.1.0"),
        ("Release: toy|5.0.0\nSource: a|b", "0.1.0"),
        ("Release: toy 5.0.0\nSource: no-commit", "5.0.1"),
        (f"Release: toy 5.0.0\nSource: {'ab' * 20}", "5.0.1"),
    ],
)
def test_tag_whose_trailers_name_no_source_of_ours_does_no_harm(
    stage: Stage, trailers: str, expected: str
) -> None:
    commit(stage.here, f"odd\n\n{trailers}")
    git(stage.here, "push", "--quiet", str(stage.remote), "HEAD:refs/tags/v5.0.0")
    git(stage.here, "push", "--quiet", str(stage.remote), "HEAD:refs/heads/candidate/odd")
    commit(stage.here, "fix: it", {"sidecar_src/more.go": GO})
    assert of(stage) == expected
    assert version.released(stage.world) == []


def test_version_that_the_user_gives_is_taken(released: Stage) -> None:
    commit(released.here, "fix: it", {"sidecar_src/more.go": GO})
    assert of(released, "2.0.0") == "2.0.0"


@pytest.mark.parametrize("bad", ["v1.2.3", "1.2", "1.2.3-rc.1", "", "1.2.x"])
def test_version_that_is_none_is_refused(released: Stage, bad: str) -> None:
    commit(released.here, "fix: it", {"sidecar_src/more.go": GO})
    with pytest.raises(SourceError, match=f"'{bad}' is no version"):
        of(released, bad)


def test_version_of_another_source_is_refused(released: Stage) -> None:
    commit(released.here, "fix: it", {"sidecar_src/more.go": GO})
    with pytest.raises(SourceError, match=r"version 0\.1\.0 belongs to another source"):
        of(released, "0.1.0")


def test_second_version_of_a_source_is_refused(committed: Stage) -> None:
    with pytest.raises(SourceError, match=r"is toy 0\.1\.0 already, not 3\.0\.0"):
        of(committed, "3.0.0")


# --- an older line, beside one that is further


def tag(stage: Stage, number: str) -> None:
    """Release the checkout's HEAD by hand: a commit with the trailers, tagged."""
    source = git(stage.here, "rev-parse", "HEAD")
    commit(stage.here, f"chore: release toy {number}\n\nRelease: toy {number}\nSource: {source}")
    git(stage.here, "push", "--quiet", str(stage.remote), f"HEAD:refs/tags/v{number}")


@pytest.fixture
def older(released: Stage) -> Stage:
    """The checkout is on the line of 0.1.0; another line has released 0.2.0."""
    git(released.here, "branch", "0.1.x")
    commit(released.here, "feat: further", {"sidecar_src/further.go": GO})
    tag(released, "0.2.0")
    git(released.here, "checkout", "--quiet", "0.1.x")
    return released


def of_line(stage: Stage, wanted: str | None = None) -> str:
    """Push the checkout's HEAD to the older line's branch and return the version of it."""
    git(stage.here, "push", "--quiet", str(stage.remote), "HEAD:refs/heads/0.1.x")
    stage.world.repository.fetch()
    return version.of(stage.world, git(stage.here, "rev-parse", "HEAD"), wanted).version


@pytest.mark.parametrize("message", ["fix: it", "feat: more"])
def test_older_line_stays_below_the_next_lines_versions(older: Stage, message: str) -> None:
    commit(older.here, message, {"sidecar_src/more.go": GO})
    assert of_line(older) == "0.1.1"


def test_line_without_a_number_left_is_refused_with_the_limit(older: Stage) -> None:
    git(older.here, "checkout", "--quiet", "--detach")
    commit(older.here, "fix: aside", {"sidecar_src/aside.go": GO})
    tag(older, "0.1.1")
    git(older.here, "checkout", "--quiet", "0.1.x")
    commit(older.here, "fix: it", {"sidecar_src/more.go": GO})
    with pytest.raises(SourceError, match=r"0\.1\.2 is not below 0\.1\.1, which the next line has"):
        of_line(older)


def test_version_of_the_next_line_is_refused_on_the_older_one(older: Stage) -> None:
    commit(older.here, "fix: it", {"sidecar_src/more.go": GO})
    with pytest.raises(SourceError, match=r"0\.3\.0 is not below 0\.2\.0"):
        of_line(older, "0.3.0")
    assert of_line(older, "0.1.7") == "0.1.7"


def test_candidate_whose_version_became_somebody_elses_tag_is_refused_with_the_way_out(
    committed: Stage,
) -> None:
    commit(committed.here, "words")
    git(committed.here, "push", "--quiet", str(committed.remote), "HEAD:refs/tags/v0.1.0")
    committed.world.repository.fetch()
    source = committed.release.facts.source
    with pytest.raises(TakenError, match=r"is 0\.1\.0, but v0\.1\.0 is another commit's tag") as caught:
        version.of(committed.world, source, None)
    assert f"./inv prune --source {source[:12]}" in caught.value.remedy


def test_number_and_date_are_the_source_commits(released: Stage) -> None:
    git(released.here, "checkout", "--quiet", "-b", "side")
    commit(released.here, "fix: on the side", {"sidecar_src/side.go": GO})
    git(released.here, "checkout", "--quiet", "main")
    commit(released.here, "fix: it", {"sidecar_src/more.go": GO})
    git(released.here, "merge", "--quiet", "--no-ff", "-m", "Merge side", "side", epoch=EPOCH + 86400 * 400)
    git(released.here, "push", "--quiet", str(released.remote), "HEAD:refs/heads/main")
    released.world.repository.fetch()
    facts = version.of(released.world, git(released.here, "rev-parse", "HEAD"), None)
    assert (facts.number, facts.epoch) == (4, EPOCH + 86400 * 400)


def test_changelog_is_dated_like_the_source_and_not_like_today(bumped: Stage) -> None:
    text = pins.of(bumped.release)["CHANGELOG.md"].decode().rstrip("\n")
    assert text == "# Changelog\n\n## 0.1.0 (2023-11-14)\n\n### Features\n\n- begin"
