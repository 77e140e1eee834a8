"""Writes small files that are whole at any time, and that nobody can read before they have their mode."""

from pathlib import Path


def write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Give a file this content at once; what a killed write has left beside it is overwritten."""
    growing = path.with_name(f".{path.name}.new")
    growing.unlink(missing_ok=True)
    growing.touch(mode=mode)
    growing.write_bytes(content)
    growing.replace(path)
