"""`./inv verify VERSION`: whatever is changed in git or the bucket after a release is found and named."""

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from releaser import record
from releaser.config import with_sections
from releaser.errors import WaitingError
from releaser.evidence import provenance
from releaser.model import encode
from releaser.tools import ed25519
from releaser.tools.ed25519 import Public
from releaser.verify import release
from releaser.verify.rows import Row
from tests.releaser import released
from tests.releaser.released import KEY, content, edit_record, name_of, replace, wrong
from tests.releaser.snapshots import Snapshots
from tests.releaser.toy import Stage, git

pytestmark = pytest.mark.slow

ZIP, CACHED = "toy_buildpack-cflinuxfs4-v0.1.0.zip", "toy_buildpack-cached-cflinuxfs4-v0.1.0.zip"
STATEMENT, SUMS, RECORD, SIGNATURE = (
    "toy_buildpack-v0.1.0.intoto.json",
    "SHA256SUMS",
    "release.json",
    "release.json.sig",
)
SBOMS = ("toy-0.1.0.cdx.json", "toy_buildpack-0.1.0.cdx.json")
BINARY = "toy-linux-amd64"
NAMES = (ZIP, CACHED, BINARY, *SBOMS, SUMS, STATEMENT, RECORD, SIGNATURE)
SEED = 4
# Of an unsigned record, what nobody but its writer can know, once the candidate is pruned.
UNKNOWABLE = {
    *("acceptance.foundation", "acceptance.git.ref", "acceptance.git.url", "acceptance.user"),
    "acceptance.stacks.cflinuxfs4",
}


@pytest.fixture
def signed(tmp_path: Path, snapshots: Snapshots) -> Stage:
    return released.open_signed(snapshots, tmp_path / "toy")


def verify(stage: Stage, key: Public | None = KEY) -> list[Row]:
    return release.check(stage.world, "0.1.0", key)


def full(stage: Stage, name: str) -> str:
    return name_of(stage, name) if name == BINARY else name


def test_untouched_signed_release_passes_every_check(signed: Stage) -> None:
    rows = verify(signed)
    assert wrong(rows) == []
    assert not [row for row in rows if row.warning]
    shown = {row.check for row in rows}
    assert set(release.CHECKS) - {"others", "binaries"} <= shown | {"binary"}
    assert {"entries", "version", "trailers"} <= shown


def test_unsigned_release_passes_and_says_that_nobody_signed(promoted: Stage) -> None:
    rows = verify(promoted, None)
    assert wrong(rows) == []
    assert [row.detail for row in rows if row.warning] == [
        "nobody signed this release: it is as git and the bucket say, and no more"
    ]


def test_release_stays_verified_when_main_and_other_versions_move_on(signed: Stage) -> None:
    git(signed.here, "pull", "--quiet", str(signed.remote), "main")
    signed.push_main("feat: more", {"sidecar_src/more.go": "package main\n"})
    signed.overwrite(f"{signed.world.prefix()}/0.2.0/source.json", b"{}", "00")
    assert wrong(verify(signed)) == []


def test_release_on_main_that_got_documents_meanwhile_passes(accepted: Stage) -> None:
    accepted.push_main("docs: words", {"docs/words.md": "Words.\n"})
    accepted.do("promote")
    assert wrong(verify(accepted, None)) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_flipped_byte_is_found(signed: Stage, name: str) -> None:
    choice = random.Random(f"{SEED} {name}")  # noqa: S311  # it has to be the same each time
    name = full(signed, name)
    before = content(signed, name)
    for _ in range(3):
        after = released.flipped(before, choice)
        replace(signed, name, after)
        assert wrong(verify(signed)), f"nobody saw {after!r}"
    replace(signed, name, before)
    assert wrong(verify(signed)) == []


def test_flipped_byte_of_a_zip_is_told_with_both_digests(signed: Stage) -> None:
    before = content(signed, ZIP)
    replace(signed, ZIP, bytes([before[0] ^ 1]) + before[1:])
    found = json.loads(content(signed, RECORD))["zips"][0]
    [said] = [line for line in wrong(verify(signed)) if line.startswith("object")]
    assert f"{ZIP} has {found['size']} bytes with sha256 " in said
    assert f"expected {found['size']} bytes with sha256 {found['sha256']}" in said


def test_zips_whose_names_were_exchanged_are_found(signed: Stage) -> None:
    one, other = content(signed, ZIP), content(signed, CACHED)
    replace(signed, ZIP, other)
    replace(signed, CACHED, one)
    said = "\n".join(wrong(verify(signed)))
    assert f"object: {ZIP} has {len(other)} bytes" in said
    assert f"object: {CACHED} has {len(one)} bytes" in said


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of each value in a record; of a list's items the first stands for all."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from leaves(value[0], (*path, 0))
    else:
        yield path


def edited(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str) and value[:1].isdigit():
        return ("2" if value[0] != "2" else "3") + value[1:]
    if isinstance(value, str):
        return ("a" if value[:1] != "a" else "b") + value[1:]
    return "more"


def set_at(found: Any, path: tuple[str | int, ...]) -> None:
    for part in path[:-1]:
        found = found[part]
    found[path[-1]] = edited(found[path[-1]])


def test_each_edited_field_of_an_unsigned_record_is_found(promoted: Stage) -> None:
    before = content(promoted, RECORD)
    promoted.delete(promoted.release.acceptance_key)  # as after pruning: nothing else knows the report
    unseen = set()
    for path in leaves(json.loads(before)):
        replace(promoted, RECORD, before)
        edit_record(promoted, lambda found, path=path: set_at(found, path))  # type: ignore[misc]
        if not wrong(verify(promoted, None)):
            unseen.add(".".join(str(part) for part in path))
    assert unseen <= UNKNOWABLE | {"acceptance.urls", "acceptance.tests.0.id"}


@pytest.mark.parametrize("field", sorted(UNKNOWABLE))
def test_edited_field_that_only_its_writer_knows_is_found_in_a_signed_record(
    signed: Stage, field: str
) -> None:
    edit_record(signed, lambda found: set_at(found, tuple(field.split("."))))
    assert f"signature: {SIGNATURE} is no signature of {RECORD} by the key {KEY.keyid}" in wrong(
        verify(signed)
    )


def test_edited_report_is_found_while_the_candidate_is_still_there(promoted: Stage) -> None:
    edit_record(promoted, lambda found: set_at(found, ("acceptance", "user")))
    assert wrong(verify(promoted, None)) == [
        "acceptance: the record's report is not the candidate's, which is still in the bucket"
    ]


@pytest.mark.parametrize("field", ["acceptance", "documents", "tools", "signed_by"])
def test_record_without_a_field_or_with_one_more_is_refused(signed: Stage, field: str) -> None:
    edit_record(signed, lambda found: found.update(more=found.pop(field)))
    [said] = wrong(verify(signed))
    assert f"{field}: Field required" in said
    assert "more: Extra inputs are not permitted" in said


def test_record_in_other_words_with_the_same_meaning_is_found(promoted: Stage) -> None:
    replace(promoted, RECORD, content(promoted, RECORD).replace(b'"format": 1', b'"format":  1'))
    assert wrong(verify(promoted, None)) == [
        "record: release.json is not written as the train writes it: it was changed"
    ]


def test_tag_that_was_moved_is_told_with_both_commits(signed: Stage) -> None:
    source, commit = signed.release.facts.source, signed.refs()["refs/tags/v0.1.0"]
    git(signed.remote, "update-ref", "refs/tags/v0.1.0", source)
    said = wrong(verify(signed))
    assert f"tag: the commit of v0.1.0 is {source}, expected {commit}" in said
    assert "trailers: Release of v0.1.0 is None, expected toy 0.1.0" in said


def test_tag_that_is_gone_is_found_and_the_rest_is_still_looked_at(signed: Stage) -> None:
    git(signed.remote, "update-ref", "-d", "refs/tags/v0.1.0")
    rows = verify(signed)
    assert wrong(rows) == ["tag: the remote has no tag v0.1.0"]
    assert {"pins", "entries", "signature"} <= {row.check for row in rows if row.ok}


def test_main_that_was_put_back_behind_the_release_is_found(signed: Stage) -> None:
    source, commit = signed.release.facts.source, signed.refs()["refs/tags/v0.1.0"]
    git(signed.remote, "update-ref", "refs/heads/main", source)
    assert wrong(verify(signed)) == [f"main: main ({source[:12]}) does not hold the record's commit {commit}"]


def move_release(stage: Stage, files: dict[str, str]) -> str:
    """Commit other files in the name of the release, and let tag, main and record name that commit."""
    git(stage.here, "fetch", "--quiet", str(stage.remote), "refs/tags/v0.1.0")
    git(stage.here, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    message = git(stage.here, "show", "-s", "--format=%B", "FETCH_HEAD")
    git(stage.here, "reset", "--quiet", "--soft", "HEAD^")
    for name, text in files.items():
        (stage.here / name).write_text(text)
    git(stage.here, "add", "--all")
    git(stage.here, "commit", "--quiet", "-m", message)
    commit = git(stage.here, "rev-parse", "HEAD")
    git(stage.here, "push", "--quiet", "--force", str(stage.remote), "HEAD:refs/heads/main")
    git(stage.here, "push", "--quiet", "--force", str(stage.remote), "HEAD:refs/tags/v0.1.0")
    edit_record(stage, lambda found: found.update(commit=commit))
    return commit


def test_commit_with_other_pins_under_the_same_name_is_found(promoted: Stage) -> None:
    commit = move_release(promoted, {"buildpack/.downloadurl": "https://example.com/evil#sha256=00\n"})
    said = "\n".join(wrong(verify(promoted, None)))
    assert (
        f"pins: buildpack/.downloadurl in {commit[:12]}: line 1 is 'https://example.com/evil#sha256=00'"
        in said
    )
    assert f"entries: {ZIP} against {commit[:12]}: 1 differ" in said


def test_commit_that_changes_more_than_pins_is_found(promoted: Stage) -> None:
    commit = move_release(promoted, {"sidecar_src/evil.go": "package main\n"})
    assert f"source: {commit[:12]} changes more than the pins: sidecar_src/evil.go" in wrong(
        verify(promoted, None)
    )


def test_zip_that_is_not_of_the_commit_is_found_though_record_sums_and_statement_agree(
    promoted: Stage,
) -> None:
    """Whoever may write the bucket, but not git, of an unsigned release is found by git."""
    other = released.repacked(content(promoted, ZIP), {"bin/supply": b"#!/bin/sh\nevil\n"})
    released.republish(promoted, ZIP, other)
    said = wrong(verify(promoted, None))
    assert [line.partition(":")[0] for line in said] == ["acceptance", "entries"]
    assert "the acceptance report is of other zips" in said[0]
    assert "bin/supply: in the commit 0755 sha256" in said[1]


def test_zip_whose_files_say_another_version_is_found(promoted: Stage) -> None:
    released.republish(promoted, ZIP, released.repacked(content(promoted, ZIP), {"VERSION": b"0.2.0\n"}))
    assert f"version: VERSION in {ZIP} is 0.2.0, expected 0.1.0" in wrong(verify(promoted, None))


def test_binary_of_another_version_or_other_settings_is_found(promoted: Stage) -> None:
    name = released.publish_binary(promoted, ["-buildvcs=false"], "6.6.6")
    said = wrong(verify(promoted, None))
    assert f"binary: {name} does not carry the version 0.1.0" in said
    assert f"binary: -trimpath of {name} is None, expected true" in said


def test_sbom_that_leaves_out_a_file_is_found_though_its_digest_is_recorded(promoted: Stage) -> None:
    name = SBOMS[1]
    found = json.loads(content(promoted, name))
    found["components"] = [one for one in found["components"] if one["name"] != "bin/supply"]
    replace(promoted, name, encode(found))
    row = {"sha256": hashlib.sha256(encode(found)).hexdigest(), "size": len(encode(found))}
    edit_record(promoted, lambda said: said["documents"][1].update(row))
    assert any(
        line.startswith(f"sbom: {name} lacks bin/supply with") for line in wrong(verify(promoted, None))
    )


@pytest.mark.parametrize("line", [b"", b"00  more\n"])
def test_sums_that_lack_a_line_or_have_one_more_are_found(promoted: Stage, line: bytes) -> None:
    rest = content(promoted, SUMS).splitlines(keepends=True)[1:] if not line else [content(promoted, SUMS)]
    replace(promoted, SUMS, b"".join(rest) + line)
    kinds = {said.partition(":")[0] for said in wrong(verify(promoted, None))}
    assert kinds == {"checksums", "statement"}


def test_statement_that_names_less_or_another_source_is_found(promoted: Stage) -> None:
    opened = provenance.opened(content(promoted, STATEMENT))
    assert opened is not None
    said = json.loads(opened.payload)
    del said["subject"][0]
    said["predicate"]["buildDefinition"]["externalParameters"]["source"] = "0" * 40
    replace(promoted, STATEMENT, provenance.envelope(encode(said), None))
    first, second = wrong(verify(promoted, None))
    assert first == f"statement: {SUMS} is not named, expected {promoted.digest(key_of(promoted, SUMS))}"
    assert second.startswith("statement: the release is name toy, source 0000")


def key_of(stage: Stage, name: str) -> str:
    return f"{stage.release.public_prefix}/{name}"


def test_key_that_did_not_sign_is_refused(signed: Stage) -> None:
    other = ed25519.read_public(released.public_pem(released.SOMEBODY))
    assert wrong(verify(signed, other)) == [
        f"signature: {STATEMENT} is signed by the key {KEY.keyid}, expected {other.keyid}",
        f"signature: {SIGNATURE} is no signature of {RECORD} by the key {other.keyid}",
    ]


def test_release_that_somebody_else_signed_anew_is_refused(signed: Stage) -> None:
    opened = provenance.opened(content(signed, STATEMENT))
    assert opened is not None
    somebody = ed25519.read_private(released.private_pem(released.SOMEBODY))
    keyid = somebody.public.keyid
    edit_record(signed, lambda found: found.update(signed_by=keyid))
    replace(signed, SIGNATURE, somebody.sign(content(signed, RECORD)))
    again = somebody.sign(provenance.to_be_signed(opened.payload))
    replace(signed, STATEMENT, provenance.envelope(opened.payload, keyid, again))
    assert wrong(verify(signed, somebody.public)) == []
    assert len(wrong(verify(signed))) == 2


def test_key_that_claims_another_ones_id_is_refused(signed: Stage) -> None:
    opened = provenance.opened(content(signed, STATEMENT))
    assert opened is not None
    somebody = ed25519.read_private(released.private_pem(released.SOMEBODY))
    again = somebody.sign(provenance.to_be_signed(opened.payload))
    replace(signed, STATEMENT, provenance.envelope(opened.payload, KEY.keyid, again))
    assert wrong(verify(signed)) == [
        f"signature: the signature of {STATEMENT} is not by the key {KEY.keyid}, which it names"
    ]


def test_signed_release_without_a_known_key_is_no_pass(signed: Stage) -> None:
    [said] = wrong(verify(signed, None))
    assert said.startswith(f"signature: the release is signed by the key {KEY.keyid}, and no key is given")


def test_unsigned_release_where_a_key_is_known_is_no_pass(promoted: Stage) -> None:
    assert wrong(verify(promoted)) == [
        f"signature: nobody signed {STATEMENT}, expected the key {KEY.keyid}",
        f"signature: release.json is not signed, expected the key {KEY.keyid}",
    ]


@pytest.mark.parametrize("name", [*NAMES, "source.json"])
def test_object_that_is_gone_is_named(signed: Stage, name: str) -> None:
    name = full(signed, name)
    released.remove(signed, name)
    assert any(name in line for line in wrong(verify(signed)))


@pytest.mark.parametrize("name", ["more.zip", f"{ZIP}.bak", "sub/release.json"])
def test_object_that_nobody_named_is_found(signed: Stage, name: str) -> None:
    replace(signed, name, b"more")
    key = f"{signed.release.public_prefix}/{name}"
    assert wrong(verify(signed)) == [f"listing: {key} belongs to no part of the release"]


def test_signature_beside_a_record_that_denies_it_is_found(promoted: Stage) -> None:
    replace(promoted, SIGNATURE, bytes(64))
    [said] = wrong(verify(promoted, None))
    assert said.startswith("listing: ")
    assert "the record says that nobody signed" in said


def test_claim_of_another_source_is_found(signed: Stage) -> None:
    replace(signed, "source.json", encode({"name": "toy", "version": "0.1.0", "source": "0" * 40}))
    [said] = wrong(verify(signed))
    assert said.startswith("claim: source.json is name toy, source 0000")


def test_yanked_version_is_a_warning_with_the_reason(signed: Stage) -> None:
    said = {"version": "0.1.0", "reason": "leaks memory", "date": "2026-01-02T00:00:00Z", "by": "ops"}
    replace(signed, "yanked.json", encode(said))
    rows = verify(signed)
    assert wrong(rows) == []
    assert [row.as_json() for row in rows if row.warning] == [
        {"check": "yanked", "ok": True, "detail": "warning: 2026-01-02T00:00:00Z by ops: leaks memory"}
    ]


def test_version_that_is_not_published_is_a_failure_not_an_empty_pass(signed: Stage) -> None:
    [said] = wrong(release.check(signed.world, "9.9.9", KEY))
    assert "9.9.9/release.json cannot be read" in said


def test_stand_in_does_not_satisfy_another_environment(signed: Stage) -> None:
    production = signed.changed(environment="production")
    [said] = wrong(verify(production))
    assert said.startswith(
        "acceptance: cflinuxfs4 on embedded is a stand-in, which production does not accept"
    )


def test_squashed_release_of_a_protected_main_names_both_commits_and_passes(accepted: Stage) -> None:
    config = with_sections(accepted.world.config, {"git": {"main": "merge-request"}})
    protected = accepted.changed(config=config)
    with pytest.raises(WaitingError):
        protected.do("promote")
    squash(protected)
    protected.do("promote")
    found = json.loads(content(protected, RECORD))
    assert found["accepted_commit"] != found["commit"]
    assert wrong(verify(protected, None)) == []
    edit_record(protected, lambda said: said.update(accepted_commit="1" * 40))
    said = "\n".join(wrong(verify(protected, None)))
    assert f"trailers: Accepted of v0.1.0 is {found['accepted_commit']}, expected {'1' * 40}" in said


def squash(stage: Stage) -> None:
    git(stage.here, "fetch", "--quiet", str(stage.remote), f"refs/heads/{stage.release.merge_branch}")
    git(stage.here, "merge", "--quiet", "--squash", "FETCH_HEAD")
    git(stage.here, "commit", "--quiet", "-m", "squashed", epoch=1_700_000_100)
    git(stage.here, "push", "--quiet", str(stage.remote), "HEAD:refs/heads/main")


def test_rows_are_told_to_scripts_with_check_ok_and_detail(signed: Stage) -> None:
    rows = [row.as_json() for row in verify(signed)]
    assert all(sorted(row) == ["check", "detail", "ok"] for row in rows)
    assert {"check": "record", "ok": True, "detail": "version is 0.1.0"} in rows
    assert record.SUMS == SUMS
