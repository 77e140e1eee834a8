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

ROOT = Path(__file__).resolve().parents[2]
TAG = functools.cache(lambda: image_pins.tag(ROOT))
# The sections that a fork fills in, as they are in this site whatever the checkout's are.
SETTINGS = """
s3: {endpoint: null, region: us-east-1, bucket: b, prefix: buildpacks, public_url: "https://b.example.com"}
git:
  remote: https://git.example.com/team/b.git
  branch: main
  author: {name: Train, email: train@example.com}
foundation: {name: production, api: "https://api.example.com"}
signing: {}
environments: {}
pipeline:
  image:
    {repository: registry.example.com/team/train, insecure: false, username: null, password: null,
     base: null, python_index: null, go_proxy: null}
  certificates: []
  s3:
    path_style: false
    access_key_id: ((s3_access_key_id))
    secret_access_key: ((s3_secret_access_key))
    session_token: null
  git: {username: ((git_username)), password: ((git_password)), private_key: null}
  foundation: {username: ((cf_username)), password: ((cf_password))}
  privileged: false
  promote_automatically: true
  signing_key: null
  webhook_token: ((webhook_token))
  failure_url: null
"""
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
    """A checkout of the project's own ci/ and sidecar.yml, in which something can be changed."""

    root: Path

    def change(self, **layers: Any) -> None:
        """Change keys of sidecar.yml: `pipeline={"git": {"username": None}}`."""
        self.write("sidecar.yml", _merged(self.read("sidecar.yml"), layers))

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


def _merged(values: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(values)
    for key, value in layer.items():
        deeper = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _merged(found[key], value) if deeper else value
    return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "ci", root / "ci")
    for name in ("sidecar.yml", "requirements.lock"):
        shutil.copy2(ROOT / name, root / name)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(wiring, "ROOT", root)
    made = Site(root)
    made.write("sidecar.yml", {**made.read("sidecar.yml"), **yaml.safe_load(SETTINGS)})
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
