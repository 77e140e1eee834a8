"""What tests of instances share: runners that no test leaves behind, and how their instances are."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from foundation.engine.engine import Engine
from foundation.model.running import InstanceStatus
from foundation.running.restarts import Restarts
from foundation.running.runner import ContainerRunner
from tests.foundation.engine_fixtures import until

MakeRunner = Callable[..., ContainerRunner]
NEVER_AGAIN = Restarts(at_once=1, first_pause_s=3600, longest_pause_s=3600)


@contextmanager
def making(
    engine: Callable[[], Engine], images: Mapping[str, str], programs: Path, state: Path
) -> Iterator[MakeRunner]:
    """Yield what makes runners; all of them have let go at the end."""
    made: list[ContainerRunner] = []

    def make(restarts: Restarts = NEVER_AGAIN) -> ContainerRunner:
        runner = ContainerRunner(
            engine=engine(),
            images=images,
            programs=programs,
            state=state,
            on_change=lambda: None,
            restarts=restarts,
        )
        made.append(runner)
        return runner

    yield make
    for runner in made:
        runner.close(0)


def only(runner: ContainerRunner, process_guid: str) -> InstanceStatus:
    (status,) = runner.instances(process_guid)
    return status


def reaches(runner: ContainerRunner, process_guid: str, state: str) -> InstanceStatus:
    until(lambda: only(runner, process_guid).state == state)
    return only(runner, process_guid)
