"""A headless Chromium, spoken to over a pair of pipes in its DevTools protocol."""

import base64
import fcntl
import itertools
import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from host import packages
from host.machine import here

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
COMPLAINTS = ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Audits.issueAdded")


@dataclass(kw_only=True)
class Browser:
    """A browser with one tab; `events` is what the tab told since the last look."""

    commands: IO[bytes]
    answers: IO[bytes]
    session: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def call(self, method: str, **params: Any) -> Any:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self._next()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> Mapping[str, Any]:
        raw = bytearray()
        while (one := self.answers.read(1)) != b"\0":
            assert one, "the browser has ended"
            raw += one
        return dict(json.loads(raw))

    def wait_for(self, method: str) -> None:
        while not any(event["method"] == method for event in self.events):
            self.events.append(self._next())

    def told(self, *methods: str) -> list[Mapping[str, Any]]:
        return [event["params"] for event in self.events if event["method"] in methods]

    def open(
        self, url: str, *, width: int = 1000, height: int = 700, dark: bool = False, media: str = ""
    ) -> None:
        """Load a page in a window of some size, as users who like it light or dark see it."""
        self.events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.call("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def ask(self, expression: str) -> Any:
        """Return what an expression of JavaScript is in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self) -> list[Mapping[str, Any]]:
        """Return every error, warning and violation of the page's own rules that it told of."""
        self.ask("new Promise(done => setTimeout(done, 50))")  # what is told a little later
        return self.told(*COMPLAINTS)

    def pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])


def program() -> str:
    found = packages.find(packages.BROWSER, here())
    assert found, f"no browser is on PATH; Debian: apt-get install {packages.BROWSER}"
    return str(found)


@contextmanager
def browse(folder: Path) -> Iterator[Browser]:
    """Yield a browser whose files lie in a folder; it ends with the block."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out)]
    log = os.open(folder / "browser.log", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    pid = os.posix_spawn(
        program(),
        [program(), *OPTIONS, f"--user-data-dir={folder / 'profile'}"],
        {"PATH": os.environ["PATH"], "HOME": str(folder)},
        file_actions=[
            (os.POSIX_SPAWN_DUP2, *pair) for pair in ((log, 1), (log, 2), (high[0], 3), (high[1], 4))
        ],
        setsid=True,
    )
    for fd in (theirs_in, theirs_out, *high, log):
        os.close(fd)
    try:
        with os.fdopen(ours_out, "wb") as commands, os.fdopen(ours_in, "rb") as answers:
            yield _tab(Browser(commands=commands, answers=answers))
    finally:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _tab(browser: Browser) -> Browser:
    target = browser.call("Target.createTarget", url="about:blank")["targetId"]
    session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    browser.session = session
    for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
        browser.call(f"{domain}.enable")
    return browser
