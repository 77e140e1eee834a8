"""Writing the pins."""

from releaser import pins
from releaser.model import Release


def skip(_release: Release) -> str | None:
    """Never skip: the release commit is made of the pins."""
    return None


def find(release: Release) -> str | None:
    """Return the pins' names where every one holds exactly the expected text."""
    if not release.source.exists():
        return None
    expected = pins.of(release)
    for path, content in expected.items():
        place = release.source / path
        if not place.exists() or place.read_bytes() != content:
            return None
    return "\n".join(expected)


def run(release: Release) -> None:
    """Write each pin into the release's own copy of the source."""
    release.check_out()
    for path, content in pins.of(release).items():
        (release.source / path).write_bytes(content)
