"""A release is signed by one key or by none, whoever finishes it, and what is there of its proof decides."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from releaser import acceptance, candidate, publication
from releaser.config import with_sections
from releaser.errors import OverwriteError, SigningError
from releaser.evidence import proof, provenance, signing
from releaser.model import Release, encode
from releaser.publication import Object
from releaser.tools import ed25519
from releaser.tools.public import Public
from tests.releaser.released import private_pem, public_pem
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow

OURS, OTHER = 1, 2
KEY, OTHER_KEY = (ed25519.read_public(public_pem(seed)) for seed in (OURS, OTHER))
STATEMENT, SIGNATURE, RECORD = "toy_buildpack-v0.1.0.intoto.json", "release.json.sig", "release.json"
Use = Callable[[int | None], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Return what gives a key to the train, or none."""
    monkeypatch.delenv(signing.KEY_FILE, raising=False)

    def give(seed: int | None) -> None:
        if seed is None:
            monkeypatch.delenv(signing.KEY, raising=False)
        else:
            monkeypatch.setenv(signing.KEY, private_pem(seed).decode())

    give(None)
    return give


def objects(stage: Stage, **changes: Any) -> list[Object]:
    """Return what promote would publish now."""
    ready, passed = candidate.ready(stage.release), acceptance.passed(stage.release)
    assert ready is not None
    assert passed is not None
    return publication.objects(stage.release, replace(ready, **changes), passed, ready.commit)


def contents(made: list[Object]) -> dict[str, bytes]:
    """Return what the train says itself, by name."""
    return {Path(one.key).name: one.content for one in made if one.content is not None}


def publish(stage: Stage, *names: str) -> dict[str, bytes]:
    """Put what the train says itself (or only these) and return all of it."""
    said = contents(objects(stage))
    for name in names or said:
        place(stage, name, said[name])
    return said


def place(stage: Stage, name: str, content: bytes) -> None:
    key = f"{stage.release.public_prefix}/{name}"
    stage.overwrite(key, content, hashlib.sha256(content).hexdigest())


def lose(stage: Stage, *names: str) -> None:
    stage.delete(*(f"{stage.release.public_prefix}/{name}" for name in names))


def configured(stage: Stage, **settings: Any) -> Stage:
    return stage.changed(config=with_sections(stage.world.config, {"signing": settings}))


def record(said: dict[str, bytes]) -> dict[str, Any]:
    return dict(json.loads(said[RECORD]))


def test_signed_release_has_a_statement_and_a_record_that_the_key_verifies(accepted: Stage, use: Use) -> None:
    use(OURS)
    made = objects(accepted)
    said = contents(made)
    assert [Path(one.key).name for one in made][-3:] == [STATEMENT, SIGNATURE, RECORD]
    assert KEY.verifies(said[SIGNATURE], said[RECORD])
    assert record(said)["signed_by"] == KEY.keyid
    envelope = json.loads(said[STATEMENT])
    [signature] = envelope["signatures"]
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %s" % (len(payload), payload)
    assert signature["keyid"] == KEY.keyid
    assert KEY.verifies(base64.b64decode(signature["sig"]), signed)
    assert publication.seal(made) == f"signed by the key {KEY.keyid}"


def test_statement_is_on_every_published_file_but_those_that_come_after_it(accepted: Stage, use: Use) -> None:
    made = objects(accepted)
    statement = json.loads(base64.b64decode(json.loads(contents(made)[STATEMENT])["payload"]))
    ready = candidate.ready(accepted.release)
    assert ready is not None
    subjects = {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    binaries = {Path(one["key"]).name: one["sha256"] for one in ready.binaries}
    files = {Path(one.key).name: one.digest for one in made if Path(one.key).name not in (STATEMENT, RECORD)}
    assert len(files) == 5
    assert subjects == files | binaries
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    definition = statement["predicate"]["buildDefinition"]
    facts = accepted.release.facts
    assert definition["externalParameters"] == {"name": "toy", "version": "0.1.0", "source": facts.source}
    commits = [row["digest"].get("gitCommit") for row in definition["resolvedDependencies"]]
    assert commits[:2] == [facts.source, ready.commit]


def test_release_without_a_key_is_unsigned_and_says_so(accepted: Stage, use: Use) -> None:
    made = objects(accepted)
    said = contents(made)
    assert SIGNATURE not in said
    assert json.loads(said[STATEMENT])["signatures"] == []
    assert record(said)["signed_by"] is None
    assert publication.seal(made).startswith("unsigned: no signing key is given")


def test_record_says_what_is_in_each_zip_and_what_made_it(accepted: Stage, use: Use) -> None:
    said = record(contents(objects(accepted)))
    assert {row["name"] for row in said["documents"]} == {
        "toy-0.1.0.cdx.json",
        "toy_buildpack-0.1.0.cdx.json",
    }
    for one in said["zips"]:
        rows = {row["path"]: row for row in one["entries"]}
        content = (accepted.release.source / "buildpack/bin/supply").read_bytes()
        assert rows["bin/supply"] == {
            "path": "bin/supply",
            "mode": "0755",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        assert rows["VERSION"]["mode"] == "0644"
        assert any(path.startswith("dependencies/") for path in rows) == (one["variant"] == "cached")
    assert set(said["tools"]) == {"go", "python", "isal", "git-cliff", "lock", "architecture"}
    assert said["tools"]["go"] == accepted.release.config.go.version
    assert "accepted_commit" not in said


def test_commit_that_was_accepted_is_named_where_another_one_has_the_tag(accepted: Stage, use: Use) -> None:
    ready, passed = candidate.ready(accepted.release), acceptance.passed(accepted.release)
    assert ready is not None
    made = publication.objects(accepted.release, ready, passed or {}, "f" * 40)
    said = record(contents(made))
    assert (said["commit"], said["accepted_commit"]) == ("f" * 40, ready.commit)


def test_record_is_the_same_on_a_machine_with_other_tools_and_addresses(accepted: Stage, use: Use) -> None:
    before = contents(objects(accepted))
    ready = candidate.ready(accepted.release)
    assert ready is not None
    other = accepted.changed(public=Public(base="https://elsewhere.example.com"), git_url=None)
    assert contents(objects(other)) == before
    packaged_elsewhere = contents(objects(accepted, tools={**ready.tools, "python": "3.99.0"}))
    assert record(packaged_elsewhere)["tools"]["python"] == "3.99.0"


@pytest.mark.parametrize(
    "lost",
    [(RECORD,), (RECORD, SIGNATURE), (SIGNATURE,), (STATEMENT,), (STATEMENT, SIGNATURE), (STATEMENT, RECORD)],
    ids="+".join,
)
def test_signed_release_is_finished_by_its_key_alone(
    accepted: Stage, use: Use, lost: tuple[str, ...]
) -> None:
    use(OURS)
    before = publish(accepted)
    lose(accepted, *lost)
    assert contents(objects(accepted)) == before
    for seed in (None, OTHER):
        use(seed)
        with pytest.raises((SigningError, OverwriteError)) as caught:
            objects(accepted)
        if STATEMENT not in lost or RECORD not in lost:
            assert f"was begun signed by the key {KEY.keyid}" in caught.value.message
            assert (OTHER_KEY.keyid if seed else "no key is given now") in caught.value.message


@pytest.mark.parametrize("seed", [None, OTHER])
def test_nothing_becomes_public_where_the_key_of_a_begun_release_is_not_given(
    accepted: Stage, use: Use, seed: int | None
) -> None:
    use(OURS)
    publish(accepted, STATEMENT)
    use(seed)
    before = accepted.objects(), accepted.refs()
    with pytest.raises(SigningError, match="was begun signed by the key"):
        accepted.do("promote")
    assert (accepted.objects(), accepted.refs()) == before
    use(OURS)
    accepted.do("promote")
    assert KEY.verifies(
        accepted.store.read(proof.signature_key(accepted.release)) or b"",
        accepted.store.read(accepted.release.record_key) or b"",
    )


@pytest.mark.parametrize("seed", [None, OTHER])
def test_finished_release_needs_no_key_and_stays_signed_after_a_rotation(
    accepted: Stage, use: Use, seed: int | None
) -> None:
    use(OURS)
    before = publish(accepted)
    use(seed)
    assert contents(objects(accepted)) == before


def test_release_that_was_begun_unsigned_ends_unsigned(accepted: Stage, use: Use) -> None:
    before = publish(accepted, STATEMENT)
    use(OURS)
    assert contents(objects(accepted)) == before


def with_public_key(stage: Stage) -> Stage:
    """Return the stage with a release whose source holds a public key, and who asks for its signatures."""
    repository, facts = stage.world.repository, stage.release.facts
    tree = repository.write_tree(facts.source, {"key.pub": public_pem(OURS)})
    source = repository.commit(tree, [], "with a key", stage.release.author)
    asking = configured(stage, public_key="key.pub")
    return replace(asking, release=Release(replace(facts, source=source), asking.world))


def test_release_that_was_begun_unsigned_is_refused_where_a_signature_is_a_duty(
    accepted: Stage, use: Use
) -> None:
    ready, passed = candidate.ready(accepted.release), acceptance.passed(accepted.release) or {}
    assert ready is not None
    asking = with_public_key(accepted)
    unsigned = Release(asking.release.facts, accepted.world)
    place(
        accepted, STATEMENT, contents(publication.objects(unsigned, ready, passed, ready.commit))[STATEMENT]
    )
    use(OURS)
    with pytest.raises(SigningError, match=r"0\.1\.0 was begun unsigned, and key\.pub asks for a signature"):
        publication.objects(asking.release, ready, passed, ready.commit)
    lose(accepted, STATEMENT)
    said = contents(publication.objects(asking.release, ready, passed, ready.commit))
    assert record(said)["signed_by"] == KEY.keyid


def resigned(said: dict[str, bytes], payload: bytes, keyid: str, seed: int) -> bytes:
    """Return an envelope of somebody who has a key."""
    key = ed25519.read_private(private_pem(seed))
    return provenance.envelope(payload, keyid, key.sign(provenance.to_be_signed(payload)))


def with_another_signature(said: dict[str, bytes]) -> bytes:
    envelope = json.loads(said[STATEMENT])
    envelope["signatures"].append({"keyid": OTHER_KEY.keyid, "sig": "AA=="})
    return encode(envelope)


FORGERIES: dict[str, Callable[[dict[str, bytes]], tuple[str, bytes]]] = {
    "a statement on another file, signed by our key": lambda said: (
        STATEMENT,
        resigned(said, payload_of(said).replace(b"toy", b"tox"), KEY.keyid, OURS),
    ),
    "a statement signed by another key in our name": lambda said: (
        STATEMENT,
        resigned(said, payload_of(said), KEY.keyid, OTHER),
    ),
    "a statement with a signature too many": lambda said: (STATEMENT, with_another_signature(said)),
    "no statement": lambda _: (STATEMENT, b"[]"),
    "another key's signature of the record": lambda said: (
        SIGNATURE,
        ed25519.read_private(private_pem(OTHER)).sign(said[RECORD]),
    ),
    "our signature of another record": lambda said: (
        SIGNATURE,
        ed25519.read_private(private_pem(OURS)).sign(said[RECORD] + b"\n"),
    ),
}


def payload_of(said: dict[str, bytes]) -> bytes:
    found = provenance.opened(said[STATEMENT])
    assert found is not None
    return found.payload


@pytest.mark.parametrize("there", [(), (RECORD,)], ids=["unfinished", "finished"])
@pytest.mark.parametrize("name", FORGERIES)
def test_proof_that_is_not_ours_is_refused(
    accepted: Stage, use: Use, name: str, there: tuple[str, ...]
) -> None:
    use(OURS)
    said = publish(accepted, STATEMENT, SIGNATURE, *there)
    place(accepted, *FORGERIES[name](said))
    with pytest.raises(OverwriteError, match="exists with other bytes"):
        objects(accepted)


def test_signature_beside_an_unsigned_release_is_refused(accepted: Stage, use: Use) -> None:
    publish(accepted)
    place(accepted, SIGNATURE, bytes(64))
    with pytest.raises(
        OverwriteError, match=rf"{SIGNATURE} exists with other bytes: the release is unsigned"
    ):
        objects(accepted)


def old_record(said: dict[str, bytes], **changes: Any) -> bytes:
    kept = {key: value for key, value in record(said).items() if key not in ("format", "signed_by", "tools")}
    return json.dumps({**kept, **changes}).encode()


def test_record_that_another_version_of_the_train_wrote_is_used_as_it_is(accepted: Stage, use: Use) -> None:
    old = old_record(contents(objects(accepted)))
    place(accepted, RECORD, old)
    made = objects(accepted)
    assert contents(made) == {RECORD: old}
    ready = candidate.ready(accepted.release)
    assert ready is not None
    assert [one.digest for one in made[:-1]] == [one.digest for one in ready.zips]


@pytest.mark.parametrize("changes", [{"source": "f" * 40}, {"version": "0.1.1"}, {"zips": []}, {"format": 1}])
def test_record_of_something_else_is_not_taken_for_an_old_one(
    accepted: Stage, use: Use, changes: dict[str, Any]
) -> None:
    said = contents(objects(accepted))
    place(accepted, RECORD, old_record(said, **changes))
    assert contents(objects(accepted)) == said
    before = accepted.objects(), accepted.refs()
    with pytest.raises(OverwriteError, match=r"release\.json exists with other bytes"):
        accepted.do("promote")
    assert (accepted.objects(), accepted.refs()) == before


def test_key_is_found_nowhere_in_the_world(
    accepted: Stage, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    use(OURS)
    accepted.do("promote")
    secret = private_pem(OURS).splitlines()[1]
    everything = [accepted.store.read(key) or b"" for key in accepted.objects()]
    everything += [path.read_bytes() for path in accepted.here.parent.rglob("*") if path.is_file()]
    assert len(everything) > 50
    assert not [content for content in everything if secret in content]
    said = capsys.readouterr()
    assert secret.decode() not in said.out + said.err
