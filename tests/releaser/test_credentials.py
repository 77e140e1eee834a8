"""What a pipeline's task is given for git reaches git, for the remote's own host, and nobody else."""

import base64
from pathlib import Path

import pytest

from releaser.errors import GitError
from releaser.tools import credentials
from releaser.tools.git import Repository
from tests.releaser.web import Answer, Asked, serve

PASSWORD = "p@ss word'$(exit)"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\r\nplanted\r\n-----END OPENSSH PRIVATE KEY-----\r\n"
FAKE_SSH = """#!/bin/sh
echo "$@" >{0}/args
while [ "$1" != -i ]; do shift; done
stat -c %a "$2" >{0}/mode
cat "$2" >{0}/key
exit 1
"""


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_USERNAME", "GIT_PASSWORD", "GIT_PRIVATE_KEY", "GIT_KNOWN_HOSTS"):
        monkeypatch.delenv(name, raising=False)


def fetch(folder: Path, remote: str) -> str:
    """Fetch from a remote that refuses, and return git's words."""
    with pytest.raises(GitError) as caught:
        Repository(directory=folder / "clone.git", remote=remote, patience=30).fetch()
    return caught.value.message


def challenge(asked: Asked) -> Answer:
    if "Authorization" in asked.headers:
        return Answer(status=403)
    return Answer(status=401, headers={"WWW-Authenticate": 'Basic realm="git"'})


def test_user_and_password_answer_the_remotes_challenge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_USERNAME", "train")
    monkeypatch.setenv("GIT_PASSWORD", PASSWORD)
    with serve(challenge) as server:
        words = fetch(tmp_path, f"{server.url}/repository.git")
    given = [one.headers["Authorization"] for one in server.asked if "Authorization" in one.headers]
    assert given
    assert base64.b64decode(given[0].removeprefix("Basic ")).decode() == f"train:{PASSWORD}"
    assert PASSWORD not in words


def test_host_that_the_remote_redirects_to_gets_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_PASSWORD", PASSWORD)
    with serve(challenge) as other:

        def lead_away(asked: Asked) -> Answer:
            return Answer(status=302, headers={"Location": f"{other.url}{asked.path}"})

        with serve(lead_away) as server:
            fetch(tmp_path, f"{server.url}/repository.git")
    assert other.asked
    assert not [one for one in other.asked if "Authorization" in one.headers]


def test_without_credentials_gits_own_means_count(tmp_path: Path) -> None:
    assert credentials.environment("https://git.example.com/repository.git") == {}
    with serve(challenge) as server:
        fetch(tmp_path, f"{server.url}/repository.git")
    assert not [one for one in server.asked if "Authorization" in one.headers]


@pytest.mark.parametrize(
    ("hosts", "checking"), [("", "accept-new"), ("git.example.com ssh-ed25519 AAAA", "yes")]
)
def test_deploy_key_is_what_ssh_uses_from_a_file_that_only_we_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: str, checking: str
) -> None:
    program = tmp_path / "bin/ssh"
    program.parent.mkdir()
    program.write_text(FAKE_SSH.format(tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("GIT_PRIVATE_KEY", KEY)
    monkeypatch.setenv("GIT_KNOWN_HOSTS", hosts)
    fetch(tmp_path, "git@git.example.com:team/repository.git")
    said = (tmp_path / "args").read_text()
    assert (tmp_path / "key").read_text() == KEY.replace("\r\n", "\n")
    assert (tmp_path / "mode").read_text() == "600\n"
    assert f"StrictHostKeyChecking={checking}" in said
    assert "IdentitiesOnly=yes" in said
