"""The router's table, and what may be asked of the router."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Route:
    """A row of the router's table: `path` is empty or starts with a slash; backends are ip:port."""

    host: str
    path: str
    backends: Sequence[str]


class Router(Protocol):
    """Sends requests to instances by Host header and path."""

    def swap(self, routes: Sequence[Route]) -> None:
        """Replace the whole table at once; requests under way are not cut."""
