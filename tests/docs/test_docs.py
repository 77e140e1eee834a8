"""The pages say what is there, and nothing else."""

import re
from pathlib import Path

import tasks
from commands import wiring
from releaser import errors

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RELEASING = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")


def test_readme_names_every_task_and_no_other() -> None:
    section = README.partition("## Tasks")[2].partition("\n## ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = {word for cell in cells for word in re.findall(r"`(?:\./inv )?(\w+)(?: \[NAME\])?`", cell)}
    assert named == set(tasks.namespace.task_names)


def test_exit_codes_are_those_of_the_code() -> None:
    section = RELEASING.partition("## Exit codes")[2]
    documented = {int(number) for number in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    kinds: list[type[errors.TrainError]] = [errors.TrainError, *errors.TrainError.__subclasses__()]
    host = {wiring.HOST_EXIT, wiring.EMBEDDED_EXIT, wiring.DISK_EXIT, wiring.INTERRUPTED_EXIT}
    assert documented == {0, *(kind.exit_code for kind in kinds), *host}


def test_links_lead_to_files() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
