"""The claim on a version: of any number of sources that want it at once, exactly one gets it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace

import pytest

from releaser import claim, train
from releaser.errors import TakenError
from releaser.model import Release
from releaser.tools.s3 import Store
from tests.releaser.toy import Stage, git

pytestmark = pytest.mark.slow


def of_source(stage: Stage, source: str) -> Release:
    return replace(stage.release, facts=replace(stage.release.facts, source=source))


@pytest.mark.parametrize("count", [2, 10])
def test_of_sources_that_claim_a_version_at_once_exactly_one_wins(stage: Stage, count: int) -> None:
    rivals = [of_source(stage, f"{number:040x}") for number in range(count)]

    def take(release: Release) -> str | None:
        try:
            claim.take(release)
        except TakenError:
            return None
        return release.facts.source

    with ThreadPoolExecutor(count) as pool:
        winners = [one for one in pool.map(take, rivals) if one]
    assert len(winners) == 1
    assert claim.owner(stage.world, stage.release.version) == winners[0]
    assert [claim.is_taken(one) for one in rivals] == [one.facts.source == winners[0] for one in rivals]


def test_claim_done_twice_is_a_no_op(stage: Stage) -> None:
    claim.take(stage.release)
    keys = stage.objects()
    claim.take(stage.release)
    assert stage.objects() == keys


def test_late_claim_names_who_was_faster_and_what_to_do(stage: Stage) -> None:
    claim.take(of_source(stage, "ab" * 20))
    with pytest.raises(TakenError, match=r"0\.1\.0 was taken by abababababab") as caught:
        stage.do("upload")
    assert "Run the same command again" in caught.value.remedy
    assert list(stage.objects()) == [stage.release.claim_key]


@dataclass(frozen=True)
class Forgetful(Store):
    """A store whose next reads do not show yet what was put a moment ago."""

    forgets: list[str] = field(default_factory=list)

    def read(self, key: str) -> bytes | None:
        if key in self.forgets:
            self.forgets.remove(key)
            return None
        return super().read(key)


def forgetful(stage: Stage) -> Forgetful:
    """Return the world's store, which forgets the claim once."""
    same = {one.name: getattr(stage.store, one.name) for one in fields(stage.store)}
    return Forgetful(**same, forgets=[stage.release.claim_key])


@pytest.mark.train
def test_run_that_finds_its_version_taken_at_the_last_moment_takes_the_next(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    claim.take(of_source(stage, "ab" * 20))
    store = forgetful(stage)
    train.run(replace(stage.world, store=store), stage.here, None)
    said = capsys.readouterr().out
    assert "0.1.0 was taken by abababababab" in said
    assert "Released toy 0.1.1" in said
    assert {name for name in stage.refs() if "tags" in name} == {"refs/tags/v0.1.1"}
    assert git(stage.remote, "show", "main:buildpack/VERSION") == "0.1.1"


def test_version_that_was_asked_for_and_is_taken_is_not_replaced_by_another(stage: Stage) -> None:
    claim.take(of_source(stage, "ab" * 20))
    store = forgetful(stage)
    with pytest.raises(TakenError):
        train.run(replace(stage.world, store=store), stage.here, "0.1.0")
