"""Lists: filters, order, pages and included resources, alike for every resource."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import TypeVar
from urllib.parse import unquote_plus, urlencode

from starlette.responses import Response

from foundation.api.call import Call
from foundation.errors import bad_query
from foundation.present import Json
from foundation.rows.base import Row
from foundation.store import Condition, Db

R = TypeVar("R", bound=Row)
Values = list[str | None]
# A filter names a field, or turns its values into the condition that they mean.
Filter = str | Callable[[Db, Values], Condition]
Include = Callable[[Call, Sequence[R]], Json]

LARGEST_PAGE = 5000


def listing(
    call: Call,
    kind: type[R],
    present: Callable[[Call, R], Json],
    *,
    filters: Mapping[str, Filter] | None = None,
    where: Sequence[Condition] = (),
    order: str = "created_at",
    include: Mapping[str, Include[R]] | None = None,
) -> Response:
    """Return the page of a list that the query asks for."""
    known = {"guids": "guid", **(filters or {})}
    included = include or {}
    query = dict(call.request.query_params)
    _check_names(query, {*known, "page", "per_page", "order_by", *(["include"] if included else [])})
    conditions = [_condition(call.db, known[name], query[name]) for name in known if name in query]
    rows = _ordered(kind, call.db.select(kind, [*where, *conditions]), query.get("order_by", order))
    page = _number(query, "page", 1, 10**9)
    size = _number(query, "per_page", 50, LARGEST_PAGE)
    shown = rows[(page - 1) * size : page * size]
    content: Json = {
        "pagination": _pagination(call, query, len(rows), page, size),
        "resources": [present(call, row) for row in shown],
    }
    if "include" in query:
        content["included"] = _included(call, shown, query["include"], included)
    return call.json(content)


def _check_names(query: Mapping[str, str], known: Iterable[str]) -> None:
    unknown = sorted(set(query) - set(known))
    if unknown:
        quoted = ", ".join(f"'{name}'" for name in unknown)
        valid = ", ".join(f"'{name}'" for name in sorted(known))
        raise bad_query(f"Unknown query parameter(s): {quoted}. Valid parameters are: {valid}")


def _condition(db: Db, known: Filter, text: str) -> Condition:
    # Values are encoded once more so that they may hold a comma; an empty one stands for none.
    values: Values = [unquote_plus(value) or None for value in text.split(",")]
    return (known, values) if isinstance(known, str) else known(db, values)


def _ordered(kind: type[R], rows: list[R], order: str) -> list[R]:
    name = order.removeprefix("-")
    orders = {"created_at", "updated_at", "name", "position"} & {field.name for field in fields(kind)}
    if name not in orders:
        raise bad_query(f"Order by can only be: {', '.join(sorted(orders))}")
    # Rows come oldest first, which decides between equals.
    found = sorted(rows, key=lambda row: getattr(row, name))
    return found[::-1] if order.startswith("-") else found


def _number(query: Mapping[str, str], name: str, default: int, largest: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,10}", text) or not 1 <= int(text) <= largest:
        raise bad_query(f"{name.replace('_', ' ').capitalize()} must be between 1 and {largest}")
    return int(text)


def _pagination(call: Call, query: Mapping[str, str], total: int, page: int, size: int) -> Json:
    pages = max(1, math.ceil(total / size))

    def link(number: int) -> Json | None:
        if not 1 <= number <= pages:
            return None
        parameters = urlencode({**query, "page": number, "per_page": size})
        return {"href": f"{call.api}{call.request.url.path}?{parameters}"}

    return {
        "total_results": total,
        "total_pages": pages,
        "first": link(1),
        "last": link(pages),
        "next": link(page + 1),
        "previous": link(page - 1),
    }


def _included(call: Call, rows: Sequence[R], text: str, known: Mapping[str, Include[R]]) -> Json:
    content: Json = {}
    for name in text.split(","):
        if name not in known:
            raise bad_query(f"Invalid included resource: '{name}'. Valid included resources are: {[*known]}")
        content |= known[name](call, rows)
    return content
