"""What is printed, and what never is."""

import io
import os
import pty
from collections.abc import Callable

import pytest

from releaser import report

SECRET = "s3cret/value+that=must-not-show"
OUTPUTS: dict[str, Callable[[str], None]] = {
    "say": report.say,
    "title": report.title,
    "fact": report.fact,
    "facts": lambda text: report.facts({"name": text, "other": [text]}),
    "document": lambda text: report.document({"name": text}),
    "error": report.error,
    "remedy": lambda text: report.error("it failed", text),
    "waiting": lambda text: report.waiting(text).__enter__(),
}


@pytest.mark.parametrize("variable", [*report.SECRETS, "CF_PASSWORD_BLUE_GREEN"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_secret_is_replaced_by_its_name_in_every_output(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, output: str, variable: str
) -> None:
    monkeypatch.setenv(variable, SECRET)
    OUTPUTS[output](f"before {SECRET} after\nand {SECRET} on a second line")
    captured = capsys.readouterr()
    said = captured.out + captured.err
    assert SECRET not in said
    assert f"before (({variable})) after" in said
    assert said.count(f"(({variable}))") >= 2


@pytest.mark.parametrize("output", OUTPUTS)
def test_password_in_a_url_is_replaced_in_every_output(
    capsys: pytest.CaptureFixture[str], output: str
) -> None:
    OUTPUTS[output]("fatal: cannot reach https://someone:pa55word@git.example.com/b.git")
    captured = capsys.readouterr()
    assert "pa55word" not in captured.out + captured.err
    assert "https://((credentials))@git.example.com/b.git" in captured.out + captured.err


def test_url_of_ssh_with_a_user_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    report.say("ssh://git@git.example.com:22/b.git")
    assert capsys.readouterr().out == "ssh://git@git.example.com:22/b.git\n"


def test_short_value_is_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CF_PASSWORD", "a")
    report.say("a banana")
    assert capsys.readouterr().out == "a banana\n"


def test_lines_look_like_a_buildpacks(capsys: pytest.CaptureFixture[str]) -> None:
    report.title("Compiling")
    report.fact("one\ntwo")
    report.fact("")
    report.facts({"name": "toy", "zips": "a\nb", "empty": ""})
    assert capsys.readouterr().out.splitlines() == [
        "-----> Compiling",
        "       one",
        "       two",
        "       ",
        "       name   toy",
        "       zips   a",
        "              b",
        "       empty  ",
    ]


def test_error_goes_to_standard_error_with_its_remedy_below(capsys: pytest.CaptureFixture[str]) -> None:
    report.error("it failed", "Do this.\nOr that.")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Error: it failed\n       Do this.\n       Or that.\n")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1 << 20, "1.0 MiB"),
        (5 << 30, "5.0 GiB"),
        (1 << 42, "4096.0 GiB"),
    ],
)
def test_size_is_said_as_people_write_it(count: int, said: str) -> None:
    assert report.size(count) == said


def on_a_terminal(act: Callable[[], None], monkeypatch: pytest.MonkeyPatch, ci: str = "") -> str:
    """Run something whose standard output is a terminal, and return what the terminal got."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", terminal)
        patch.setenv("TERM", "xterm")
        patch.setenv("CI", ci)
        act()
        terminal.flush()
        os.set_blocking(ours, False)
        said = b""
        while chunk := _read(ours):
            said += chunk
    os.close(ours)
    return said.decode("utf-8", "replace")


def _read(source: int) -> bytes:
    try:
        return os.read(source, 65536)
    except (BlockingIOError, OSError):
        return b""


def transfer(count: int) -> None:
    with report.transfer("one.zip", count) as advance:
        advance(count // 2)
        advance(count - count // 2)


def test_long_transfer_shows_a_bar_on_a_terminal_and_nothing_elsewhere(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "one.zip" in on_a_terminal(lambda: transfer(64 << 20), monkeypatch)
    assert "one.zip" not in on_a_terminal(lambda: transfer(1 << 20), monkeypatch)
    transfer(64 << 20)
    assert capsys.readouterr().out == ""


def test_terminal_of_a_ci_system_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def act() -> None:
        transfer(64 << 20)
        with report.waiting("Testing"):
            pass

    assert on_a_terminal(act, monkeypatch, ci="true").split() == ["Testing", "…"]
    assert "\x1b" in on_a_terminal(act, monkeypatch)


def test_waiting_says_a_plain_line_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with report.waiting("Testing"):
        pass
    assert capsys.readouterr().out == "       Testing …\n"


def test_output_that_is_no_terminal_holds_no_control_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    report.title("Compiling")
    transfer(64 << 20)
    with report.waiting("Testing"):
        report.fact("one")
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()


def test_secret_of_several_lines_is_masked_where_lines_are_printed_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CF_PASSWORD", "first-line\nsecond-line")
    report.fact("it said first-line\nsecond-line")
    report.error("wrong", "not second-line")
    printed = capsys.readouterr()
    assert "first-line" not in printed.out + printed.err
    assert "second-line" not in printed.out + printed.err
    assert "((CF_PASSWORD))" in printed.out


def test_signing_key_is_masked_in_json_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA+b/c=\n-----END PRIVATE KEY-----\n"
    monkeypatch.setenv("RELEASE_SIGNING_KEY", pem)
    report.document({"said": pem})
    said = capsys.readouterr().out
    assert "MC4CAQ" not in said
    assert "((RELEASE_SIGNING_KEY))" in said
