"""A foundation in this process for the API's tests: small real implementations of the model's seams."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from foundation.app import make
from foundation.model.logs import LogLine, LogSink
from foundation.model.routing import Route
from foundation.model.running import InstanceStatus, ProcessSpec
from foundation.model.staging import Stager, StagingRequest, StagingResult
from foundation.settings import Settings, StackSetting
from foundation.world import World, assemble
from tests.foundation.api.talk import Talk

API = "http://testserver"


def line(text: str, source: str = "STG", at: int | None = None) -> LogLine:
    """Return a log line of now, or of a given nanosecond."""
    return LogLine(
        timestamp_ns=at or time.time_ns(), source_type=source, instance_id="0", stream="OUT", text=text
    )


class FileStager:
    """Stages by writing a file: the outcome is what the test has set."""

    def __init__(self) -> None:
        self.requests: list[StagingRequest] = []
        self.exit_code = 0
        self.timed_out = False
        self.result: dict[str, Any] = {"process_types": {"web": "./run"}}
        self.before: Callable[[], object] = lambda: None
        self.chatter: Sequence[str] = ()
        self.cancelled: list[str] = []

    def stage(self, request: StagingRequest, log: LogSink) -> StagingResult:
        self.requests.append(request)
        log(line("-----> Staging"))
        self.before()
        for text in self.chatter:
            log(line(text))
        log(line("Exit status"))
        if self.exit_code or self.timed_out:
            return StagingResult(
                exit_code=self.exit_code, timed_out=self.timed_out, result=None, droplet_sha256=None
            )
        request.droplet.write_bytes(b"droplet")
        keys = [{"key": pack.key, "name": "in-config-yml", "version": "1.0"} for pack in request.buildpacks]
        metadata = {"buildpacks": keys, "detected_buildpack": "in-config-yml"}
        return StagingResult(
            exit_code=0,
            timed_out=False,
            result={"lifecycle_metadata": metadata, **self.result},
            droplet_sha256=hashlib.sha256(b"droplet").hexdigest(),
        )

    def cancel(self, build_guid: str) -> None:
        self.cancelled.append(build_guid)

    def close(self) -> None:
        self.closed = True


class TableRunner:
    """Runs by remembering: every instance is RUNNING at once at 10.0.0.(index + 1)."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.changed = changed
        self.specs: dict[str, ProcessSpec] = {}
        self.stopped: list[str] = []
        self.restarted: list[tuple[str, int]] = []
        self.state: dict[int, Any] = {}

    def run(self, spec: ProcessSpec, log: LogSink) -> None:
        self.specs[spec.process_guid] = spec
        log(line("Invoking start command.", f"APP/PROC/{spec.type.upper()}"))
        self.changed()

    def stop(self, process_guid: str) -> None:
        self.stopped.append(process_guid)
        self.specs.pop(process_guid, None)

    def settle(self) -> None:
        self.settled = set(self.specs)

    def close(self) -> None:
        self.closed = True

    def restart_instance(self, process_guid: str, index: int) -> None:
        self.restarted.append((process_guid, index))

    def instances(self, process_guid: str, *, usage: bool = False) -> Sequence[InstanceStatus]:
        spec = self.specs.get(process_guid)
        return [
            InstanceStatus(
                index=index,
                guid=f"{process_guid}-{index}",
                state=self.state.get(index, "RUNNING"),
                since=time.time() - 5,
                address=f"10.0.0.{index + 1}",
                ports=spec.ports if spec else (),
                usage={"cpu": 0.5, "mem": 1000.0, "disk": 2000.0} if usage else {},
            )
            for index in range(spec.instances if spec else 0)
        ]


class TableRouter:
    """Keeps the table."""

    def __init__(self) -> None:
        self.routes: Sequence[Route] = ()

    def swap(self, routes: Sequence[Route]) -> None:
        self.routes = routes

    def backends(self) -> Mapping[str, Sequence[str]]:
        return {
            route.host + route.path: [backend.address for backend in route.backends] for route in self.routes
        }


class Stand(Talk):
    """A foundation, a client that is logged in, and the seams to look at."""

    def __init__(
        self,
        state: Path,
        *,
        api: str = API,
        upload_limit: int = 4 << 20,
        stager: Stager | None = None,
        **more: Any,
    ) -> None:
        self.stager = FileStager()
        self.router = TableRouter()
        stacks = [
            StackSetting(name="cflinuxfs4", kind="stand-in", description="A stand-in"),
            StackSetting(name="other", kind="official", description="The official one"),
        ]
        settings = Settings(
            state=state,
            api=api,
            router="http://127.0.0.1:8081",
            domain="apps.test",
            stacks=stacks,
            upload_limit=upload_limit,
            **more,
        )
        self.world: World = assemble(settings, stager or self.stager, TableRunner, self.router)
        runner = self.world.desired.runner
        assert isinstance(runner, TableRunner)
        self.runner = runner
        self.app = make(self.world)
        super().__init__(TestClient(self.app, raise_server_exceptions=False))
        self.token()

    def token(self) -> dict[str, Any]:
        """Return a new token document."""
        return self.log_in(self.world.auth.password)


@contextmanager
def running(state: Path, **more: Any) -> Iterator[Stand]:
    """Return a foundation and close it afterwards."""
    stand = Stand(state, **more)
    try:
        yield stand
    finally:
        stand.http.close()
        stand.world.close()
