"""What should run: started processes are handed to the runner, and routes x running instances to the router.

Everything that talks to the runner or the router happens on one thread of its own, never on the store's: a
runner may wait for its log lines to be written.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import MappingProxyType

from foundation import table
from foundation.logs import Logs
from foundation.model.routing import Router
from foundation.model.running import ProcessSpec, Runner
from foundation.rows.apps import App
from foundation.started import wanted
from foundation.store import Store

log = logging.getLogger(__name__)

NOTHING: Mapping[str, int] = MappingProxyType({})
# Given what to call when an instance changes its state.
MakeRunner = Callable[[Callable[[], None]], Runner]


class Desired:
    """Brings runner and router to what the store says."""

    def __init__(self, store: Store, logs: Logs, make_runner: MakeRunner, router: Router) -> None:
        self._store = store
        self._logs = logs
        self._router = router
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desired")
        self._handed: dict[str, Mapping[str, ProcessSpec]] = {}  # by app: what the runner has, by process
        self.runner = make_runner(self.instances_changed)

    def resume(self) -> None:
        """Hand every started process to the runner again, which takes over what lives."""
        for app in self._store.call(lambda db: db.find(App)):
            self._thread.submit(self._hand_over, app.guid).result()
        self.runner.settle()
        self._thread.submit(self._swap).result()

    async def converge(self, app_guid: str) -> None:
        """Bring the runner to what is written down for an app, then the router."""
        await asyncio.wrap_future(self._thread.submit(self._hand_over, app_guid))
        await self.route()

    async def route(self) -> None:
        """Give the router its table."""
        await asyncio.wrap_future(self._thread.submit(self._swap))

    def instances_changed(self) -> None:
        """Give the router its table soon: the runner calls this when an instance changes its state."""
        self._thread.submit(self._swap).add_done_callback(_report)

    def close(self) -> None:
        """Let go of the runner and finish what is queued."""
        self.runner.close()
        self._thread.shutdown()

    def _hand_over(self, app_guid: str) -> None:
        """Bring the runner to what is wanted of an app; no request is sent to what is about to be stopped."""
        specs = {spec.process_guid: spec for spec in self._store.call(lambda db: wanted(db, app_guid))}
        before = self._handed.get(app_guid, {})
        if before:
            self._swap(_staying(before, specs))
        for spec in specs.values():
            self.runner.run(spec, self._logs.sink(app_guid))
        for process_guid in before.keys() - specs.keys():
            self.runner.stop(process_guid)
        self._handed[app_guid] = specs

    def _swap(self, staying: Mapping[str, int] = NOTHING) -> None:
        addresses = self._store.call(table.addresses)
        self._router.swap(table.filled(addresses, self.runner, staying))


def _staying(before: Mapping[str, ProcessSpec], after: Mapping[str, ProcessSpec]) -> dict[str, int]:
    """Return how many of the instances that a process has now it keeps, the first ones."""
    return {
        guid: after[guid].instances if guid in after and after[guid].version == spec.version else 0
        for guid, spec in before.items()
    }


def _report(swapped: "Future[None]") -> None:
    error = swapped.exception()
    if error:
        log.error("The router could not be given its table: %s", error, exc_info=error)
