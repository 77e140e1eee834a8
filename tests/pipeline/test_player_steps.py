"""How a job's steps follow each other, and what they leave to each other, as Concourse does it."""

from typing import Any

import pytest

from faults import store
from faults.store import Server
from tests.pipeline.small import GETS, Small, get, row, run, task

pytestmark = [pytest.mark.engine]


def test_attempts_are_made_until_one_succeeds(running: Small) -> None:
    """The output of a failed attempt is there for the next one, as for a hook."""
    script = "ls -1A seen; touch seen/one; test -e seen/two || { mv seen/one seen/two; exit 3; }"
    files = {"try": running.task(script, inputs=row("seen", optional=True), outputs=row("seen"))}
    build = run(running, files, task("try", attempts=4))
    assert [ran.code for ran in build.tasks] == [3, 0]
    assert build.status == "succeeded"
    running.push({"try": running.task("exit 3")})
    build = running.only()
    assert [ran.code for ran in build.tasks] == [3, 3, 3, 3]
    assert build.status == "failed"


def test_hooks_run_for_what_they_are_for_and_see_what_a_failed_task_left(running: Small) -> None:
    files = {
        "fail": running.task("echo why >logs/a; exit 1", outputs=row("logs")),
        "work": running.task("true"),
        "see": running.task("cat logs/a || true", inputs=row("logs", optional=True)),
        "never": running.task("true"),
    }
    good = task("work", on_success=task("see"), on_failure=task("never"), ensure=task("see"))
    build = run(
        running, files, good, {"try": task("fail", on_failure=task("see"))}, task("fail"), ensure=task("work")
    )
    assert [ran.name for ran in build.tasks] == ["work", *("see", "see"), *("fail", "see"), "fail", "work"]
    assert build.tasks[4].said.split() == ["why"]
    assert build.status == "failed"


def test_parallel_steps_see_nothing_of_each_other_and_all_of_them_run(running: Small) -> None:
    files = {
        "make": running.task("exit 1", outputs=row("made")),
        "look": running.task("ls -1A", inputs=row("made", optional=True)),
    }
    both = [task("make"), task("look")]
    build = run(running, files, {"in_parallel": both}, ensure=task("look"))
    assert [ran.said.split() for ran in build.tasks] == [[], [], ["made"]]
    assert build.status == "failed"
    running.set(job=[*GETS, {"in_parallel": {"steps": both, "fail_fast": True}}])
    assert [ran.name for ran in running.player.trigger("job").tasks] == ["make"]


def test_across_runs_each_value_in_a_scope_of_its_own(running: Small) -> None:
    """As fly reads it, a hook beside `across` is around it: it sees no artifact of what is in it."""
    script = 'echo "$ONE"; ls -1A; test "$ONE" != b'
    look = running.task("ls -1A", inputs=row("made", optional=True))
    made: Any = {"inputs": row("made", optional=True), "outputs": row("made"), "params": {"ONE": ""}}
    files = {"each": running.task(script, **made), "look": look}
    within = task("each", params={"ONE": "((.:one))"}, on_failure=task("look"))
    around = [{"var": "one", "values": ["a", "b", "c"]}]
    build = run(
        running,
        files,
        {"across": around, "do": [within]},
        on_failure=task("look"),
    )
    said = [(ran.name, ran.code, ran.said.split()) for ran in build.tasks]
    each = [("each", 0, ["a", "made"]), ("each", 1, ["b", "made"]), ("look", 0, ["made"])]
    assert said == [*each, ("each", 0, ["c", "made"]), ("look", 0, [])]
    beside = {"across": around, "fail_fast": True, **within, "task": "each-((.:one))"}
    running.set(job=[*GETS, beside])
    ran = [(one.name, one.said.split()) for one in running.player.trigger("job").tasks]
    assert ran == [("each-a", ["a", "made"]), ("each-b", ["b", "made"]), ("look", [])]


def test_put_sends_the_one_file_that_matches_and_makes_a_version(running: Small, bucket: Server) -> None:
    source = running.s3(bucket, regexp="put/([0-9]+)-[a-f]+/ready.json")
    running.resources["made"] = source
    make = running.task("mkdir out/7-abc; echo '{}' >out/7-abc/ready.json", outputs=row("out"))
    running.push(
        {"make": make, "show": running.task("cat made/url made/version; ls -1 made", inputs=row("made"))}
    )
    params = {
        "from": "out/([0-9]+-[a-f]+)/ready.json",
        "to": "put/$1/ready.json",
        "content_type": "application/json",
    }
    put = {"put": "made", "no_get": True, "inputs": ["out"], "params": params}
    running.set(
        up=[*GETS, task("make"), put],
        down=[*({**one, "passed": ["up"]} for one in (*GETS, get("made"))), task("show")],
    )
    up, down = running.player.play()
    assert down.inputs["made"] == {"path": "put/7-abc/ready.json"}
    url = f"{bucket.endpoint}/{store.BUCKET}/put/7-abc/ready.json7ready.json"
    assert "".join(down.tasks[0].said.split()) == f"{url}s3_uriurlversion"
    assert (
        bucket.client.get_object(Bucket=store.BUCKET, Key="put/7-abc/ready.json")["ContentType"]
        == "application/json"
    )
    assert up.status == down.status == "succeeded"
    running.push(
        {
            "make": running.task(
                "mkdir out/8-abc out/9-abc; touch out/8-abc/ready.json out/9-abc/ready.json",
                outputs=row("out"),
            )
        }
    )
    assert running.played() == ["up failed"]
    assert "more than one match found" in running.player.history.builds[-1].output


def test_image_that_is_not_there_yet_leaves_the_build_pending(running: Small) -> None:
    running.resources["image"]["source"] = {"repository": "played.example/none", "tag": "1"}
    running.push({"a": "1"})
    running.set(job=GETS)
    assert running.played() == []
    assert running.player.waiting() == {"job": ["image"]}
