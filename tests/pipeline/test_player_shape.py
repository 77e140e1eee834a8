"""What the player refuses, as fly does or because it is not played, and how variables are filled in."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from tests.pipeline.player import reading, shape, tasks, variables
from tests.pipeline.player.errors import RefusedError, StepError
from tests.pipeline.player.player import configure

GOOD: dict[str, Any] = {
    "groups": [{"name": "all", "jobs": ["one", "two"]}],
    "resources": [{"name": "code", "type": "git", "source": {"uri": "u", "branch": "main"}}],
    "jobs": [
        {
            "name": "one",
            "plan": [{"get": "code", "timeout": "1m"}, {"task": "t", "file": "code/t", "image": "i"}],
        },
        {"name": "two", "plan": [{"in_parallel": [{"get": "code", "passed": ["one"]}]}]},
    ],
}


def test_good_pipeline_is_taken() -> None:
    assert configure(yaml.safe_dump(GOOD), "{}") == GOOD


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("resource_types",), [], "the pipeline: unknown key resource_types"),
        (("resources", 0, "public"), True, "resource code: unknown key public"),
        (("resources", 0, "type"), "time", "unknown type 'time'"),
        (("resources", 0, "source", "depth"), 1, "resource code, source: unknown key depth"),
        (("resources", 0, "name"), "other", "resource 'code' is unknown"),
        (("jobs", 0, "max_in_flight"), 1, "job one: unknown key max_in_flight"),
        (("jobs", 0, "serial"), "yes please", "job one: serial is 'yes please'"),
        (("jobs", 0, "plan", 0, "trigers"), True, "job one, get code: unknown key trigers"),
        (("jobs", 0, "plan", 0, "trigger"), "((undefined))", "job one, get code: trigger is"),
        (("jobs", 0, "plan", 0, "timeout"), "5 minutes", "'5 minutes' is no duration"),
        (("jobs", 0, "plan", 0, "attempts"), "3", "attempts is '3'"),
        (("jobs", 0, "plan", 1, "fail_fast"), True, "task t: unknown key fail_fast"),
        (("jobs", 0, "plan", 1, "config"), {}, "task t: unknown key config"),
        (("jobs", 0, "plan", 1, "put"), "code", "a step is one of .* not put, task"),
        (("jobs", 0, "plan", 1), {"load_var": "v"}, "a step is one of .* not load_var"),
        (("jobs", 0, "plan", 1, "on_failure"), {"task": "h", "fil": "x"}, "task h: unknown key fil"),
        (("jobs", 0, "ensure"), {"do": [{"get": "gone"}]}, "resource 'gone' is unknown"),
        (("jobs", 1, "plan", 0, "in_parallel"), {"steps": [], "fail": 1}, "in_parallel: unknown key fail"),
        (
            ("jobs", 1, "plan", 0, "in_parallel", 0, "passed"),
            ["two-"],
            "'two-' does not interact with 'code'",
        ),
        (("jobs", 1, "name"), "Two words", "job: 'Two words' is not a valid identifier"),
        (("jobs", 0, "plan", 1, "task"), "t-((.:v))", r"'t-\(\(.:v\)\)' is not a valid identifier"),
        (("jobs", 1, "name"), "one", "a name is there twice"),
        (("groups", 0, "jobs"), ["one"], "in groups, or unknown: two"),
        (("groups", 0, "jobs"), ["one", "two", "three"], "in groups, or unknown: three"),
    ],
)
def test_mistake_is_refused(path: tuple[Any, ...], value: Any, said: str) -> None:
    mistaken = deepcopy(GOOD)
    node: Any = mistaken
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    with pytest.raises(RefusedError, match=said):
        shape.check(mistaken)


def test_resource_that_no_job_uses_is_refused() -> None:
    more = {"name": "more", "type": "git", "source": {}}
    with pytest.raises(RefusedError, match="resource 'more' is not used"):
        shape.check({**GOOD, "resources": [*GOOD["resources"], more]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {b: 1, b: 2}", "the key 'b' is there twice"),
        ("a: &a {b: 1}\nc: {b: 2, <<: *a}", "a merge key is not the first one of its map"),
        ("a: {<<: {b: 1}, <<: {c: 1}}", "the key '<<' is there twice"),
        ("a: [", "it is no YAML"),
    ],
)
def test_file_that_libraries_read_differently_is_refused(text: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        reading.load(text)


def test_merge_key_brings_what_the_map_does_not_have() -> None:
    assert reading.load("a: &a {b: 1, c: 1}\nd: {<<: *a, b: 2}")["d"] == {"b": 2, "c": 1}


def test_variable_alone_keeps_its_type_and_in_a_text_it_is_text() -> None:
    values = {"a": {"list": [1], "yes": True, "null": None, "text": "t"}, "n": 3}
    node = ["((a.list))", "((a.yes))", "((a.null))", "x-((a.text))-((n))", {"((a.text))": "((missing))"}]
    assert variables.fill(node, values) == [[1], True, None, "x-t-3", {"t": "((missing))"}]


def test_variable_in_a_value_is_text_until_a_step_runs() -> None:
    filled = variables.fill({"key": "((s3.key))"}, {"s3": {"key": "((secret))"}})
    assert filled == {"key": "((secret))"}
    assert variables.fill_all(filled, {"secret": "((other))"}, {}) == {"key": "((other))"}


def test_local_variable_is_found_in_its_scope_alone() -> None:
    assert variables.fill("((.:stack))", {"stack": "wrong"}) == "((.:stack))"
    assert variables.fill_all("((.:stack))-((stack))", {"stack": "c"}, {"stack": "l"}) == "l-c"
    with pytest.raises(StepError, match=r"undefined vars: \.:stack, b"):
        variables.fill_all(["((.:stack))", "((b))"], {"stack": "x"}, {})


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("((a.c))", "missing field 'c' in var: a.c"),
        ("((a.b.c))", "missing field 'c' in var: a.b.c"),
        ("x((a.b))", "cannot interpolate None into a longer text"),
        ("((vault:a))", "asks for a var_source"),
    ],
)
def test_variable_that_fly_would_not_fill_is_refused(node: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        variables.fill(node, {"a": {"b": None}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{run: {path: x}}", "missing 'platform'"),
        ("{platform: linux, run: {path: x, user: root}}", "t, run: unknown key user"),
        ("{platform: linux, image_resource: {}, run: {path: x}}", "t: unknown key image_resource"),
        ("{platform: linux, inputs: [{nam: x}], run: {path: x}}", "t, inputs: unknown key nam"),
        ("{platform: linux, inputs: [{name: x, optional: 1}], run: {path: x}}", "optional is 1"),
        ("{platform: linux, caches: [{path: x, ttl: 1h}], run: {path: x}}", "t, caches: unknown key ttl"),
    ],
)
def test_mistake_in_a_task_file_is_refused(text: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        tasks.load(text, "t")
