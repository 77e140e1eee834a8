"""The subject of the scenarios: a lean copy of this checkout, a fork's, that releases to their world.

Left out is what a release does not use; what costs time is replaced by something small: the sidecar, the
tests, and the acceptance suite, which is that of faults/acceptance and does what a file beside it says.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from faults.store import BUCKET
from tests import fork
from tests.releaser.toy import PROGRAM

CHECKOUT = Path(__file__).resolve().parents[2]
LEFT_OUT = ("bench/", "docs/", "faults/", "fixtures/", "foundation/", "sidecar_src/", "tests/", ".ci/")
MODE = "tests/acceptance/mode"  # what the suite does: fail, crash, skip, lack; it passes where there is none
FILES = {
    "foundation/go/go.mod": "module example.com/nothing\n\ngo 1.26\n",
    "foundation/go/nothing.go": "// Package nothing stands for the foundation's programs.\npackage nothing\n",
    "sidecar_src/go.mod": f"module {fork.NAME}\n\ngo 1.26\n",
    "sidecar_src/main.go": PROGRAM.replace('"toy"', f'"{fork.NAME}"'),
    "tests/test_nothing.py": '"""The one test."""\n\n\ndef test_nothing() -> None:\n    """Pass."""\n',
}
CHANGES = {
    "tests/acceptance/conftest.py": ('Path.home() / "suite"', 'Path(__file__).with_name("mode")'),
    "commands/checks.py": ('"--numprocesses=2"', '"--numprocesses=0"'),
    "pyproject.toml": ("exclude = ['^", "exclude = ['^(releaser|embedded|host)/', '^"),  # of what mypy reads
}


def make(root: Path, places: Mapping[str, str], tag: str) -> None:
    """Write the subject's files; `places` has the URLs of the endpoint, the remote and the image."""
    for name in _listed():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, root / name, follow_symlinks=False)
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    suite = root / "tests" / "acceptance"
    shutil.copytree(CHECKOUT / "faults/acceptance", suite, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (old, new) in CHANGES.items():
        text = (root / name).read_text(encoding="utf-8")
        assert old in text, name
        (root / name).write_text(text.replace(old, new), encoding="utf-8")
    (root / "sidecar.yml").write_text(_settings(places, tag), encoding="utf-8")


def _listed() -> list[str]:
    argv = ["git", "-C", str(CHECKOUT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split("\0")
    wanted = [name for name in listed if name and not name.startswith(LEFT_OUT)]
    return [name for name in wanted if (CHECKOUT / name).is_file()]


def _settings(places: Mapping[str, str], tag: str) -> str:
    endpoint = places["endpoint"]
    return fork.text(
        {
            "s3": {"endpoint": endpoint, "bucket": BUCKET, "public_url": f"{endpoint}/{BUCKET}"},
            "git": {"remote": places["remote"]},
            "foundation": {"api": "http://127.0.0.1:9", "organization": "somebody", "space": "elsewhere"},
            "acceptance": {"stand_in": True},
            "pipeline": {
                "image": {"repository": places["image"], "tag": tag},
                "s3": {"path_style": True},
                "signing_key": "((signing_key))",
                "failure_url": "((failure_url))",
            },
        }
    )
