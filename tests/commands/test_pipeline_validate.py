"""`./inv pipeline validate`: all that is wrong is said at once, and what was not looked at is said too."""

import datetime
import json
import shutil
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import NameOID

from commands import image_pins
from tests.commands.conftest import Errors, Fly, Site

SSH = {"git": {"remote": "git@git.example.com:team/b.git"}}
LOCAL: dict[str, Any] = {"foundation": {"api": None}}


def certificate(days: int) -> str:
    """Return a certificate that is valid until so many days from now."""
    key, now = ed25519.Ed25519PrivateKey.generate(), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ours")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, None)
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def pipeline(**layer: Any) -> dict[str, Any]:
    return {"pipeline": layer}


def test_checkout_with_all_that_is_needed_passes(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.run("validate") == 0
    said = capsys.readouterr().out
    assert said.startswith("-----> ci/pipeline.yml and ci/image.yml, for production\n")
    assert said.endswith("No problem was found.\n")
    assert [call["argv"][:3] for call in fly.calls()] == [["validate-pipeline", "--strict", "-c"]] * 2
    assert fly.calls()[0]["argv"][4:] == ["-l", str(site.root / "sidecar.yml")]


def test_without_fly_it_is_said_that_fly_was_not_asked(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.run("validate") == 0
    said = capsys.readouterr().out
    assert "is not on PATH: `fly validate-pipeline` was not run" in said
    assert said.endswith("No problem was found without fly.\n")


PLANTED: list[tuple[str, dict[str, Any], str]] = [
    ("bucket", {"s3": {"bucket": None}}, "s3.bucket: is null"),
    ("public URL", {"s3": {"public_url": None}}, "s3.public_url: is null"),
    ("remote", {"git": {"remote": None}}, "git.remote: is null"),
    ("remote that is a folder", {"git": {"remote": "/a/b.git"}}, "git.remote: is /a/b.git"),
    ("repository", pipeline(image={"repository": None}), "pipeline.image.repository: is null"),
    ("no tag", pipeline(image={"tag": None}), "pipeline.image.tag: is null"),
    ("other tag", pipeline(image={"tag": "0" * 12}), "pipeline.image.tag: is 000000000000, but this"),
    ("image's user", pipeline(image={"password": "((p))"}), "pipeline.image.username: is null, but"),
    ("git's password", pipeline(git={"password": None}), "pipeline.git.password: is null, but pipeline.git"),
    ("git's key over https", pipeline(git={"private_key": "((k))"}), "pipeline.git.private_key: is named"),
    ("half a key", pipeline(s3={"secret_access_key": None}), "pipeline.s3.secret_access_key: is null, but"),
    (
        "token without a key",
        pipeline(s3={"access_key_id": None, "secret_access_key": None, "session_token": "((t))"}),
        "pipeline.s3.session_token: is named, but there is no pipeline.s3.access_key_id",
    ),
    ("user", pipeline(foundation={"username": None}), "pipeline.foundation.username: is null, but pipeline"),
    ("privileged", pipeline(privileged=True), "pipeline.privileged: is true, but foundation.api names"),
    ("unsigned", {"signing": {"public_key": "key.pub"}}, "pipeline.signing_key: is null, but signing.public"),
    (
        "certificate",
        pipeline(certificates=["-----BEGIN CERTIFICATE-----\nx"]),
        "pipeline.certificates, number 1: is no certificate",
    ),
    ("expired", pipeline(certificates=[certificate(9), certificate(-1)]), "number 2: has expired"),
    ("section's name", pipeline(failure_url="((s3.url))"), "pipeline.failure_url: is ((s3.url)), but"),
    ("var_source", pipeline(failure_url="((vault:url))"), "pipeline.failure_url: asks the var_source"),
    ("loop", {"excludes": ["*.md", "buildpack/.*", "buildpack/manifest.yml"]}, "excludes: does not hold"),
    ("layer", {"environments": {"production": {}}}, "environments.production: is what the tasks go by"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), [row[1:] for row in PLANTED], ids=[row[0] for row in PLANTED])
def test_value_that_does_not_fit_is_named_alone(
    site: Site, errors: Errors, change: dict[str, Any], said: str
) -> None:
    site.change(**change)
    assert site.run("validate") == 2
    lines = errors().splitlines()
    assert lines[0] == "Error: the pipeline has a problem:"
    assert lines[1].startswith("  ")
    assert said in lines[1]
    assert lines[2] == "       docs/pipeline.md says what each key is for."


def test_remote_over_ssh_needs_a_key_and_no_password(site: Site, errors: Errors) -> None:
    site.change(**SSH)
    assert site.run("validate") == 2
    said = errors()
    assert "pipeline.git.private_key: is null, but git.remote is reached over ssh" in said
    for key in ("username", "password"):
        assert (
            f"pipeline.git.{key}: is named, but git.remote is reached over ssh, where it has no use" in said
        )
    site.change(pipeline={"git": {"username": None, "password": None, "private_key": "((git_key))"}})
    site.change(acceptance={"ways": ["uncached"]})
    assert site.run("validate") == 0


def test_staging_that_would_clone_over_ssh_needs_another_url(site: Site, errors: Errors) -> None:
    site.change(**SSH, acceptance={"ways": ["git"]})
    site.change(pipeline={"git": {"username": None, "password": None, "private_key": "((git_key))"}})
    assert site.run("validate") == 2
    assert "git.public_url: is null, but acceptance.ways has git" in errors()
    site.change(git={"public_url": "https://git.example.com/team/b.git"})
    assert site.run("validate") == 0


def test_remote_without_any_credentials_is_refused(site: Site, errors: Errors) -> None:
    site.change(pipeline={"git": {"username": None, "password": None}})
    assert site.run("validate") == 2
    assert errors().count("is null, but git.remote is reached over https: the pipeline needs it to push") == 2


def test_foundation_without_any_credentials_is_refused(site: Site, errors: Errors) -> None:
    site.change(pipeline={"foundation": {"username": None, "password": None}})
    assert site.run("validate") == 2
    assert errors().count("is null, but foundation.api names a foundation that asks who logs in") == 2


def test_local_foundation_needs_a_privileged_task_and_nobody_who_logs_in(site: Site, errors: Errors) -> None:
    site.change(**LOCAL)
    assert site.run("validate") == 2
    said = errors()
    assert "pipeline.privileged: is false, but foundation.api is null" in said
    assert said.count("is named, but foundation.api is null") == 2
    site.change(pipeline={"privileged": True, "foundation": {"username": None, "password": None}})
    assert site.run("validate") == 0


def test_all_problems_are_told_at_once_also_those_of_fly(site: Site, fly: Fly, errors: Errors) -> None:
    fly.answers(code=1, output="", errors="\nWARNING:\n  - bad key\n\nerror: configuration invalid\n")
    site.change(s3={"bucket": None}, pipeline={"privileged": True})
    assert site.run("validate") == 2
    said = errors()
    assert said.startswith("Error: the pipeline has 4 problems:\n")
    assert "  ci/image.yml: fly validate-pipeline --strict: WARNING:\n    - bad key\n" in said


def test_problems_for_a_script_are_one_document(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    site.change(s3={"bucket": None})
    assert site.run("validate", as_json=True) == 2
    found = json.loads(capsys.readouterr().out)
    assert [one["where"] for one in found["problems"]] == ["s3.bucket"]
    assert found["fly"] is True


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        (
            "((s3.buckett))",
            "asks for ((s3.buckett)), which is no key of sidecar.yml; did you mean 's3.bucket'?",
        ),
        ("((vault:x))", "asks for ((vault:x)), but has no var_source 'vault'"),
        ("((xyzzy))", "asks for ((xyzzy)), which is no key of sidecar.yml"),
        ("((name.x))", "asks for ((name.x)), which is no key of sidecar.yml; did you mean 'name'?"),
    ],
)
def test_variable_that_is_no_key_is_named_with_the_nearest(
    site: Site, errors: Errors, variable: str, said: str
) -> None:
    found = site.read("ci/pipeline.yml")
    found["resources"][0]["icon"] = variable
    site.write("ci/pipeline.yml", found)
    assert site.run("validate") == 2
    assert f"  ci/pipeline.yml: {said}\n" in errors()


def test_key_that_the_file_leaves_out_to_its_default_is_asked_for(site: Site, errors: Errors) -> None:
    """Fly reads the file, and knows no defaults."""
    found = site.read("sidecar.yml")
    del found["pipeline"]["s3"]["session_token"]
    site.write("sidecar.yml", found)
    assert site.run("validate") == 2
    assert "ci/pipeline.yml: asks for ((pipeline.s3.session_token)), which sidecar.yml leaves out" in errors()


def test_null_inside_a_text_is_refused(site: Site, errors: Errors) -> None:
    found = site.read("ci/pipeline.yml")
    found["resources"][0]["icon"] = "a ((s3.endpoint))"
    site.write("ci/pipeline.yml", found)
    assert site.run("validate") == 2
    assert "  s3.endpoint: is null, but stands inside a text in ci/pipeline.yml\n" in errors()


def test_task_file_that_is_not_there_is_named(site: Site, errors: Errors) -> None:
    (site.root / "ci/tasks/accept.yml").unlink()
    assert site.run("validate") == 2
    assert (
        "ci/pipeline.yml: names source/ci/tasks/accept.yml, but there is no ci/tasks/accept.yml" in errors()
    )


def test_task_file_that_asks_for_a_variable_or_lacks_what_it_runs_is_refused(
    site: Site, errors: Errors
) -> None:
    found = site.read("ci/tasks/accept.yml")
    found["params"]["X"] = "((s3.bucket))"
    del found["run"]
    site.write("ci/tasks/accept.yml", found)
    assert site.run("validate") == 2
    said = errors()
    assert "  ci/tasks/accept.yml: has no 'run'\n" in said
    assert "  ci/tasks/accept.yml: asks for ((s3.bucket)), which nothing gives it" in said


def test_environment_is_looked_at_with_what_differs_in_it(site: Site, fly: Fly, errors: Errors) -> None:
    site.change(environments={"staging": {"s3": {"bucket": "staged"}, "git": {"remote": "/a/b.git"}}})
    assert site.run("validate", environment="staging") == 2
    assert "git.remote: is /a/b.git" in errors()
    assert "bucket: staged" in fly.calls()[0]["files"][1]


def test_unknown_environment_is_refused_with_the_known_ones(site: Site, errors: Errors) -> None:
    assert site.run("validate", environment="stagging") == 2
    assert errors().endswith("sidecar.yml knows: production.\n")


def test_unknown_action_is_refused_with_the_known_ones(site: Site, errors: Errors) -> None:
    assert site.run("destroy") == 2
    assert errors().endswith("It knows: validate, set, vars.\n")


def test_set_has_nothing_for_a_script(site: Site, errors: Errors) -> None:
    assert site.run("set", as_json=True) == 2
    assert errors().startswith("Error: --json goes with validate and vars\n")


def test_checkout_without_what_tells_the_tag_is_looked_at_all_the_same(site: Site) -> None:
    shutil.rmtree(site.root / image_pins.FOLDER)
    assert site.run("validate") == 0
