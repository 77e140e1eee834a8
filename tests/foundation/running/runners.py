"""What tests of instances in real containers share."""

from collections.abc import Callable

from foundation.model.running import InstanceStatus
from foundation.running.runner import ContainerRunner
from tests.foundation.engine_fixtures import until

MakeRunner = Callable[..., ContainerRunner]


def only(runner: ContainerRunner, process_guid: str) -> InstanceStatus:
    (status,) = runner.instances(process_guid)
    return status


def reaches(runner: ContainerRunner, process_guid: str, state: str) -> InstanceStatus:
    until(lambda: only(runner, process_guid).state == state)
    return only(runner, process_guid)
