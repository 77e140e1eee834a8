"""What vouches for a release: the record's own fields, statement, signatures, SBOMs and acceptance."""

import datetime
import json
from collections.abc import Iterator

from releaser import acceptance
from releaser.candidate import Ready
from releaser.model import Candidate, encode
from releaser.verify import statement
from releaser.verify.rows import Row, failed, passed, same, warned
from releaser.verify.statement import Statement
from releaser.verify.subject import RECORD, SIGNATURE, SUMS, Subject


def record(subject: Subject) -> Iterator[Row]:
    """The record's fields are those of the release, and it is written as the train writes it."""
    release, said = subject.release, subject.record
    date = datetime.datetime.fromtimestamp(release.facts.epoch, datetime.UTC)
    yield same("record", "name", release.name, said.name)
    yield same("record", "version", release.version, said.version)
    yield same("record", "tag", release.tag, said.tag)
    yield same("record", "source", release.facts.source, said.source)
    yield same("record", "date", date.strftime("%Y-%m-%dT%H:%M:%SZ"), said.date)
    yield same("record", "go", release.config.go.version, said.go)
    yield same("record", "the Go of its tools", said.go, said.tools.get("go"))
    for one in said.listed:
        url = release.world.public.url(f"{release.public_prefix}/{one.name}")
        yield same("record", f"the URL of {one.name}", url, one.url)
    raw = subject.file(RECORD).read_bytes()
    if raw != encode(json.loads(raw)):
        yield failed("record", f"{RECORD} is not written as the train writes it: it was changed")


def read_statement(subject: Subject) -> Statement:
    """Return the release's statement; raises VerifyError."""
    return statement.read(subject.file(subject.statement).read_bytes(), subject.statement)


def provenance(subject: Subject) -> Iterator[Row]:
    """The statement names exactly the published files, and says of the release what the record says."""
    said, release = read_statement(subject), subject.release
    wanted = {name: one.sha256 for name, one in subject.record.files.items()}
    wanted[SUMS] = subject.digests.get(SUMS, "")
    for name in sorted(wanted.keys() | said.subjects.keys()):
        if wanted.get(name) != said.subjects.get(name):
            found = said.subjects.get(name, "not named")
            yield failed("statement", f"{name} is {found}, expected {wanted.get(name, 'not to be named')}")
    if wanted == said.subjects:
        yield passed("statement", f"{subject.statement} names the {len(wanted)} files with their digests")
    definition = said.predicate["buildDefinition"]
    facts = {"name": release.name, "version": release.version, "source": subject.record.source}
    yield same("statement", "the release", facts, definition["externalParameters"])
    yield same("statement", "the tools", dict(subject.record.tools), definition["internalParameters"])
    wanted_inputs = {
        "source": {"gitCommit": subject.record.source},
        "release commit": {"gitCommit": subject.record.accepted_commit or subject.record.commit},
    }
    lock = subject.record.tools.get("lock")
    wanted_inputs |= {"requirements.lock": {"sha256": lock}} if lock else {}
    inputs = {row["name"]: row["digest"] for row in definition["resolvedDependencies"]}
    yield same("statement", "what went in", wanted_inputs, inputs)


def signatures(subject: Subject) -> Iterator[Row]:
    """Statement and record are signed by the known key; where nobody signed, say so."""
    said, key, signed_by = read_statement(subject), subject.key, subject.record.signed_by
    yield same("signature", "the record's signed_by", said.keyid, signed_by)
    if key is None and signed_by is None and said.keyid is None:
        yield warned("signature", "nobody signed this release: it is as git and the bucket say, and no more")
        return
    if key is None:
        yield failed(
            "signature",
            f"the release is signed by the key {signed_by or said.keyid}, and no key is given to check it: "
            "--key, or signing.public_key in sidecar.yml",
        )
        return
    yield from statement.signed(said, subject.statement, key)
    if SIGNATURE not in subject.digests:
        yield failed("signature", f"{RECORD} is not signed, expected the key {key.keyid}")
    elif key.verifies(subject.file(SIGNATURE).read_bytes(), subject.file(RECORD).read_bytes()):
        yield passed("signature", f"{RECORD} is signed by the key {key.keyid}")
    else:
        yield failed("signature", f"{SIGNATURE} is no signature of {RECORD} by the key {key.keyid}")


def accepted(subject: Subject) -> Iterator[Row]:
    """The report in the record is a pass of exactly these zips, in every row that gates the release."""
    release, said = subject.release, subject.record
    report = dict(said.acceptance)
    acceptance.require_gate(release, _ready(subject), report)
    tests = len(report["tests"])
    yield passed("acceptance", f"{tests} tests of these zips passed on {report['foundation']}")
    for name, value in {"name": release.name, "version": release.version}.items():
        yield same("acceptance", f"{name} of the report", value, report.get(name))
    store = release.world.store
    kept = [store.read(row.key) for row in store.list(f"{release.candidate_prefix}/accept-")]
    if encode(report) in kept:
        yield passed("acceptance", "the record's report is the candidate's")
    elif kept:  # else pruned: the record is all that is left of it
        yield failed("acceptance", "the record's report is not the candidate's, which is still in the bucket")


def _ready(subject: Subject) -> Ready:
    said = subject.record
    made = tuple(Candidate(one.name, one.stack, one.variant, one.sha256, one.size) for one in said.zips)
    return Ready(
        commit=said.accepted_commit or said.commit,
        binaries=(),
        zips=made,
        documents=(),
        entries={},
        tools=said.tools,
        places={},
    )
