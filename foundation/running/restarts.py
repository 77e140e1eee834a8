"""When a crashed instance is started again: the rules of Diego's BBS (restart_calculator.go)."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Restarts:
    """The first crashes are followed by a restart at once, later ones by a pause that doubles; in seconds."""

    at_once: int = 3  # the crash with this number is the first to pause
    first_pause_s: float = 30
    longest_pause_s: float = 16 * 60
    most: int = 200
    forgiven_after_s: float = 5 * 60  # of life: the next crash counts as the first

    def count(self, crashes: int, lived_s: float) -> int:
        """Return the number of a crash, after so many before it and a life of so many seconds."""
        return 1 if lived_s >= self.forgiven_after_s else crashes + 1

    def pause_s(self, crashes: int) -> float | None:
        """Return how long to wait after this crash; None where it was the last."""
        if crashes < self.at_once:
            return 0
        if crashes > self.most:
            return None
        doubled = self.first_pause_s * float(1 << min(crashes - self.at_once, 32))
        return min(doubled, self.longest_pause_s)
