"""How the values of a manifest are read: sizes with units, numbers, health checks, variables as text.

Source of the rules: cloud_controller's app_manifest_message.rb, byte_converter.rb.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

UNITS = {"B": 1 / (1 << 20), "K": 1 / (1 << 10), "M": 1, "G": 1 << 10, "T": 1 << 20}
LARGEST_MB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Problems:
    """Collects sentences under a prefix, and reads fields whose shape may be wrong."""

    prefix: str
    sentences: list[str]

    def add(self, sentence: str) -> None:
        """Note a problem."""
        self.sentences.append(self.prefix + sentence)

    def within(self, prefix: str) -> "Problems":
        """Return a collector for a part, with a longer prefix."""
        return Problems(prefix=self.prefix + prefix, sentences=self.sentences)

    def text(self, given: Mapping[str, Any], key: str) -> str | None:
        """Return a text, or None where it is absent."""
        value = given.get(key)
        if value is None or isinstance(value, str):
            return value
        self.add(f"{key.capitalize()} must be a string")
        return None

    def mapping(self, given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Return a mapping, empty where it is absent."""
        value = given.get(key)
        if isinstance(value, dict):
            return {str(name): entry for name, entry in value.items()}
        if value is not None:
            self.add(f"{key.capitalize()} must be an object of keys and values")
        return {}

    def mappings(self, given: Mapping[str, Any], key: str) -> list[dict[Any, Any]]:
        """Return a list of mappings, empty where it is absent."""
        value = given.get(key)
        if value is None:
            return []
        if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
            return value
        self.add(f"{key.capitalize()} must be an array of objects")
        return []


def text_list(value: Any, label: str, problems: Problems) -> list[str]:
    """Return a list of texts."""
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return value
    problems.add(f"{label} must be an array of strings")
    return []


def as_texts(given: Mapping[str, Any]) -> dict[str, str]:
    """Return variables as Ruby writes YAML values: true, 1.5, empty for null; JSON for lists and maps."""
    return {name: _as_text(value) for name, value in given.items()}


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        return json.dumps(value, default=str, separators=(",", ":"))
    return str(value)


def megabytes(value: Any) -> int:
    """Return a size in MB; a unit is compulsory."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)\s*([BKMGT])B?", str(value).strip(), re.IGNORECASE)
    if not match:
        raise ValueError("must use a supported unit: B, K, KB, M, MB, G, GB, T, or TB")
    size = int(float(match[1]) * UNITS[match[2].upper()])
    if not 1 <= size <= LARGEST_MB:
        raise ValueError(f"must be between 1M and {LARGEST_MB}M")
    return size


def sidecar_memory(value: Any) -> int | None:
    """Return a sidecar's memory in MB; unlike a process's it may be a bare integer."""
    if value is None:
        return None
    return megabytes(f"{value}M" if isinstance(value, int) and not isinstance(value, bool) else value)


def _integer(smallest: int, largest: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)):
            raise ValueError("must be an integer")
        if not smallest <= int(value) <= largest:
            raise ValueError(f"must be between {smallest} and {largest}")
        return int(value)

    return convert


def _command(value: Any) -> str | None:
    if value in (None, "null", "default"):
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= 4096:
        raise ValueError("must be between 1 and 4096 characters")
    return value


def _health_type(value: Any) -> str:
    if value not in ("port", "process", "http", "none"):
        raise ValueError('must be "port", "process", or "http"')
    return "process" if value == "none" else str(value)


def _endpoint(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"/\S*", value):
        raise ValueError("must be a valid URI path")
    return value


# From a manifest's key to the process row's field.
PROCESS_VALUES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "memory": ("memory_mb", megabytes),
    "disk_quota": ("disk_mb", megabytes),
    "instances": ("instances", _integer(0, 100)),
    "command": ("command", _command),
    "health_check_type": ("health_type", _health_type),
    "health_check_http_endpoint": ("health_endpoint", _endpoint),
    "health_check_invocation_timeout": ("health_invocation_timeout", _integer(1, 86400)),
    "health_check_interval": ("health_interval", _integer(1, 86400)),
    "timeout": ("health_timeout", _integer(1, 180)),
}
