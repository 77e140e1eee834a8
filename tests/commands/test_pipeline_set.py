"""`./inv pipeline set`: what fly is given, what of its words is shown, and what is refused before."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from invoke.parser import Parser

import tasks
from tests.commands.conftest import Errors, Fly, Site

CREATED = (
    "jobs:\n+ secret-of-before\n\x1b[1mpipeline name: \x1b[0mconfig-server\n\npipeline created!\nat URL\n"
)
SECRETS: dict[str, Any] = {
    "s3_access_key_id": "AKID",
    "s3_secret_access_key": "s3cr3t",
    "git_username": "train",
}
SECRETS |= {
    "git_password": "one\ntwo-lines\n",
    "cf_username": "cf",
    "cf_password": 123456,
    "webhook_token": "hook",
}


def jobs(call: Any) -> list[str]:
    """Return the names of the jobs that fly was given."""
    return [job["name"] for job in yaml.safe_load(call["files"][0])["jobs"]]


def credentials(folder: Path, **values: Any) -> str:
    path = folder / "credentials.yml"
    path.write_text(yaml.safe_dump({**SECRETS, **values}), encoding="utf-8")
    return str(path)


def test_pipeline_is_set_from_the_checkout_as_it_is(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    fly.answers(output=CREATED)
    assert site.run("set", target="ci") == 0
    (call,) = fly.calls()
    assert call["argv"] == [
        *("-t", "ci", "set-pipeline", "-p", "config-server", "-c", str(site.root / "ci/pipeline.yml")),
        *("-l", str(site.root / "sidecar.yml"), "--non-interactive"),
    ]
    said = capsys.readouterr().out
    assert said == "-----> Setting pipeline config-server on ci\n       pipeline created!\n       at URL\n"


def test_name_and_instance_variables_reach_fly_and_the_image_has_a_pipeline_of_its_own(
    site: Site, fly: Fly
) -> None:
    assert site.run("set", target="ci", name="packs", instance=("pack=a", "x=b"), image=True) == 0
    image, main = (call["argv"] for call in fly.calls())
    assert (image[4], image[6]) == ("packs-image", str(site.root / "ci/image.yml"))
    assert main[4] == "packs"
    assert main[-5:] == ["-i", "pack=a", "-i", "x=b", "--non-interactive"]


def test_difference_that_fly_prints_is_not_shown(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is stored may hold secrets in clear, if it was once set with a file of them."""
    fly.answers(output=CREATED)
    site.run("set", target="ci")
    assert "secret-of-before" not in capsys.readouterr().out


def test_without_self_job_and_group_entry_are_left_out(site: Site, fly: Fly) -> None:
    before = site.read("ci/pipeline.yml")
    assert site.run("set", target="ci", no_self=True) == 0
    (call,) = fly.calls()
    found = yaml.safe_load(call["files"][0])
    assert jobs(call) == [job["name"] for job in before["jobs"] if job["name"] != "self"]
    assert [group["jobs"] for group in found["groups"]] == [["candidate", "accept", "promote"], ["check"]]
    assert found["resources"] == before["resources"]
    assert "&id" not in call["files"][0]


def test_resource_that_only_self_uses_is_named(site: Site, fly: Fly, errors: Errors) -> None:
    found = site.read("ci/pipeline.yml")
    found["jobs"] = [job for job in found["jobs"] if job["name"] != "check"]
    site.write("ci/pipeline.yml", found)
    assert site.run("set", target="ci", no_self=True) == 2
    assert errors().startswith("Error: without the job 'self' nothing in ci/pipeline.yml uses commits\n")
    assert fly.calls() == []


def test_file_of_secrets_fills_in_what_the_pipeline_asks_for_by_name(
    site: Site, fly: Fly, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fly.answers(output="pipeline name: x\nAKID s3cr3t 123456 two-lines\n")
    path = credentials(tmp_path)
    assert site.run("set", target="ci", no_self=True, credentials=path) == 0
    (call,) = fly.calls()
    assert call["argv"][7:11] == ["-l", str(site.root / "sidecar.yml"), "-l", path]
    assert not [word for word in call["argv"] if "s3cr3t" in word]
    assert "((s3_secret_access_key))" in call["files"][0]
    assert "((pipeline.s3.secret_access_key))" not in call["files"][0]
    assert "((pipeline.s3.session_token))" in call["files"][0], "null is filled in by sidecar.yml"
    said = capsys.readouterr().out
    assert "((s3_access_key_id)) ((s3_secret_access_key)) ((cf_password)) ((git_password))" in said
    assert f"The values of {path} are stored in clear" in said


def test_refusal_of_fly_shows_no_value_of_the_file(
    site: Site, fly: Fly, tmp_path: Path, errors: Errors
) -> None:
    fly.answers(code=1, output="diff", errors="error: bad value s3cr3t\n")
    assert site.run("set", target="ci", no_self=True, credentials=credentials(tmp_path)) == 1
    assert errors() == "Error: fly refuses: bad value ((s3_secret_access_key))\n"


def test_file_of_secrets_that_has_a_section_of_the_settings_is_refused(
    site: Site, fly: Fly, tmp_path: Path, errors: Errors
) -> None:
    path = credentials(tmp_path, s3={"access_key_id": "x"})
    assert site.run("set", target="ci", no_self=True, credentials=path) == 2
    assert "has keys that are sidecar.yml's: s3" in errors()
    assert fly.calls() == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "there is no target"),
        ({"target": "ci", "instance": ("name=a", "b=c")}, "an instance variable is called as a key of sid"),
        ({"target": "ci", "credentials": "x"}, "--credentials goes only with --no-self"),
        ({"target": "ci", "environment": "staging"}, "a pipeline for staging goes only with --no-self"),
    ],
)
def test_what_does_not_go_together_is_refused(
    site: Site, fly: Fly, errors: Errors, wanted: dict[str, Any], said: str
) -> None:
    site.change(environments={"staging": {}})
    assert site.run("set", **wanted) == 2
    assert errors().startswith(f"Error: {said}")
    assert fly.calls() == []


def test_environment_reaches_the_tasks_and_the_resources(site: Site, fly: Fly) -> None:
    site.change(environments={"staging": {"s3": {"bucket": "staged"}}})
    assert site.run("set", target="ci", no_self=True, environment="staging") == 0
    (call,) = fly.calls()
    assert call["argv"][4] == "config-server-staging"
    assert yaml.safe_load(call["files"][1])["s3"]["bucket"] == "staged"
    plan = yaml.safe_load(call["files"][0])["jobs"][1]["plan"]
    tasks = {step["task"]: step.get("params", {}) for step in plan if "task" in step}
    assert tasks["plan"]["RELEASE_ENVIRONMENT"] == "staging"


def test_pipeline_with_a_problem_is_not_set(site: Site, fly: Fly, errors: Errors) -> None:
    site.change(s3={"bucket": None})
    assert site.run("set", target="ci") == 2
    assert "s3.bucket: is null" in errors()
    assert fly.calls() == []


def test_without_fly_nothing_is_set(site: Site, errors: Errors) -> None:
    assert site.run("set", target="ci") == 13
    assert "URL/api/v1/cli" in errors()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("not authorized. run the following to log in:\n\n    fly -t ci login\n", "Log in: fly -t ci login"),
        ("error: unknown target: ci", "Log in, which makes the target: fly -t ci login -c"),
        (
            "fly version (1) is out of sync with the target (2).",
            "Get the fly of that Concourse: fly -t ci sync",
        ),
        ("could not reach the Concourse server called ci:", "Look at its address"),
        ("error: forbidden: x", "The user needs the role member"),
    ],
)
def test_refusal_of_fly_has_its_words_and_a_remedy(
    site: Site, fly: Fly, errors: Errors, words: str, remedy: str
) -> None:
    fly.answers(code=1, output="diff", errors=words)
    assert site.run("set", target="ci") == 1
    said = errors()
    assert said.startswith(f"Error: fly refuses: {words.splitlines()[0].removeprefix('error: ')}\n")
    assert f"\n       {remedy}" in said
    assert "diff" not in said


def test_what_is_not_committed_is_told_since_self_will_not_have_it(
    site: Site, fly: Fly, capsys: pytest.CaptureFixture[str]
) -> None:
    git = ["git", "-C", str(site.root), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    site.run("set", target="ci")
    assert "Not committed" not in capsys.readouterr().out
    site.change(s3={"bucket": "other"})
    site.run("set", target="ci")
    assert "-----> Not committed\n" in capsys.readouterr().out


def test_command_line_gives_each_instance_variable() -> None:
    parser = Parser(tasks.namespace.to_contexts())
    words = ["pipeline", "set", "--instance-var", "a=b", "--instance-var", "c=d", "--no-self"]
    (found,) = parser.parse_argv(words)
    assert found.args["instance-var"].value == ["a=b", "c=d"]
    assert (found.args["action"].value, found.args["no-self"].value) == ("set", True)
