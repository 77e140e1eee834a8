"""Log lines: bounded, ordered, unique in time, as log-cache shows them."""

import pytest

from foundation import logs
from tests.foundation.api.stand import Stand, line


def write(stand: Stand, app: str, *times: int) -> None:
    sink = stand.world.logs.sink(app)
    for at in times:
        sink(line(f"at {at}", "APP/PROC/WEB/SIDECAR/CONFIG-SERVER", at))


def texts(stand: Stand, app: str, query: str = "") -> list[str]:
    return [text for _, text in stand.log(app, query)]


def test_read_window_is_from_start_inclusive_to_end_exclusive(stand: Stand) -> None:
    app = stand.create_app()
    write(stand, app, 3, 1, 2)
    assert texts(stand, app) == ["at 1", "at 2", "at 3"]
    assert texts(stand, app, "start_time=2&end_time=3") == ["at 2"]
    assert texts(stand, app, "start_time=-6795364578871345152&limit=1") == ["at 1"]
    assert texts(stand, app, "descending=true&limit=2&envelope_types=LOG") == ["at 3", "at 2"]
    assert texts(stand, app, "envelope_types=GAUGE") == []


def test_read_lines_of_one_instant_get_times_of_their_own(stand: Stand) -> None:
    app = stand.create_app()
    write(stand, app, 5, 5, 6)
    batch = stand.get(f"/api/v1/read/{app}")["envelopes"]["batch"]
    assert [entry["timestamp"] for entry in batch] == ["5", "6", "7"]


def test_read_envelope_has_exactly_the_keys_that_protobuf_takes(stand: Stand) -> None:
    app = stand.create_app()
    write(stand, app, 1)
    (entry,) = stand.get(f"/api/v1/read/{app}")["envelopes"]["batch"]
    assert set(entry) == {"timestamp", "source_id", "instance_id", "deprecated_tags", "tags", "log"}
    assert set(entry["log"]) == {"payload", "type"}
    tags = entry["tags"]
    assert (tags["process_type"], tags["process_id"], tags["app_name"]) == ("web", app, "a")
    assert all(isinstance(value, str) for value in tags.values())


def test_lines_beyond_the_bound_are_dropped_oldest_first(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LINES_KEPT", 3)
    app, other = stand.create_app(), stand.create_app("other")
    write(stand, other, 1)
    write(stand, app, *range(1, 10))
    assert texts(stand, app) == ["at 7", "at 8", "at 9"]
    assert stand.get("/api/v1/meta")["meta"][app]["count"] == "3"
    assert texts(stand, other) == ["at 1"]


def test_lines_of_a_deleted_app_are_gone_and_late_ones_are_not_kept(stand: Stand) -> None:
    app = stand.create_app()
    write(stand, app, 1)
    stand.delete(f"/v3/apps/{app}")
    write(stand, app, 2)
    assert stand.get("/api/v1/meta") == {"meta": {}}


@pytest.mark.parametrize("query", ["limit=x", "start_time=99999999999999999999", "end_time=1.5"])
def test_read_bad_number_is_refused(stand: Stand, query: str) -> None:
    stand.get(f"/api/v1/read/{stand.create_app()}?{query}", 400)
