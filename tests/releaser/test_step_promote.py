"""Step 7: main, tag, zips and record agree, or nothing is public."""

import hashlib
import json
import urllib.request
from typing import Any

import pytest

from releaser import acceptance, candidate
from releaser.config import with_sections
from releaser.errors import GitError, NotAcceptedError, OverwriteError, StoreError, SupersededError
from releaser.steps import promote
from tests.releaser.toy import Stage, git

pytestmark = pytest.mark.slow

PINS = [
    "CHANGELOG.md",
    *(f"buildpack/{name}" for name in (".downloadurl", ".version", "VERSION", "manifest.yml")),
]
ZIP = "toy_buildpack-cflinuxfs4-v0.1.0.zip"
STATEMENT = "toy_buildpack-v0.1.0.intoto.json"
SPEAKING = {"source.json", "SHA256SUMS", STATEMENT, "release.json"}  # they name files, none names them


def release_commit(stage: Stage) -> str:
    ready = candidate.ready(stage.release)
    assert ready is not None
    return ready.commit


def refused(stage: Stage, kind: type[Exception], said: str) -> None:
    """Promote, expect an error, and that nothing in the world has changed."""
    keys, refs = stage.objects(), stage.refs()
    with pytest.raises(kind, match=said):
        stage.do("promote")
    assert stage.objects() == keys
    assert stage.refs() == refs


def test_promoted_release_has_main_and_tag_on_the_accepted_commit(accepted: Stage) -> None:
    commit = release_commit(accepted)
    accepted.do("promote")
    assert accepted.refs() == {"refs/heads/main": commit, "refs/tags/v0.1.0": commit}


def test_published_zips_are_the_accepted_bytes_and_the_record_says_so(promoted: Stage) -> None:
    ready = candidate.ready(promoted.release)
    assert ready is not None
    with urllib.request.urlopen(promoted.world.public.url(promoted.release.record_key)) as answer:
        record = json.load(answer)
    assert (record["name"], record["version"], record["tag"]) == ("toy", "0.1.0", "v0.1.0")
    assert (record["source"], record["commit"]) == (promoted.release.facts.source, ready.commit)
    assert record["date"] == "2023-11-14T22:13:20Z"
    assert record["acceptance"] == acceptance.passed(promoted.release)
    assert {row["name"]: row["sha256"] for row in record["zips"]} == {
        one.name: one.digest for one in ready.zips
    }
    for row in [*record["zips"], *record["binaries"]]:
        with urllib.request.urlopen(row["url"]) as answer:
            assert hashlib.sha256(answer.read()).hexdigest() == row["sha256"]


def test_checksums_name_every_file_beside_them(promoted: Stage) -> None:
    prefix = f"{promoted.release.public_prefix}/"
    sums = promoted.store.read(f"{prefix}SHA256SUMS")
    assert sums is not None
    rows = {line[66:]: line[:64] for line in sums.decode().splitlines()}
    there = [key for key in promoted.objects() if key.startswith(prefix)]
    digests = {key.removeprefix(prefix): promoted.digest(key) for key in there}
    assert rows == {name: one for name, one in digests.items() if name not in SPEAKING}


def test_promote_done_twice_is_a_no_op(promoted: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    keys, refs = promoted.objects(), promoted.refs()
    promoted.do("promote")
    assert "already done: v0.1.0 on" in capsys.readouterr().out
    promote.run(promoted.release)  # as two machines that do it at once
    assert (promoted.objects(), promoted.refs()) == (keys, refs)


@pytest.mark.parametrize("lost", ["release.json", "SHA256SUMS", STATEMENT, "toy-0.1.0.cdx.json", ZIP])
def test_published_object_that_was_lost_comes_again_with_the_same_bytes(promoted: Stage, lost: str) -> None:
    keys = promoted.objects()
    promoted.delete(f"{promoted.release.public_prefix}/{lost}")
    assert promote.find(promoted.release) is None
    promoted.do("promote")
    assert promoted.objects() == keys


def test_release_is_finished_on_another_machine_without_building(promoted: Stage) -> None:
    keys = promoted.objects()
    promoted.delete(
        *(key for key in keys if key.startswith(promoted.release.public_prefix) and ".zip" in key)
    )
    other = promoted.another(promoted.here.parent / "elsewhere")
    other.do("promote")
    assert other.objects() == keys


def test_tag_and_branch_that_were_lost_come_again(promoted: Stage) -> None:
    refs = promoted.refs()
    git(promoted.remote, "update-ref", "-d", "refs/tags/v0.1.0")
    git(promoted.remote, "update-ref", "refs/heads/main", promoted.release.facts.source)
    assert promote.find(promoted.release) is None
    promoted.do("promote")
    assert promoted.refs() == refs


@pytest.mark.parametrize("name", [ZIP, "toy-0.1.0.cdx.json", "SHA256SUMS", STATEMENT, "release.json"])
def test_public_name_with_other_bytes_is_refused_before_anything_is_public(
    accepted: Stage, name: str
) -> None:
    key = f"{accepted.release.public_prefix}/{name}"
    accepted.overwrite(key, b"other", hashlib.sha256(b"other").hexdigest())
    refused(accepted, OverwriteError, f"{name} exists with other bytes")


def test_tag_on_another_commit_is_refused(accepted: Stage) -> None:
    git(accepted.remote, "update-ref", "refs/tags/v0.1.0", accepted.release.facts.source)
    refused(accepted, OverwriteError, r"v0\.1\.0 is on .*, not on")


def test_main_that_has_newer_sources_supersedes_the_candidate(accepted: Stage) -> None:
    accepted.push_main("fix: newer", {"sidecar_src/more.go": "package main\n"})
    refused(accepted, SupersededError, r"main has newer changes than [0-9a-f]{12}, the source of 0\.1\.0")


def test_main_that_was_moved_back_to_an_unrelated_history_is_not_touched(accepted: Stage) -> None:
    git(accepted.here, "checkout", "--quiet", "--orphan", "other")
    git(accepted.here, "commit", "--quiet", "-m", "other", epoch=1)
    (accepted.here / "sidecar_src/main.go").write_text("package main\n")
    git(accepted.here, "commit", "--quiet", "-am", "other")
    git(accepted.here, "push", "--quiet", "--force", str(accepted.remote), "HEAD:refs/heads/main")
    refused(accepted, SupersededError, "newer changes")


def test_main_that_moved_by_docs_only_gets_a_merge_with_the_pins(accepted: Stage) -> None:
    docs = accepted.push_main("docs: words", {"docs/words.md": "Words.\n"})
    commit = release_commit(accepted)
    accepted.do("promote")
    refs = accepted.refs()
    assert refs["refs/tags/v0.1.0"] == commit
    parents, date = git(accepted.remote, "show", "-s", "--format=%P|%ct", "main").split("|")
    assert (parents, date) == (f"{docs} {commit}", "1700000000")
    changed = git(accepted.remote, "diff", "--name-only", docs, "main").splitlines()
    assert sorted(changed) == sorted(PINS)
    assert git(accepted.remote, "diff", "--name-only", commit, "main").splitlines() == ["docs/words.md"]


def test_merge_with_docs_is_the_same_commit_on_another_machine(accepted: Stage) -> None:
    accepted.push_main("docs: words", {"docs/words.md": "Words.\n"})
    before = accepted.refs()
    accepted.do("promote")
    made = accepted.refs()["refs/heads/main"]
    for name in set(accepted.refs()) - set(before):
        git(accepted.remote, "update-ref", "-d", name)
    for name, commit in before.items():
        git(accepted.remote, "update-ref", name, commit)
    other = accepted.another(accepted.here.parent / "elsewhere")
    other.do("promote")
    assert other.refs()["refs/heads/main"] == made


def test_main_that_names_an_equal_version_of_another_source_supersedes_the_candidate(accepted: Stage) -> None:
    accepted.push_main("chore: release toy 0.1.0", {"buildpack/VERSION": "0.1.0\n"})
    refused(accepted, SupersededError, "main names 0.1.0 already, which is not older than 0.1.0")


def test_main_that_moves_on_after_the_release_keeps_it_promoted(promoted: Stage) -> None:
    git(promoted.here, "pull", "--quiet", str(promoted.remote), "main")
    promoted.push_main("fix: newer", {"sidecar_src/more.go": "package main\n"})
    assert promote.find(promoted.release)


def test_remote_that_refuses_main_is_told_apart_from_a_lost_race(accepted: Stage) -> None:
    hook = accepted.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
    hook.chmod(0o755)
    refused(accepted, GitError, "main is protected")


def test_main_that_moves_during_the_push_supersedes_the_candidate(accepted: Stage) -> None:
    """The remote's own hook lets somebody else be faster between our look and our push."""
    newer = accepted.push_main("fix: newer", {"sidecar_src/more.go": "package main\n"})
    main = accepted.release.facts.source
    git(accepted.remote, "update-ref", "refs/heads/main", main)
    hook = accepted.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nenv -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {newer}\n")
    hook.chmod(0o755)
    keys = accepted.objects()
    with pytest.raises(SupersededError, match="main has newer changes than"):
        accepted.do("promote")
    assert accepted.objects() == keys
    assert accepted.refs()["refs/heads/main"] == newer
    assert "refs/tags/v0.1.0" not in accepted.refs()


def test_candidate_that_is_not_accepted_is_not_promoted(packaged: Stage) -> None:
    refused(packaged, NotAcceptedError, r"0\.1\.0 is not accepted on embedded")


def test_candidate_that_another_foundation_accepted_is_not_promoted(accepted: Stage) -> None:
    stage = accepted.changed(config=with_sections(accepted.world.config, {"foundation": {"name": "staging"}}))
    refused(stage, NotAcceptedError, r"0\.1\.0 is not accepted on staging")


def test_candidate_without_zips_is_not_promoted(committed: Stage) -> None:
    refused(committed, NotAcceptedError, "is not in the bucket")


def replaced_report(stage: Stage, **changes: Any) -> None:
    report = {**(acceptance.passed(stage.release) or {}), **changes}
    content = json.dumps(report).encode()
    stage.overwrite(stage.release.acceptance_key, content, hashlib.sha256(content).hexdigest())


def test_report_that_lacks_a_required_row_is_refused(accepted: Stage) -> None:
    row = "rubyapp/cached/cflinuxfs4"
    replaced_report(accepted, tests=[{"id": "one", "outcome": "passed", "rows": [row]}])
    refused(accepted, NotAcceptedError, "lacks rubyapp/git/cflinuxfs4, rubyapp/uncached/cflinuxfs4")


def test_rows_are_those_that_the_source_commit_asks_for_and_not_the_checkouts(accepted: Stage) -> None:
    fewer = with_sections(accepted.world.config, {"acceptance": {"ways": ("uncached",)}})
    row = "rubyapp/uncached/cflinuxfs4"
    replaced_report(accepted, tests=[{"id": "one", "outcome": "passed", "rows": [row]}])
    refused(accepted.changed(config=fewer), NotAcceptedError, "lacks rubyapp/cached/cflinuxfs4, rubyapp/git")


def test_report_of_a_failed_run_is_refused(accepted: Stage) -> None:
    replaced_report(accepted, passed=False)
    refused(accepted, NotAcceptedError, "did not pass")


def test_stand_in_is_refused_for_production(accepted: Stage) -> None:
    refused(
        accepted.changed(environment="production"),
        NotAcceptedError,
        "cflinuxfs4 on embedded is a stand-in, which production does not accept",
    )


def test_stand_in_is_enough_for_production_where_the_configuration_says_so(accepted: Stage) -> None:
    allowed = with_sections(accepted.world.config, {"acceptance": {"stand_in": True}})
    stage = accepted.changed(environment="production", config=allowed)
    stage.do("promote")
    record = candidate.read_json(stage.release, stage.release.record_key)
    assert record is not None
    assert record["acceptance"]["stacks"] == {"cflinuxfs4": "stand-in"}


def test_zip_that_was_damaged_since_its_acceptance_is_not_published(accepted: Stage) -> None:
    ready = candidate.ready(accepted.release)
    assert ready is not None
    one = ready.zips[0]
    accepted.overwrite(f"{accepted.release.candidate_prefix}/{one.name}", b"damaged", one.digest)
    for path in accepted.release.zips.iterdir():
        path.unlink()
    keys, refs = accepted.objects(), accepted.refs()
    with pytest.raises(StoreError, match="has the digest"):
        accepted.do("promote")
    assert (accepted.objects(), accepted.refs()) == (keys, refs)


def test_public_object_that_the_store_damaged_is_named_and_has_no_record(accepted: Stage) -> None:
    """As a store that answers 200 and keeps other bytes under the digest that was put with them."""
    key = f"{accepted.release.public_prefix}/{ZIP}"
    ready = candidate.ready(accepted.release)
    assert ready is not None
    digest = next(one.digest for one in ready.zips if one.name == ZIP)
    accepted.overwrite(key, b"damaged", digest)
    with pytest.raises(StoreError, match="has the digest") as caught:
        accepted.do("promote")
    assert f"remove {key}" in caught.value.remedy
    assert accepted.release.record_key not in accepted.objects()
    accepted.delete(key)
    accepted.do("promote")
    assert accepted.release.record_key in accepted.objects()
