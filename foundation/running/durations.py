"""Writes durations as Go does, whose texts Cloud Foundry's lines carry."""

MS = 1000
MINUTE, HOUR = 60 * MS, 3600 * MS


def written(seconds: float) -> str:
    """Return a duration to the millisecond: 350ms, 3s, 1m0.003s, 1h0m0s."""
    whole = round(seconds * MS)
    if whole < MS:
        return f"{whole}ms" if whole else "0s"
    hours, rest = divmod(whole, HOUR)
    minutes, rest = divmod(rest, MINUTE)
    last = f"{rest / MS:g}s"
    if hours:
        return f"{hours}h{minutes}m{last}"
    return f"{minutes}m{last}" if minutes else last
