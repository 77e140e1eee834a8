"""Step 6: what passed is written beside the zips; what did not is written elsewhere and changes nothing."""

import hashlib
import json

import pytest
import requests

from releaser import acceptance, candidate
from releaser.config import with_sections
from releaser.errors import ConfigError, NotAcceptedError, SourceError
from releaser.model import encode
from releaser.sections import Config
from releaser.steps import accept
from tests.releaser import toy
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow

ROWS = [f"rubyapp/{way}/cflinuxfs4" for way in ("uncached", "cached", "git")]


def test_accepted_candidate_has_a_report_of_its_zips(accepted: Stage) -> None:
    report, ready = acceptance.passed(accepted.release), candidate.ready(accepted.release)
    assert report is not None
    assert ready is not None
    assert accepted.release.acceptance_key == f"{accepted.release.candidate_prefix}/accept-embedded.json"
    assert report["passed"] is True
    assert report["digests"] == {one.name: one.digest for one in ready.zips}
    assert [test["rows"] for test in report["tests"]] == [[row] for row in ROWS]


def test_suite_gets_the_user_the_zips_and_the_branch_of_the_candidate(accepted: Stage) -> None:
    report = acceptance.passed(accepted.release)
    assert report is not None
    assert report["user"] == "admin"
    assert report["git"] == {"url": accepted.world.git_url, "ref": accepted.release.branch}


def test_accept_done_twice_runs_no_test_again(accepted: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    accepted.set_mode("crash")
    accepted.do("accept")
    assert "already done: 3 tests on embedded (cflinuxfs4: stand-in)" in capsys.readouterr().out


def test_rejected_candidate_has_its_report_under_another_key(packaged: Stage) -> None:
    packaged.set_mode("reject")
    before, refs = packaged.objects(), packaged.refs()
    with pytest.raises(NotAcceptedError, match=r"toy 0\.1\.0 was not accepted by embedded"):
        packaged.do("accept")
    new = set(packaged.objects()) - set(before)
    assert [key.startswith(f"{packaged.release.candidate_prefix}/rejected-embedded-") for key in new] == [
        True
    ]
    assert packaged.refs() == refs
    assert accept.find(packaged.release) is None


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("missing row", "lacks rubyapp/git/cflinuxfs4"),
        ("skip", "holds a test that did not pass"),
        ("crash", "ended with 0 and no report"),
    ],
)
def test_suite_that_proves_too_little_is_refused(packaged: Stage, mode: str, said: str) -> None:
    packaged.set_mode(mode)
    before = packaged.objects()
    with pytest.raises(NotAcceptedError, match=said):
        packaged.do("accept")
    assert packaged.objects() == before


def test_report_of_other_zips_is_refused_and_its_key_named(accepted: Stage) -> None:
    report = dict(acceptance.passed(accepted.release) or {})
    report["digests"] = dict.fromkeys(report["digests"], "ab" * 32)
    content = json.dumps(report).encode()
    accepted.overwrite(accepted.release.acceptance_key, content, hashlib.sha256(content).hexdigest())
    with pytest.raises(NotAcceptedError, match="is of other zips") as caught:
        accepted.do("accept")
    assert accepted.release.acceptance_key in caught.value.remedy


def race(stage: Stage, theirs: bytes) -> None:
    """Let another run put its report while ours is under way, just before it ends."""
    suite = stage.release.source / "tests/acceptance/test_one.py"
    (suite.parent / "theirs").write_bytes(theirs)
    keys, url = stage.store.keys, f"{stage.store.endpoint}"
    assert keys is not None
    suite.write_text(
        "import boto3\nfrom pathlib import Path\n"
        "def test_one():\n"
        f"    s3 = boto3.client('s3', endpoint_url={url!r}, region_name='us-east-1',\n"
        f"        aws_access_key_id={keys.access_key_id!r},\n"
        f"        aws_secret_access_key={keys.secret_access_key!r})\n"
        "    body = Path(__file__).with_name('theirs').read_bytes()\n"
        f"    s3.put_object(Bucket={stage.store.bucket!r}, Key={stage.release.acceptance_key!r}, Body=body)\n"
    )


def test_pass_of_another_run_at_the_same_time_counts(
    accepted: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = {**(acceptance.passed(accepted.release) or {}), "user": "somebody else"}
    accepted.delete(accepted.release.acceptance_key)
    race(accepted, encode(theirs))
    accepted.do("accept")
    assert acceptance.passed(accepted.release) == theirs
    assert "Another run has accepted exactly these zips meanwhile" in capsys.readouterr().out


def test_pass_of_other_zips_at_the_same_time_does_not_count(accepted: Stage) -> None:
    theirs = {**(acceptance.passed(accepted.release) or {}), "digests": {"toy.zip": "ab" * 32}}
    accepted.delete(accepted.release.acceptance_key)
    race(accepted, encode(theirs))
    with pytest.raises(NotAcceptedError, match="is of other zips"):
        accepted.do("accept")


def test_suite_learns_where_anybody_reads_the_zips_and_how_to_behave(packaged: Stage) -> None:
    packaged.do("accept")
    order = json.loads((packaged.release.folder / "acceptance/candidate.json").read_text())
    urls = [f"{order['public']['base']}/{one['key']}" for one in order["zips"]]
    assert [hashlib.sha256(requests.get(url, timeout=60).content).hexdigest() for url in urls] == [
        one["sha256"] for one in order["zips"]
    ]
    assert (order["shared"], order["keep"], order["time_to_live"]) == (False, ["rubyapp"], 60)


def test_suite_on_a_shared_foundation_keeps_nothing(packaged: Stage) -> None:
    named = packaged.changed(environment="production", config=with_stand_in(packaged))
    named.do("accept")
    order = json.loads((named.release.folder / "acceptance/candidate.json").read_text())
    assert (order["shared"], order["keep"]) == (True, [])


def with_stand_in(stage: Stage) -> Config:
    return with_sections(stage.world.config, {"acceptance": {"stand_in": True}})


def test_report_that_was_lost_is_made_again_and_the_password_shows_nowhere(
    accepted: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    before = accepted.objects()
    accepted.delete(accepted.release.acceptance_key)
    assert accept.find(accepted.release) is None
    accepted.do("accept")
    assert accepted.objects() == before
    said = capfd.readouterr()
    assert toy.PASSWORD not in said.out + said.err
    written = [path for path in accepted.release.folder.rglob("*") if path.is_file()]
    assert not [path for path in written if toy.PASSWORD.encode() in path.read_bytes()]


def test_accept_before_package_says_what_to_run(committed: Stage) -> None:
    with pytest.raises(SourceError, match=r"ready\.json is not in the bucket") as caught:
        committed.do("accept")
    assert "./inv package" in caught.value.remedy


def test_accept_without_a_user_says_which_variables_to_set(packaged: Stage) -> None:
    with pytest.raises(ConfigError, match="no user for the foundation") as caught:
        packaged.changed(access=None).do("accept")
    assert "CF_USERNAME and CF_PASSWORD" in caught.value.remedy
