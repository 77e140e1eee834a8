"""Picks TCP ports on loopback and remembers them, so that addresses stay the same from start to start."""

import json
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded.errors import EmbeddedError

TWIN = 10000  # SeaweedFS also listens on each port + 10000
LOWEST, HIGHEST = 20000, 22700  # with their twins below what the kernel gives to outgoing connections


def choose(
    path: Path, wanted: Mapping[str, int | None], *, twins: bool = False, keep: bool = False
) -> Mapping[str, int]:
    """Return a free port for each name: the one remembered in `path`, the wanted one, else another.

    With `twins` the port + 10000 has to be free as well. With `keep` what is remembered is taken as it is: a
    daemon of ours listens there. The choice is written to `path`.
    """
    known = _read(path)
    if keep and set(known) == set(wanted):
        return known
    chosen: dict[str, int] = {}
    for name, preferred in wanted.items():
        first = [port for port in (known.get(name), preferred) if port]
        chosen[name] = _first_free(first, set(chosen.values()), twins)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(chosen), encoding="utf-8")
    return chosen


def _read(path: Path) -> dict[str, int]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _first_free(preferred: Sequence[int], taken: set[int], twins: bool) -> int:
    # Not in order: two clones that start at once would choose the same.
    others = random.sample(range(LOWEST, HIGHEST), 1000)
    for port in [*preferred, *others]:
        needed = (port, port + TWIN) if twins else (port,)
        if port not in taken and all(is_free(one) for one in needed):
            return port
    raise EmbeddedError(f"there is no free port between {LOWEST} and {HIGHEST}", "See what listens: ss -ltnp")


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    """Say whether nothing listens on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
