"""/api/v1: log-cache, read access to the apps' log lines."""

import re

from starlette.responses import Response

from foundation import envelopes
from foundation.api.call import Call
from foundation.envelopes import Window
from foundation.errors import bad_query
from foundation.rows.apps import App

LARGEST = (1 << 63) - 1
LINES_LIMIT = 1000


def info(call: Call) -> Response:
    """GET /api/v1/info."""
    return call.json({"version": "3.0.0", "vm_uptime": "1"})


def read(call: Call) -> Response:
    """GET /api/v1/read/{guid}: other types of envelopes than LOG do not exist here."""
    app = call.need(App)
    query = call.request.query_params
    types = query.getlist("envelope_types")
    window = Window(
        start=_number(query.get("start_time"), -LARGEST),
        end=_number(query.get("end_time"), LARGEST),
        limit=min(_number(query.get("limit"), 100), LINES_LIMIT),
        newest_first=query.get("descending") == "true",
    )
    call.world.logs.followers.note(app.guid, window)
    wanted = not types or {"LOG", "ANY"} & set(types)
    batch = envelopes.read(call.db, app, window) if wanted and window.limit > 0 else []
    return call.json({"envelopes": {"batch": batch}})


def meta(call: Call) -> Response:
    """GET /api/v1/meta."""
    return call.json({"meta": envelopes.meta(call.db)})


def _number(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"-?[0-9]{1,19}", text) or abs(int(text)) > LARGEST:
        raise bad_query(f"{text!r} is not a number of 64 bits")
    return int(text)
