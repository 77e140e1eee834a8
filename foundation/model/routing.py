"""The router's table, and what may be asked of the router."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A running instance: `address` is ip:port, the facts reach the app's headers and its log."""

    address: str
    app_guid: str
    process_guid: str
    process_type: str
    index: int
    instance_guid: str


@dataclass(frozen=True, kw_only=True)
class Route:
    """A row of the router's table: `path` is empty or starts with a slash."""

    host: str
    path: str
    backends: Sequence[Backend]


class Router(Protocol):
    """Sends requests to instances by Host header and path."""

    def swap(self, routes: Sequence[Route]) -> None:
        """Replace the whole table at once; requests under way are not cut."""
