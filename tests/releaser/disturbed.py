"""A real store that forgets, or beside which somebody does something just before or after a page is put."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from releaser.model import World
from releaser.tools.s3 import Listed, Store

Act = Callable[[], None]


@dataclass(frozen=True)
class Disturbed(Store):
    """Each act happens once, at the next put of a page; keys that hold `forgotten` are not listed."""

    before: list[Act] = field(default_factory=list, kw_only=True)
    after: list[Act] = field(default_factory=list, kw_only=True)
    forgotten: str = field(default="\0", kw_only=True)

    def put(self, key: str, content: bytes, kind: str, *, cache_control: str) -> None:
        if self.before:
            self.before.pop()()
        super().put(key, content, kind, cache_control=cache_control)
        if self.after:
            self.after.pop()()

    def list(self, prefix: str) -> "list[Listed]":
        return [row for row in super().list(prefix) if self.forgotten not in row.key]


def disturbed(world: World, **how: Any) -> World:
    same = {one.name: getattr(world.store, one.name) for one in fields(Store)}
    return replace(world, store=Disturbed(**same, **how))
