"""Access lines from a real router into the apps' logs: each one exactly once."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from foundation import accesses
from foundation.accesses import Accesses
from foundation.logs import Logs
from foundation.model.logs import LogLine
from foundation.model.routing import Backend, Route
from foundation.router_socket import RouterConnection
from foundation.routing import RouterProcess
from foundation.rows.apps import App
from foundation.store import Db, Store
from tests.foundation.engine_fixtures import until

NOBODY = "127.0.0.1:1"
Follow = Callable[[], Accesses]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "foundation.db")
    for guid in ("one", "two"):
        store.submit(
            partial(Db.insert, row=App(guid=guid, name=guid, space_guid="space", stack="cflinuxfs4"))
        )
    yield store
    store.close()


@pytest.fixture
def router(router: RouterProcess) -> RouterProcess:
    """Return a router that sends one.test and two.test to an instance which is not there."""
    router.swap([Route(host=f"{app}.test", path="", backends=[nobody(app)]) for app in ("one", "two")])
    return router


@pytest.fixture
def follow(router: RouterProcess, store: Store, tmp_path: Path) -> Iterator[Follow]:
    """Return what begins to follow the router, as a server does at its start."""
    begun: list[Accesses] = []

    def make() -> Accesses:
        found = Accesses(tmp_path / "router", store, Logs(store))
        found.start()
        begun.append(found)
        return found

    yield make
    for each in begun:
        each.close()


def nobody(app: str) -> Backend:
    return Backend(
        address=NOBODY, app_guid=app, process_guid=app, process_type="web", index=3, instance_guid="i"
    )


def ask(router: RouterProcess, app: str, path: str) -> None:
    assert httpx.get(f"http://{router.address}{path}", headers={"Host": f"{app}.test"}).status_code == 502


def paths(store: Store, app: str) -> list[str]:
    """Return the paths of an app's access lines in the order of their time."""

    def read(db: Db) -> list[str]:
        statement = "SELECT text FROM lines WHERE app_guid = ? ORDER BY timestamp"
        return [text.split()[4] for (text,) in db.connection.execute(statement, (app,))]

    return store.call(read)


def test_each_app_has_the_lines_of_its_requests(router: RouterProcess, follow: Follow, store: Store) -> None:
    follow()
    before = time.time_ns()
    for app, path in (("one", "/a"), ("two", "/b"), ("one", "/c")):
        ask(router, app, path)
    until(lambda: paths(store, "one") == ["/a", "/c"] and paths(store, "two") == ["/b"])
    (row, _) = store.call(
        lambda db: db.connection.execute("SELECT * FROM lines WHERE app_guid = 'one'").fetchall()
    )
    assert before <= row[1] <= time.time_ns()
    assert row[2:5] == ("RTR", "0", "OUT")
    assert row[5].startswith("one.test - [")
    assert ' app_id:"one" app_index:"3" instance_id:"i" x_cf_routererror:"endpoint_failure (dial' in row[5]


def test_lines_of_a_time_without_a_server_come_later(
    router: RouterProcess, follow: Follow, store: Store
) -> None:
    follow().close()
    wanted = [f"/{number}" for number in range(510)]  # more than the router gives in one answer
    with httpx.Client(headers={"Host": "one.test"}) as client:
        for path in wanted:
            client.get(f"http://{router.address}{path}")
    follow()
    until(lambda: len(paths(store, "one")) >= len(wanted))
    assert paths(store, "one") == wanted


def test_lines_that_a_killed_server_had_stored_do_not_come_twice(
    router: RouterProcess, follow: Follow, store: Store, tmp_path: Path
) -> None:
    for app, path in (("one", "/a"), ("two", "/b")):
        ask(router, app, path)
    killed = Logs(store)  # it stored the lines, and did not come to acknowledge them
    for access in _first_answer(tmp_path / "router", 2):
        line = LogLine(
            timestamp_ns=access["time"],
            source_type="RTR",
            instance_id="0",
            stream="OUT",
            text=access["line"],
        )
        killed.sink(access["app_guid"])(line)
    store.persist(killed.write)
    ask(router, "one", "/c")
    follow()
    until(lambda: "/c" in paths(store, "one"))
    assert (paths(store, "one"), paths(store, "two")) == (["/a", "/c"], ["/b"])


def _first_answer(folder: Path, count: int) -> list[dict[str, Any]]:
    """Return what the router answers to a server that has just begun, once it is so much."""
    while True:
        connection = RouterConnection(folder, 10)
        connection.request("GET", "/accesses?run=&after=0&wait=0")
        found: list[dict[str, Any]] = json.load(connection.getresponse())["accesses"]
        connection.close()
        if len(found) >= count:
            return found


def test_a_router_that_was_started_again_is_followed_from_its_first_line(
    router: RouterProcess, follow: Follow, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accesses, "WAIT_S", 1)
    following = vars(follow())
    for path in ("/a", "/b"):
        ask(router, "one", path)
    until(lambda: paths(store, "one") == ["/a", "/b"])
    first, run = vars(router)["_process"].pid, following["_run"]
    os.kill(first, signal.SIGKILL)
    until(lambda: following["_run"] != run)  # it has answered once, that there is no line yet
    router.swap(vars(router)["_routes"])
    ask(router, "one", "/c")
    until(lambda: paths(store, "one") == ["/a", "/b", "/c"])


def test_close_does_not_wait_for_more(router: RouterProcess, follow: Follow, store: Store) -> None:
    following = follow()
    ask(router, "one", "/a")
    until(lambda: paths(store, "one") == ["/a"])
    began = time.monotonic()
    following.close()
    assert time.monotonic() - began < accesses.CLOSING_S / 2


def test_close_takes_what_is_there(router: RouterProcess, store: Store, tmp_path: Path) -> None:
    ask(router, "one", "/a")
    following = Accesses(tmp_path / "router", store, Logs(store))
    vars(following)["_closing"].set()  # so that it takes nothing before
    following.start()
    following.close()
    assert paths(store, "one") == ["/a"]


def test_a_failure_does_not_end_the_following(
    router: RouterProcess, follow: Follow, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([False, False, True])  # the first line is looked for and stored, the second fails
    persist = store.persist

    def fails(work: Callable[[Db], bool]) -> bool | None:
        if next(failures, False):
            raise MemoryError
        return persist(work)

    monkeypatch.setattr(store, "persist", fails)
    follow()
    for path in ("/a", "/b", "/c"):
        ask(router, "one", path)
        until(partial(_has, store, path))
    assert paths(store, "one") == ["/a", "/b", "/c"]


def _has(store: Store, path: str) -> bool:
    return path in paths(store, "one")
