"""Secrets that are planted where they may leak: no form of them is printed, written or put."""

import json
import urllib.parse
from pathlib import Path

import pytest

from releaser import report
from releaser.errors import GitError, NotAcceptedError
from releaser.tools.git import Repository
from tests.releaser.toy import Stage

PASSWORD = 'p$.*+?^(|[x]"\\ü'
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJlLW9mLWl0"
HIDDEN = "((CF_PASSWORD))"
# An acceptance suite that fails and says all it knows, in every form.
BLABBING = """import json, os
from pathlib import Path

def pytest_addoption(parser):
    parser.addoption("--candidate")
    parser.addoption("--report")

def pytest_sessionfinish(session):
    path = Path(session.config.option.report)
    said = [os.environ["CF_PASSWORD"], %r, "https://pl4nted@host/", "bearer pl4nted-opaque-token", %r]
    print(said, *said)
    path.write_text(json.dumps({"passed": False, "tests": [], "said": said}))
    for name in ("logs/a.log", "diagnostics/row/app.log", "diagnostics/row/manifest.yml"):
        (path.parent / name).parent.mkdir(parents=True, exist_ok=True)
        (path.parent / name).write_text(" ".join(said))
"""


@pytest.mark.parametrize(
    "form",
    [
        PASSWORD,
        repr(PASSWORD),
        json.dumps(PASSWORD),
        json.dumps(PASSWORD, ensure_ascii=False),
        urllib.parse.quote(PASSWORD, safe=""),
        urllib.parse.quote_plus(PASSWORD),
        f"https://admin:{urllib.parse.quote(PASSWORD, safe='')}@api.example.com/",
    ],
)
def test_secret_is_masked_in_each_form_that_programs_give_it(
    monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("CF_PASSWORD", PASSWORD)
    masked = report.mask(f"before {form} after")
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "p$" not in masked
    assert "p%24" not in masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pa@ss@host/x", "https://((credentials))@host/x"),
        ("https://ghp_token@host/x", "https://((credentials))@host/x"),
        ("postgres://u:p@db/x", "postgres://((credentials))@db/x"),
        ("ssh://git@host:22/x", "ssh://git@host:22/x"),
        ("https://host:8443/@x", "https://host:8443/@x"),
        (f"Authorization: bearer {TOKEN}", "Authorization: bearer ((token))"),
        (f"{{'token': '{TOKEN}'}}", "{'token': '((token))'}"),
        ("Bearer 0123456789abcdef0123", "Bearer ((token))"),
        ("the bearer of this letter", "the bearer of this letter"),
    ],
)
def test_credentials_that_no_variable_holds_are_masked_by_their_shape(text: str, shown: str) -> None:
    assert report.mask(text) == shown


def test_credentials_that_git_puts_into_a_url_by_itself_are_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = '[url "http://user:pl4nted@127.0.0.1:1/"]\n\tinsteadOf = http://127.0.0.1:1/\n'
    (tmp_path / ".gitconfig").write_text(settings)
    monkeypatch.setenv("HOME", str(tmp_path))
    repository = Repository(directory=tmp_path / "clone.git", remote="http://127.0.0.1:1/toy.git")
    with pytest.raises(GitError) as caught:
        repository.fetch()
    report.error(caught.value.message, caught.value.remedy)
    said = capsys.readouterr().err
    assert "127.0.0.1:1" in said
    assert "pl4nted" not in said


@pytest.mark.slow
def test_suite_that_says_every_secret_leaves_none_in_output_files_and_bucket(
    packaged: Stage, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CF_PASSWORD", PASSWORD)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "pl4nted-of-the-bucket")
    access = packaged.world.access
    assert access is not None
    stage = packaged.changed(access=type(access)(user="admin", password=PASSWORD))
    stage.release.check_out()
    suite = BLABBING % ("pl4nted-of-the-bucket", TOKEN)
    (stage.release.source / "tests/acceptance/conftest.py").write_text(suite)
    with pytest.raises(NotAcceptedError):
        stage.do("accept")
    said = capfd.readouterr()
    folder = stage.release.folder / "acceptance"
    texts = {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    rejected = [key for key in stage.objects() if "rejected-" in key]
    texts |= {key: (stage.store.read(key) or b"").decode() for key in rejected}
    texts |= {"output": said.out, "errors": said.err}
    assert len(rejected) == 1
    assert {"report.json", "a.log", "app.log", "manifest.yml", "candidate.json"} <= set(texts)
    for name, text in texts.items():
        for secret in ("pl4nted", "p$", TOKEN):
            assert secret not in text, f"{name}: {text}"
    assert json.loads(texts["report.json"])["said"][0] == HIDDEN
