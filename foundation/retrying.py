"""How long to wait before something is tried again."""

from collections.abc import Iterator

FIRST_S = 0.2
LONGEST_S = 5.0


def pauses() -> Iterator[float]:
    """Return ever longer pauses in seconds, without an end."""
    pause = FIRST_S
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_S)
