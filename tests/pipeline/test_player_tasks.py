"""What a task finds and leaves, as in Concourse: its container holds what it is given, and nothing else."""

import json
import re
from typing import Any

import pytest

from tests.pipeline.player import tasks
from tests.pipeline.player.errors import RefusedError
from tests.pipeline.small import GETS, Small, row, run, task

pytestmark = [pytest.mark.engine]


def test_task_sees_copies_of_its_inputs_and_only_outputs_leave_it(running: Small) -> None:
    first = "echo changed >code/a; echo lost >aside; echo kept >out/b; mkdir more; echo lost >more/c"
    second = "cat code/a out/b; pwd; ls -1A; test -d /scratch"
    files = {
        "a": "as pushed\n",
        "first": running.task(first, inputs=row("code"), outputs=row("out")),
        "second": running.task(second, inputs=row("code", "out")),
    }
    build = run(running, files, task("first"), task("second"))
    assert build.status == "succeeded", build.output
    said = build.tasks[1].said.splitlines()
    assert said[:2] == ["as pushed", "kept"]
    assert said[2].startswith(f"{tasks.WORK}/")
    assert said[3:] == ["code", "out"]


def test_output_with_an_inputs_path_hands_its_content_on_and_another_one_is_empty(running: Small) -> None:
    nested: Any = [{"name": "work", "path": "code/deep"}]
    files = {
        "deep/of-the-code": "1",
        "begin": running.task("ls -1A code/deep; echo 1 >code/deep/a", inputs=row("code"), outputs=nested),
        "go-on": running.task(
            "cat code/deep/a; echo 2 >code/deep/b", inputs=[*row("code"), *nested], outputs=nested
        ),
        "end": running.task("cat work/a work/b; ls -1A work", inputs=row("work")),
    }
    build = run(running, files, task("begin"), task("go-on"), task("end"))
    assert [ran.said.split() for ran in build.tasks] == [[], ["1"], ["1", "2", "a", "b"]]


def test_outer_output_has_an_empty_folder_for_an_inner_one_and_nothing_is_linked_between(
    running: Small,
) -> None:
    both: Any = [*row("code"), {"name": "work", "path": "code/deep"}]
    move = "touch code/deep/a; ln code/deep/a code/b 2>&1 | grep -o cross-device"
    files = {
        "make": running.task(move, inputs=row("code"), outputs=both),
        "look": running.task("ls -1A code/deep; ls -1A work", inputs=row("code", "work")),
    }
    build = run(running, files, task("make"), task("look"))
    assert [ran.said.split() for ran in build.tasks] == [["cross-device"], ["a"]]


def test_mappings_rename_what_goes_in_and_out(running: Small) -> None:
    files = {
        "make": running.task("cp source/a made/a", inputs=row("source"), outputs=row("made")),
        "take": running.task("cat given/a", inputs=row("given")),
        "a": "through\n",
    }
    made = task("make", input_mapping={"source": "code"}, output_mapping={"made": "renamed"})
    build = run(running, files, made, task("take", input_mapping={"given": "renamed"}))
    assert build.tasks[1].said.split() == ["through"]


def test_missing_input_is_an_error_before_anything_runs_and_an_optional_one_may_lack(running: Small) -> None:
    optional = [*row("code"), *row("logs", optional=True)]
    files = {
        "told": running.task("ls -1A", inputs=optional),
        "lacking": running.task("echo ran", inputs=row("nothing")),
    }
    failed = {"on_failure": task("told"), "ensure": task("told")}
    build = run(running, files, task("told"), task("lacking"), **failed)
    assert build.status == "errored"
    assert "missing inputs: nothing" in build.output
    assert [(ran.name, ran.said.split()) for ran in build.tasks] == [("told", ["code"])] * 2  # ensure's alone


def test_variables_come_from_image_task_step_and_credentials(running: Small) -> None:
    import docker

    client = docker.from_env()
    base = running.resources["image"]["source"]
    container = client.containers.create(f"{base['repository']}:{base['tag']}", "true")
    try:
        changes = ["ENV BAKED=of-the-image", "ENTRYPOINT false", "WORKDIR /usr"]
        container.commit("played.example/other", "1", changes=changes)
    finally:
        container.remove()
    running.resources["image"]["source"] = {"repository": "played.example/other", "tag": "1"}
    running.player.credentials = {"key": "of-the-manager", "nested": {"one": 1}}
    params = {"EMPTY": None, "OWN": "file", "OVER": "file", "TEXT": "", "KEY": None, "MANY": None}
    over = {"OVER": "((nested.one))", "KEY": "((key))", "MANY": ["a", True], "TEXT": True}
    files = {"show": running.task("env | sort; pwd", params=params)}
    try:
        build = run(running, files, task("show", params=over))
    finally:
        client.images.remove("played.example/other:1")
    said = dict(line.split("=", 1) for line in build.output.splitlines() if "=" in line)
    wanted = {"BAKED": "of-the-image", "EMPTY": "", "OWN": "file", "OVER": "1", "TEXT": "true"}
    wanted |= {"KEY": "of-the-manager", "MANY": '["a",true]'}
    assert {key: said.get(key) for key in wanted} == wanted
    running.player.credentials = {}
    build = running.player.trigger("job")
    assert (build.status, build.tasks) == ("errored", [])
    assert "undefined vars: key, nested.one" in build.output


def test_cache_is_kept_for_the_same_task_of_the_same_job(running: Small) -> None:
    count = running.task("echo >>code/kept/file; wc -l <code/kept/file", caches=[{"path": "code/kept"}])
    build = run(running, {"count": count, "again": count}, task("count"), task("again"))
    assert [ran.said.split() for ran in build.tasks] == [["1"], ["1"]]
    build = running.player.trigger("job")
    assert [ran.said.split() for ran in build.tasks] == [["2"], ["2"]]


def test_task_that_takes_too_long_is_told_to_stop_and_has_failed(running: Small) -> None:
    script = "trap 'echo told; exit 0' TERM; echo began; sleep 60 & wait"
    files = {"hang": running.task(script), "tell": running.task("echo hook")}
    build = run(running, files, task("hang", timeout="1s", on_failure=task("tell")))
    assert build.status == "failed"
    assert build.output.split()[:5] == ["began", "told", "timeout", "exceeded", "hook"]
    assert build.tasks[0].code is None
    assert build.tasks[0].seconds < 30


def test_privileged_task_can_do_what_another_one_cannot(running: Small) -> None:
    files = {"able": running.task("grep CapEff /proc/self/status")}
    build = run(running, files, task("able", privileged=True), task("able"))
    sys_admin = [int(ran.said.split()[1], 16) >> 21 & 1 for ran in build.tasks]
    assert sys_admin == [1, 0]


def test_task_runs_where_dir_says(running: Small) -> None:
    files = {"show": running.task("pwd; cat a", inputs=row("code"), run={"dir": "code"}), "a": "there\n"}
    said = run(running, files, task("show")).tasks[0].said
    assert re.fullmatch(rf"{tasks.WORK}/\w+/code\nthere\n", said)


def test_terminal_is_there_but_nobody_answers_at_it(running: Small) -> None:
    build = run(
        running, {"ask": running.task("test -t 1; read answer; echo answered")}, task("ask", timeout="2s")
    )
    assert build.status == "failed"
    assert "answered" not in build.output


def test_struck_task_is_killed_at_once(running: Small) -> None:
    running.player.strike = lambda name: name == "hang"
    build = run(running, {"hang": running.task("trap '' TERM; sleep 60")}, task("hang"))
    assert (build.status, build.tasks[0].code) == ("failed", 137)


def test_unknown_key_of_a_task_file_is_refused(running: Small) -> None:
    with pytest.raises(RefusedError, match="code/typed: unknown key ouputs"):
        run(running, {"typed": running.task("true", ouputs=[])}, task("typed"))


def test_task_without_a_file_or_an_image_is_an_error(running: Small) -> None:
    build = run(running, {"a": "1"}, task("gone"))
    assert "task config 'code/gone' not found" in build.output
    running.set(job=[*GETS, {"task": "a", "file": "code/a"}])
    running.push({"a": json.dumps({"platform": "linux", "run": {"path": "true"}})})
    build = running.only()
    assert "no image is given for the task" in build.output
    assert build.status == "errored"
