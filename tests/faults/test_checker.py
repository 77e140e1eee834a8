"""The checker finds a good world good, and names the promise that is broken in a bad one."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from faults import checker
from tests.faults import good as worlds
from tests.faults.good import NAME, PUBLIC, RECORD, VERSION, ZIP, Good, archive, digest, pins

pytestmark = pytest.mark.slow
Break = Callable[[Good], object]


@pytest.fixture
def good(tmp_path: Path) -> Good:
    return worlds.make(tmp_path / "repository")


def invariants(good: Good) -> set[str]:
    return {one.invariant for one in good.broken()}


def test_good_world_breaks_nothing(good: Good) -> None:
    assert good.broken() == []
    assert good.broken() == []
    assert list(checker.whole(good.seen(), good.source)) == []


def test_squashed_commit_with_the_accepted_tree_is_accepted(good: Good) -> None:
    tree = good.git("rev-parse", "HEAD^{tree}")
    squashed = good.git("commit-tree", tree, "-p", good.source, "-m", "Merge request 1")
    good.git("tag", "--delete", "v0.1.0")
    good.git("reset", "--quiet", "--hard", squashed)
    named = f"{NAME} {VERSION}\n\nRelease: {NAME} {VERSION}\nSource: {good.source}"
    good.git("-c", "user.name=dev", "-c", "user.email=dev", "tag", "--annotate", "-m", named, "v0.1.0")
    good.change(RECORD, commit=squashed)
    assert good.broken() == []
    good.git("commit", "--quiet", "--amend", "--allow-empty", "-m", "later")
    good.commit("chore: main goes on", {"more": "text"})
    good.git("tag", "--force", "v0.1.0", "HEAD")
    assert "accepted" in invariants(good)


def without_report(good: Good) -> None:
    del good.objects[good.report_key]


def with_failed_report(good: Good) -> None:
    good.change(good.report_key, passed=False)


def tag_elsewhere(good: Good) -> None:
    good.git("checkout", "--quiet", "-b", "side")
    good.commit("feat: elsewhere", {"other": "file"})
    good.git("tag", "v0.2.0")
    good.git("checkout", "--quiet", "main")


def main_back(good: Good) -> None:
    good.git("reset", "--quiet", "--hard", "HEAD^")


def main_ahead(good: Good) -> None:
    good.commit(f"chore: release\n\nRelease: {NAME} 0.2.0\nSource: {good.source}", pins("0.2.0"))


def without_tag(good: Good) -> None:
    good.git("tag", "--delete", "v0.1.0")


@pytest.mark.parametrize(
    "change", [without_report, with_failed_report, tag_elsewhere, main_back, main_ahead, without_tag]
)
def test_main_tag_or_record_of_what_was_not_accepted_is_named(good: Good, change: Break) -> None:
    change(good)
    assert "accepted" in invariants(good)


def another_zip(good: Good) -> None:
    good.objects[f"{PUBLIC}{ZIP}"] = archive(more="text")


def another_zip_and_record(good: Good) -> None:
    another_zip(good)
    good.change(RECORD, zips=[{"name": ZIP, "sha256": digest(archive(more="text"))}])


def another_digest_in_the_record(good: Good) -> None:
    good.change(RECORD, zips=[{"name": ZIP, "sha256": "0" * 64}])


def zip_of_another_version(good: Good) -> None:
    good.objects[f"{PUBLIC.replace(VERSION, '0.2.0')}{ZIP}"] = archive()


def without_zip(good: Good) -> None:
    del good.objects[f"{PUBLIC}{ZIP}"]


@pytest.mark.parametrize(
    "change",
    [another_zip, another_zip_and_record, another_digest_in_the_record, zip_of_another_version, without_zip],
)
def test_public_bytes_that_were_not_accepted_are_named(good: Good, change: Break) -> None:
    change(good)
    assert "same bytes" in invariants(good)


def record_changes(good: Good) -> None:
    good.change(RECORD, note="later")


def record_goes(good: Good) -> None:
    del good.objects[RECORD]


def tag_moves(good: Good) -> None:
    good.git("tag", "--force", "v0.1.0", "HEAD^")


def second_tag_of_the_source(good: Good) -> None:
    good.git("tag", "v0.2.0", "v0.1.0")


def claim_of_another_source(good: Good) -> None:
    good.put(f"{PUBLIC}source.json", {"source": "0" * 40})


@pytest.mark.parametrize(
    "change", [record_changes, record_goes, tag_moves, second_tag_of_the_source, claim_of_another_source]
)
def test_change_of_what_was_public_at_an_earlier_look_is_named(good: Good, change: Break) -> None:
    assert good.broken() == []
    change(good)
    assert "never overwritten" in invariants(good)


def url_that_nobody_reads(good: Good) -> None:
    good.commit("chore: url", {"buildpack/.downloadurl": "http://bucket.example/gone#sha256=00"})


def url_with_another_digest(good: Good) -> None:
    url = pins(VERSION)["buildpack/.downloadurl"].partition("#")[0]
    good.commit("chore: url", {"buildpack/.downloadurl": f"{url}#sha256={'0' * 64}"})


@pytest.mark.parametrize("change", [url_that_nobody_reads, url_with_another_digest])
def test_downloadurl_that_cannot_be_verified_is_named(good: Good, change: Break) -> None:
    change(good)
    assert invariants(good) == {"fetchable"}


def zip_with(**files: str) -> Break:
    def change(good: Good) -> None:
        content = archive(**files)
        good.objects[f"{PUBLIC}{ZIP}"] = content
        digests = {ZIP: digest(content)}
        good.change(good.report_key, digests=digests)
        good.change(RECORD, zips=[{"name": ZIP, "sha256": digests[ZIP]}])

    return change


def program_that_says_another(good: Good) -> None:
    content = worlds.program("9.9.9")
    good.objects["other"] = content
    good.change(
        RECORD, binaries=[{"key": f"{PUBLIC}other", "sha256": digest(content), "target": "linux/amd64"}]
    )
    good.objects[f"{PUBLIC}other"] = content


def record_that_says_another(good: Good) -> None:
    good.change(RECORD, version="9.9.9")


def tag_that_says_another(good: Good) -> None:
    good.git("tag", "--delete", "v0.1.0")
    good.git("tag", "v9.9.9")


@pytest.mark.parametrize(
    "change",
    [
        zip_with(VERSION="9.9.9"),
        zip_with(**{".version": "9.9.9"}),
        zip_with(**{"manifest.yml": worlds.manifest("9.9.9")}),
        program_that_says_another,
        record_that_says_another,
        tag_that_says_another,
    ],
)
def test_place_that_says_another_version_is_named(good: Good, change: Break) -> None:
    change(good)
    assert "one version" in invariants(good)


def skipped_test(good: Good) -> None:
    tests = json.loads(good.objects[good.report_key])["tests"]
    good.change(good.report_key, tests=[{**tests[0], "outcome": "skipped"}, *tests[1:]])


def missing_row(good: Good) -> None:
    good.change(good.report_key, tests=json.loads(good.objects[good.report_key])["tests"][:1])


def no_test_in_the_record(good: Good) -> None:
    good.change(RECORD, acceptance={"passed": True, "tests": []})


@pytest.mark.parametrize("change", [skipped_test, missing_row, no_test_in_the_record])
def test_pass_without_all_that_is_required_is_named(good: Good, change: Break) -> None:
    change(good)
    assert invariants(good) == {"no skipped"}


def secret_in_a_report(good: Good) -> None:
    good.change(good.report_key, user="planted-secret")


def secret_in_a_commit(good: Good) -> None:
    good.commit("docs: planted-secret", {"note": "text"})


def secret_in_a_file_of_git(good: Good) -> None:
    good.commit("docs: note", {"note": "planted-secret"})


@pytest.mark.parametrize(
    "change",
    [secret_in_a_report, secret_in_a_commit, secret_in_a_file_of_git, zip_with(note="planted-secret")],
)
def test_planted_secret_is_named(good: Good, change: Break) -> None:
    good.secrets = ("planted-secret",)
    change(good)
    assert invariants(good) == {"no secret"}


def new_source(good: Good) -> None:
    good.commit("fix: more", {"more": "text"})


def candidate_left(good: Good) -> None:
    good.git("branch", f"candidate/{good.source[:12]}")


@pytest.mark.parametrize("change", [new_source, candidate_left, record_goes, main_ahead])
def test_world_that_lacks_something_of_its_newest_release_is_not_whole(good: Good, change: Break) -> None:
    change(good)
    newest = good.git("rev-parse", "HEAD") if change is new_source else good.source
    assert list(checker.whole(good.seen(), newest))
