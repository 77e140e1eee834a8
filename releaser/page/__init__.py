"""The release page: index.html for people and index.json for scripts, which say what the bucket holds.

They are the only objects that are written again. Both are computed from the records and the yanked.json files
alone, so that anybody may write them anew at any time: the same bucket gives the same bytes.
"""

import hashlib
import json
import random
import time

from releaser import report
from releaser.errors import StoreError
from releaser.model import World, encode
from releaser.page import html, index, records

HTML, JSON = "index.html", "index.json"
KINDS = {JSON: "application/json", HTML: "text/html; charset=utf-8"}
FRESH = "no-cache"  # keep it, but ask each time whether it is still so
TRIES = 20  # of a look and a write: others may promote and yank at the same time


def find(world: World) -> str | None:
    """Return the page's URL where both objects say what the bucket holds, None where one does not."""
    return None if _stale(world) else world.public.url(f"{world.prefix()}/{HTML}")


def refresh(world: World) -> None:
    """Write what is not as it must be, and look again: whoever writes last has looked after that.

    Two promotes at once may each compute a page without the other's version, and the later write may be the
    older page. Its writer then finds that out, since both records are there before either page.
    """
    for number in range(TRIES):
        stale = _stale(world)
        if not stale:
            return
        for name, content in stale.items():
            key = f"{world.prefix()}/{name}"
            world.store.put(key, content, KINDS[name], cache_control=FRESH)
            report.fact(f"wrote {world.public.url(key)}")
        time.sleep(random.uniform(0, 0.05 * number))  # noqa: S311  # two that write at once get out of step
    raise StoreError(
        f"{world.prefix()}/{HTML} does not stay as it was written, {TRIES} times",
        "Something else writes it too. Every version is published; run the same command again for the page.",
    )


def _stale(world: World) -> dict[str, bytes]:
    """Return those of the two objects, as they must be, that the bucket holds otherwise or not at all."""
    wanted = content(world)
    return {
        name: made
        for name, made in wanted.items()
        if world.store.digest_of(f"{world.prefix()}/{name}") != hashlib.sha256(made).hexdigest()
    }


def content(world: World) -> dict[str, bytes]:
    """Return the two objects as they must be now."""
    document = index.document(world, records.read(world), world.git_url or _git_url(world))
    return {JSON: encode(document), HTML: html.render(document)}


def _git_url(world: World) -> str | None:
    """Return the git URL that the page names already: an embedded world that is not up knows none."""
    try:
        said = json.loads(world.store.read(f"{world.prefix()}/{JSON}") or b"{}")
    except (StoreError, ValueError):
        return None
    found = said.get("git") if isinstance(said, dict) else None
    return records.printable(found) if isinstance(found, str) else None
