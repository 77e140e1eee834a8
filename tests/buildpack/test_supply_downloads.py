"""How bin/supply bears what goes wrong with a download: what it says, what it tries again, what it leaves."""

import os
import shutil
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.offline import UNREACHABLE
from tests.buildpack.file_server import FileServer
from tests.buildpack.staging_area import (
    NAME,
    NOWHERE,
    PROGRAM,
    VERSION,
    Done,
    Staging,
    digest,
    end,
    pin,
    staging,
    unreleased,
)

CURLS = {"503": 22, "500": 22, "cut": 18, "stall": 28}  # curl's exit code for each failure


def require_refused(done: Done, used: Staging, *words: str) -> None:
    """The script failed with a sentence and a remedy, and left nothing anywhere."""
    assert done.code == 1, done.said
    lines = done.err.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Error: "))
    assert lines[first + 1].startswith("       "), done.err
    for word in words:
        assert word in done.err
    assert used.files() == set()


@pytest.mark.parametrize("status", ["404", "403", "410"])
def test_a_status_that_stays_is_not_asked_for_again(
    uncached: Staging, server: FileServer, status: str
) -> None:
    server.plan = [status]
    require_refused(uncached.supply(), uncached, f"{server.url()} answered with the status {status}")
    assert len(server.asked) == 1


@pytest.mark.parametrize("plan", [["503"], ["429"], ["cut"]])
def test_a_failure_that_may_pass_is_tried_three_times(
    uncached: Staging, server: FileServer, plan: Sequence[str]
) -> None:
    server.plan = list(plan)
    require_refused(uncached.supply(), uncached, server.url(), "curl: (")
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    "plan", [["503", "whole"], ["500", "429", "whole"], ["cut", "whole"], ["stall", "whole"]], ids="-".join
)
def test_a_failure_that_passes_ends_well(uncached: Staging, server: FileServer, plan: Sequence[str]) -> None:
    server.plan = list(plan)
    done = uncached.supply()
    assert done.code == 0, done.err
    assert f"Trying again ({len(plan)} of 3)" in done.out
    assert f"curl: ({CURLS[plan[0]]})" in done.err
    assert uncached.installed[0].read_bytes() == PROGRAM
    assert len(server.asked) == len(plan)


def test_other_bytes_than_the_released_ones_are_refused_with_both_digests(
    uncached: Staging, server: FileServer
) -> None:
    server.content = PROGRAM + b"\n"
    require_refused(uncached.supply(), uncached, digest(PROGRAM), digest(server.content), server.url())


@pytest.mark.parametrize(
    ("url", "said"),
    [(NOWHERE, "curl: (7)"), ("http://releases.invalid/x", "curl: (6)")],
    ids=["refused", "unknown"],
)
def test_a_host_that_cannot_be_reached_is_named_with_curls_own_words(
    tmp_path: Path, url: str, said: str
) -> None:
    used = staging(tmp_path / "staging", pin(unreleased(tmp_path / "buildpack"), url))
    done = used.supply()
    require_refused(done, used, said, f"{url.split('/')[2]} does not answer", "cached buildpack")
    assert UNREACHABLE.search(done.err)


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1:1/program"])
def test_a_redirect_to_anything_but_http_is_refused(
    uncached: Staging, server: FileServer, target: str
) -> None:
    server.plan = [target]
    require_refused(uncached.supply(), uncached, "curl: (1)")


def test_a_closed_proxy_counts_as_unreachable(uncached: Staging, server: FileServer) -> None:
    done = replace(uncached, env={"http_proxy": "http://127.0.0.1:1"}).supply()
    require_refused(done, uncached, "does not answer")
    assert UNREACHABLE.search(done.err)
    assert server.asked == []


def test_a_stack_without_curl_is_named(uncached: Staging, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "env", "find", "mkdir", "rm", "sed", "sha256sum"):
        path = shutil.which(name)
        assert path
        (programs / name).symlink_to(path)
    done = replace(uncached, env={"PATH": str(programs), "CF_STACK": "tinyfs"}).supply()
    require_refused(done, uncached, "the stack tinyfs has no curl", "cached buildpack")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_interrupted_download_ends_at_once_and_leaves_nothing(
    tmp_path: Path, server: FileServer, sent: signal.Signals, code: int
) -> None:
    """The signal goes to the script alone, so that it has to end curl itself; curl would wait for 15 s."""
    buildpack = pin(unreleased(tmp_path / "buildpack", impatient=False), server.url())
    used = staging(tmp_path / "staging", buildpack)
    server.plan = ["stall"]
    process = used.start()
    assert server.stalled.wait(60)
    os.kill(process.pid, sent)
    done = end(process)
    assert (done.code, done.err) == (code, "")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert used.files() == set()


def test_a_killed_download_is_not_taken_for_a_whole_one(uncached: Staging, server: FileServer) -> None:
    server.plan = ["stall", "whole"]
    process = uncached.start()
    assert server.stalled.wait(60)
    os.killpg(process.pid, signal.SIGKILL)
    end(process)
    assert not any(path.exists() for path in uncached.installed)
    done = uncached.supply()
    assert done.code == 0, done.err
    assert uncached.installed[1].read_bytes() == PROGRAM
    assert [path.name for path in uncached.cache.iterdir()] == [f"{NAME}-{digest(PROGRAM)}"]
    assert f"-----> Installing {NAME} v{VERSION}" in done.out
