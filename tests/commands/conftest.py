"""A checkout whose pipeline has everything that it needs, and a `fly` that writes down what it is asked."""

import functools
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from invoke.exceptions import Exit

from commands import image_pins, pipeline, wiring
from commands.concourse.setting import Wanted
from tests import project

TAG = functools.cache(lambda: image_pins.tag(project.ROOT))
# What a fork fills in before it has a pipeline.
FILLED: Mapping[str, Any] = {
    "s3": {"bucket": "b", "public_url": "https://b.example.com"},
    "git": {"remote": "https://git.example.com/team/b.git"},
    "foundation": {"api": "https://api.example.com"},
    "pipeline": {"image": {"repository": "registry.example.com/team/train"}},
}
ANSWER = {"code": 0, "output": "looks good\n", "errors": "", "known": []}
FLY = """#!{python} -SE
import json, pathlib, re, sys

here = pathlib.Path(__file__).parent
answer = json.loads((here / "answer.json").read_text())
argv = sys.argv[1:]
given = [word for before, word in zip(argv, argv[1:]) if before in ("-c", "-l")]
files = [pathlib.Path(name).read_text() for name in given]
with (here / "calls.jsonl").open("a") as calls:
    calls.write(json.dumps({{"argv": argv, "files": files}}) + "\\n")
if "--check-creds" in argv:
    missing = [name for name in re.findall(r"\\(\\(([^)]+)\\)\\)", files[0]) if name not in answer["known"]]
    lines = "".join(f"\\t* undefined vars: {{name}}\\n" for name in missing) + answer["output"]
    print("some difference")
    sys.stderr.write(f"error: invalid pipeline config:\\ncredential validation failed\\n\\n{{lines}}\\n")
    sys.exit(answer["code"])
sys.stdout.write(answer["output"])
sys.stderr.write(answer["errors"])
sys.exit(answer["code"])
"""


@dataclass(frozen=True)
class Fly:
    """The stand-in for fly: it answers what it is told, and keeps its arguments and the files in them."""

    folder: Path

    def answers(self, **answer: Any) -> None:
        """Change what it says from now on; `known` are the secrets of its Concourse."""
        (self.folder / "answer.json").write_text(json.dumps({**ANSWER, **answer}))

    def calls(self) -> list[Mapping[str, Any]]:
        """Return each call so far."""
        log = self.folder / "calls.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@dataclass(frozen=True)
class Site:
    """A checkout of the project's own ci/, with a sidecar.yml in which something can be changed."""

    root: Path

    def change(self, **layers: Any) -> None:
        """Change keys of sidecar.yml: `pipeline={"git": {"username": None}}`."""
        self.write("sidecar.yml", project.merged(self.read("sidecar.yml"), layers))

    def read(self, name: str) -> Any:
        return yaml.safe_load((self.root / name).read_text(encoding="utf-8"))

    def write(self, name: str, document: Any) -> None:
        (self.root / name).write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")

    def run(self, action: str, *, as_json: bool = False, **wanted: Any) -> int:
        """Do what `./inv pipeline` does, and return its exit code."""
        try:
            wiring.explained(lambda: pipeline.run(action, Wanted(**wanted), as_json=as_json))()
        except Exit as ended:
            return int(ended.code)
        return 0


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    root = tmp_path / "checkout"
    shutil.copytree(project.ROOT / "ci", root / "ci")
    shutil.copy2(project.ROOT / "requirements.lock", root)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(wiring, "ROOT", root)
    made = Site(root)
    made.write("sidecar.yml", project.merged(project.settings(), FILLED))
    made.change(pipeline={"image": {"tag": TAG()}})
    return made


@pytest.fixture
def fly(site: Site, tmp_path: Path) -> Fly:
    program = tmp_path / "bin" / "fly"
    program.write_text(FLY.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    made = Fly(program.parent)
    made.answers()
    return made


Errors = Callable[[], str]


@pytest.fixture
def errors(capsys: pytest.CaptureFixture[str]) -> Errors:
    """Return what tells all that was printed as an error since the last time."""
    return lambda: capsys.readouterr().err
