"""A fork's fast tests, with which its pipeline begins, pass whatever it calls things and releases to.

It is tried with the test files that read the checkout's sidecar.yml, and with one for each module from which
the others have their settings.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from commands import checks
from releaser.tools import shell
from tests import fork, project
from tests.train import clone as clones
from tests.train.clone import Clone

pytestmark = pytest.mark.slow

# What a fork that releases has filled in besides.
FILLED: Mapping[str, Any] = {
    "s3": {
        "endpoint": "https://s3.example.com",
        "region": "eu-west-1",
        "bucket": "b",
        "public_url": "https://cdn.example.com/b",
        "overwrite_protection": "compare",
    },
    "git": {
        "remote": "git@git.example.com:team/b.git",
        "branch": "trunk",
        "main": "merge-request",
        "author": {"name": "Team", "email": "team@example.com"},
    },
    "foundation": {"api": "https://api.example.com", "organization": "o", "space": "s"},
    "stacks": ["cflinuxfs4", "cflinuxfs5"],
    "budget": {"uncached": "64K", "cached": None},
    "acceptance": {"apps": ["rubyapp", "app_without_sidecar"], "ways": ["cached", "git"], "stand_in": True},
    "signing": {"public_key": "release.pub"},
    "pipeline": {
        "image": {"repository": "registry.example.com/team/train", "base": "debian:12"},
        "git": {"username": None, "password": None, "private_key": "((git_private_key))"},
        "promote_automatically": False,
        "signing_key": "((signing_key))",
    },
    "environments": {"staging": {"s3": {"bucket": "staging"}, "foundation": {"name": "staging"}}},
}
READS = re.compile(r'\b(ROOT|CHECKOUT) / "sidecar\.yml"|project(\.| import )OWN')
GIVEN = {
    "staging_area": "tests/buildpack/test_supply_refusals.py",
    "conftest": "tests/commands/test_pipeline_vars.py",
    "toy": "tests/releaser/test_signing.py",
    "site": "tests/releaser/test_yanking.py",
}
OF_WHAT_IS_REPLACED = ("tests/buildpack/test_fixtures.py", "tests/commands/test_image.py")


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    """The checkout of a fork that has changed nothing but its sidecar.yml."""
    root = clones.snapshot(tmp_path / "fork")
    Clone(root).share()
    (root / "sidecar.yml").write_text(fork.text(FILLED), encoding="utf-8")
    return root


def readers() -> list[str]:
    """Return the test files that read the checkout's sidecar.yml."""
    paths = sorted(project.ROOT.glob("tests/*/test_*.py"))
    return [str(path.relative_to(project.ROOT)) for path in paths if READS.search(path.read_text())]


def require_passed(root: Path, files: Iterable[str]) -> None:
    """Run the fast ones of these tests as they are in a checkout."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *checks.FAST, *files]
    env = shell.environment({"PYTHONDONTWRITEBYTECODE": "1"})
    done = subprocess.run(
        [*argv, f"--basetemp={root.parent / 'tests'}"],
        cwd=root,
        env=env,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_fork_that_changed_sidecar_yml_alone_passes(renamed: Path) -> None:
    require_passed(renamed, sorted({*readers(), *GIVEN.values()}))


def test_fork_with_a_program_and_an_app_of_its_own_passes(renamed: Path) -> None:
    for manifest in renamed.glob("fixtures/*/manifest.yml"):
        shutil.rmtree(manifest.parent)
    app = renamed / "fixtures" / "goapp"
    app.mkdir()
    (app / "manifest.yml").write_text("applications: [{name: app}]\n", encoding="utf-8")
    (renamed / "sidecar_src").rename(renamed / "agent")
    own = {"sidecar": {"source": "agent"}, "acceptance": {"apps": ["goapp"]}}
    (renamed / "sidecar.yml").write_text(fork.text(project.merged(FILLED, own)), encoding="utf-8")
    require_passed(renamed, OF_WHAT_IS_REPLACED)
