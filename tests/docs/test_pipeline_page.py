"""docs/pipeline.md names what is in ci/, and nothing else."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from commands.concourse import files, secrets
from commands.concourse.values import NEEDED
from tests.docs import test_docs

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "pipeline.md").read_text(encoding="utf-8")
PIPELINES = {path: files.read(ROOT / path) for path in (files.MAIN, files.IMAGE)}
TASKS = {path.stem: files.read(path) for path in sorted((ROOT / "ci" / "tasks").glob("*.yml"))}


def section(title: str) -> str:
    """Return what stands below a heading, up to the next one."""
    found = PAGE.partition(f"\n{title}\n")[2]
    assert found, f"there is no heading '{title}'"
    return re.split(r"\n##+ ", found)[0]


def rows(title: str) -> dict[str, list[str]]:
    """Return a section's table: the name in the first cell to the other cells."""
    lines = [line for line in section(title).splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert len({row[0] for row in cells}) == len(cells), "a name has two rows"
    return {row[0].strip("`"): row[1:] for row in cells}


def params() -> Iterator[tuple[str, Any]]:
    """Yield each variable of each task file with what the file gives it."""
    for task in TASKS.values():
        yield from task.get("params", {}).items()


def test_page_has_a_row_for_every_variable_of_the_pipelines_and_no_other() -> None:
    asked = {name for pipeline in PIPELINES.values() for name, _ in files.variables(pipeline)}
    assert set(rows("## The variables")) == asked


def test_page_tells_secrets_from_values_and_gives_each_secret_a_right() -> None:
    found = rows("## The variables")
    assert {key for key, row in found.items() if row[0] == "secret"} == set(secrets.PURPOSES) & set(found)
    assert {row[0] for row in found.values()} == {"secret", "value"}
    assert not [key for key, row in found.items() if (row[0] == "secret") != bool(row[2])]
    assert set(secrets.PURPOSES) <= set(found)


def test_page_has_a_row_for_every_variable_of_the_tasks_and_no_other() -> None:
    assert set(rows("## The variables of tasks")) == {name for name, _ in params()}


def test_page_says_who_gives_each_variable_of_the_tasks() -> None:
    by_file = {name for name, value in params() if value is not None}
    assert {name for name, row in rows("## The variables of tasks").items() if row[0] == "file"} == by_file


def test_page_says_of_each_resource_what_it_starts() -> None:
    main = PIPELINES[files.MAIN]
    found = rows("## What starts what")
    assert set(found) == {one["name"] for one in main["resources"]}
    for job in main["jobs"]:
        for step in files.steps(job["plan"]):
            if step.get("get") and step.get("trigger"):
                assert f"`{job['name']}`" in found[step["get"]][1]


def test_page_speaks_of_jobs_and_exit_codes_that_there_are() -> None:
    jobs = {job["name"] for job in PIPELINES[files.MAIN]["jobs"]}
    lines = [line.split("|") for line in section("## A red box").splitlines() if line.startswith("|")][2:]
    assert {line[1].strip(" `") for line in lines} <= jobs | {"any"}
    codes = re.findall(r"^\| (\d+) \|", test_docs.RELEASING.partition("## Exit codes")[2], re.MULTILINE)
    named = {code for line in lines for code in re.findall(r"^ *(\d+)\b|, (\d+)", line[2])}
    assert {number for pair in named for number in pair if number} <= set(codes)


@pytest.mark.parametrize("action", ["validate", "vars", "set"])
def test_page_names_every_action(action: str) -> None:
    assert f"| `./inv pipeline {action}" in section("## Setting it up")


def test_policy_of_the_page_is_for_the_keys_that_the_pipeline_asks_of_the_bucket() -> None:
    expressions: Mapping[str, str] = {
        one["name"]: one["source"]["regexp"]
        for one in PIPELINES[files.MAIN]["resources"]
        if one["type"] == "s3"
    }
    assert expressions["candidate"].startswith("((s3.prefix))/((name))/candidates/")
    assert expressions["rootfs"].startswith("((s3.prefix))/rootfs/")
    assert "/buildpacks/config-server/candidates/*/ready.json" in section("### The bucket")
    assert "/buildpacks/rootfs/*" in section("### The bucket")


def test_every_key_that_is_needed_is_one_that_fly_or_a_task_reads() -> None:
    asked = {name for pipeline in PIPELINES.values() for name, _ in files.variables(pipeline)}
    assert set(NEEDED) - asked == {"s3.public_url"}  # which the tasks read in sidecar.yml
