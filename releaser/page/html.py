"""Writes index.html from what index.json says: one file, which asks for nothing else and runs nothing."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaser import report
from releaser.page import plot

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent
TEMPLATE, STYLE = "page.html.j2", "page.css"


def render(document: Mapping[str, Any]) -> bytes:
    """Return the page of an index; all that the index says is escaped."""
    from markupsafe import Markup

    style = (FOLDER / STYLE).read_text(encoding="utf-8")
    words = {
        "policy": _policy(style),
        "style": Markup(style),  # noqa: S704  # our own file, which holds no markup
        "plots": plot.plots(document["versions"]),
        "box": plot,
    }
    return _template().render(**document, **words).encode()


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"size": report.size, "change": _change, "date": _date}
    return made.get_template(TEMPLATE)


def _policy(style: str) -> str:
    """Return the rule by which a browser asks for nothing and takes no style but ours."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _change(one: Mapping[str, Any]) -> str:
    """Return how a zip's size differs from its predecessor's, in words."""
    change, size = one["change"], one["size"]
    if change is None:
        return "the first"
    if change == 0:
        return f"none since {one['since']}"
    sign = "+" if change > 0 else "\N{MINUS SIGN}"
    before = size - change
    share = f" ({sign}{abs(change) / before:.1%})" if before else ""
    return f"{sign}{report.size(abs(change))}{share} since {one['since']}"


def _date(text: str) -> str:
    """Return a record's date as people read it, or as it is where it is of another form."""
    day, mark, time = text.partition("T")
    return f"{day} {time[:5]} UTC" if mark and time.endswith("Z") else text
