"""Stacks accepted one by one: each keeps its part, the last one makes the whole report."""

import hashlib
from dataclasses import replace

import pytest

from releaser import acceptance, candidate, version
from releaser.errors import ConfigError, NotAcceptedError
from releaser.model import Release, encode
from releaser.sections import Config
from releaser.steps import accept, promote
from tests.releaser import toy
from tests.releaser.toy import Stage

pytestmark = pytest.mark.slow

ONE, TWO = "cflinuxfs4", "cflinuxfs5"


@pytest.fixture
def two(stage: Stage) -> Stage:
    """A packaged candidate for two stacks."""
    settings = toy.settings().replace(f"stacks: [{ONE}]", f"stacks: [{ONE}, {TWO}]")
    source = stage.push_main("feat: a second stack", {"sidecar.yml": settings})
    stage.world.repository.fetch()
    config = Config.model_validate({**stage.world.config.model_dump(), "stacks": [ONE, TWO]})
    world = replace(stage.world, config=config)
    both = replace(stage, world=world, release=Release(version.facts(world, "0.2.0", source), world))
    both.upto("package")
    return both


def of(stage: Stage, stack: str) -> Stage:
    """Return the same release, to be accepted on one stack."""
    return replace(stage, release=replace(stage.release, stack=stack))


def test_first_stack_keeps_its_part_and_the_release_is_not_accepted_yet(two: Stage) -> None:
    of(two, ONE).do("accept")
    part = acceptance.of_stack(two.release, ONE)
    assert part is not None
    assert set(part["stacks"]) == {ONE}
    assert {row.rpartition("/")[2] for test in part["tests"] for row in test["rows"]} == {ONE}
    assert acceptance.passed(two.release) is None
    with pytest.raises(NotAcceptedError, match=r"0\.2\.0 is not accepted"):
        promote.run(two.release)


def test_last_stack_makes_the_whole_report_and_promote_takes_it(two: Stage) -> None:
    of(two, TWO).do("accept")
    of(two, ONE).do("accept")
    whole, ready = acceptance.passed(two.release), candidate.ready(two.release)
    assert whole is not None
    assert ready is not None
    assert set(whole["stacks"]) == {ONE, TWO}
    assert whole["digests"] == {one.name: one.digest for one in ready.zips}
    assert len(whole["tests"]) == 6
    two.do("accept", "promote")


def test_stack_that_is_accepted_runs_nothing_again(two: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    of(two, ONE).do("accept")
    two.set_mode("crash")
    of(two, ONE).do("accept")
    assert f"already done: 3 tests on embedded ({ONE}: stand-in)" in capsys.readouterr().out


def test_whole_report_that_a_kill_left_out_is_made_of_the_parts_alone(two: Stage) -> None:
    of(two, ONE).do("accept")
    of(two, TWO).do("accept")
    whole = acceptance.passed(two.release)
    two.delete(two.release.acceptance_key)
    two.set_mode("crash")
    of(two, TWO).do("accept")
    assert acceptance.passed(two.release) == whole


def test_rejected_stack_leaves_no_part(two: Stage) -> None:
    two.set_mode("reject")
    with pytest.raises(NotAcceptedError):
        of(two, ONE).do("accept")
    assert acceptance.of_stack(two.release, ONE) is None


def test_part_without_its_stack_or_of_other_zips_is_refused(two: Stage) -> None:
    of(two, ONE).do("accept")
    part = acceptance.of_stack(two.release, ONE)
    assert part is not None
    other = dict.fromkeys(part["digests"], "ab" * 32)
    changes: list[dict[str, object]] = [{"stacks": {}, "digests": {}}, {"digests": other}]
    for changed in changes:
        content = encode({**part, **changed})
        two.overwrite(two.release.stack_key(ONE), content, hashlib.sha256(content).hexdigest())
        with pytest.raises(NotAcceptedError, match="is of other zips") as caught:
            accept.find(of(two, ONE).release)
        assert two.release.stack_key(ONE) in caught.value.remedy


def test_stack_that_the_source_does_not_name_is_refused(two: Stage) -> None:
    with pytest.raises(ConfigError, match="there is no stack 'windows'") as caught:
        of(two, "windows").do("accept")
    assert caught.value.remedy == f"It names: {ONE}, {TWO}."
