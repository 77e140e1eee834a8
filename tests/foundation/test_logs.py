"""Log lines on their way into the store: none is lost to a lock, and a bound says what it drops."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation import logs
from foundation.logs import Logs
from foundation.model.logs import LogSink
from foundation.rows.apps import App
from foundation.store import Db, Store
from tests.foundation.api.stand import line
from tests.foundation.engine_fixtures import until
from tests.foundation.test_store import locked

TEXTS = "SELECT source_type, text FROM lines WHERE app_guid = ? ORDER BY timestamp"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that soon gives in to a lock."""
    made = Store(tmp_path / "foundation.db", patience_s=0.05)
    yield made
    made.close()


@pytest.fixture
def app(store: Store) -> App:
    return store.call(lambda db: db.insert(App(name="a", space_guid="s", stack="x")))


def texts(store: Store, app: App) -> list[tuple[str, str]]:
    return store.call(lambda db: db.connection.execute(TEXTS, (app.guid,)).fetchall())


def write(sink: LogSink, *texts: str) -> None:
    for text in texts:
        sink(line(text))


def test_lines_logged_while_the_database_is_locked_are_written_afterwards_in_order(
    store: Store, app: App, tmp_path: Path
) -> None:
    sink = Logs(store).sink(app.guid)
    write(sink, "before")
    with locked(tmp_path):
        write(sink, *map(str, range(100)))
    until(lambda: len(texts(store, app)) == 101, seconds=10)
    assert [text for _, text in texts(store, app)] == ["before", *map(str, range(100))]


def test_lines_of_a_transaction_that_is_undone_are_written_by_the_next(store: Store, app: App) -> None:
    taken = Logs(store)
    sink = taken.sink(app.guid)

    def broken(db: Db) -> None:
        write(sink, "kept")
        taken.write(db)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        store.call(broken)
    store.call(taken.write)
    assert texts(store, app) == [("STG", "kept")]


def test_lines_beyond_the_bound_are_counted_where_they_are_missing(
    store: Store, app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "QUEUE_LIMIT", 3)
    sink = Logs(store).sink(app.guid)
    write(sink, "before")
    store.call(lambda _: None)
    with locked(tmp_path):
        write(sink, *map(str, range(10)))
    until(lambda: len(texts(store, app)) == 5, seconds=10)
    lost = "7 lines were lost: the foundation's database could not be written"
    assert texts(store, app) == [("STG", "before"), ("LGR", lost), *(("STG", text) for text in "789")]


def test_lines_come_in_one_transaction_for_many(store: Store, app: App) -> None:
    taken = Logs(store)
    begun: list[str] = []
    store.call(lambda db: db.connection.set_trace_callback(begun.append))
    sink = taken.sink(app.guid)
    store.call(lambda _: write(sink, *map(str, range(500))))  # the store is busy meanwhile
    store.call(lambda _: None)
    assert len(texts(store, app)) == 500
    assert sum(statement.startswith("BEGIN") for statement in begun) < 10


def test_what_is_queued_at_the_end_is_written(store: Store, app: App, tmp_path: Path) -> None:
    taken = Logs(store)
    with locked(tmp_path):
        write(taken.sink(app.guid), "last")
        store.submit(lambda _: None).exception()
    taken.close()
    assert texts(store, app) == [("STG", "last")]
