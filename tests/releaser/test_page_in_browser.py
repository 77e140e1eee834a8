"""The release page in a real browser: on a phone, in the dark, in print, under its own rules."""

import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from releaser import page
from releaser.model import World
from releaser.tools.s3 import Store
from tests.releaser import handmade
from tests.releaser.browser import Browser, browse
from tests.releaser.handmade import proven, publish, publish_files, record, yank

pytestmark = pytest.mark.slow

HOSTILE = "<script>document.title='owned'</script><img src=//x.example/a onerror=alert(1)>" + "w" * 400
LOOKS: Mapping[str, Any] = {
    "phone": {"width": 320, "height": 640},
    "dark phone": {"width": 390, "dark": True},
    "desktop": {"width": 1280},
    "dark desktop": {"width": 1280, "dark": True},
    "paper": {"width": 720, "media": "print"},
    "paper in the dark": {"width": 720, "media": "print", "dark": True},
}
# For each piece of text: how much lighter one of its colour and its background is than the other.
CONTRASTS = """(() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map(one => one / 255)
      .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return matchMedia('print').matches ? 'rgb(255, 255, 255)' : 'none';
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.localName === 'title') continue;
    const style = getComputedStyle(element);
    const colours = [element.ownerSVGElement ? style.fill : style.color, back(element)].map(light);
    const ratio = (Math.max(...colours) + 0.05) / (Math.min(...colours) + 0.05);
    found.push([ratio, walker.currentNode.data.trim().slice(0, 30)]);
  }
  return found;
})()"""
TOO_WIDE = """[...document.querySelectorAll('body *')]
  .filter(one => one.getBoundingClientRect().right > innerWidth + 0.5 && !one.closest('thead'))
  .map(one => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, store: Store) -> World:
    """Three versions, one of them yanked for a hostile reason, with every object that promote puts."""
    made = handmade.at(handmade.world(tmp_path_factory.mktemp("page") / "world", store), "browsed")
    for said in (
        record("1.2.0", {"uncached": 11_900, "cached": 5_600_000}, day=1),
        record("1.10.0", {"uncached": 12_400, "cached": 5_910_000}, day=12),
        proven(made, record("2.0.0", {"uncached": 12_300, "cached": 5_800_000}, day=24)),
    ):
        publish_files(made, said)
        publish(made, said)
    yank(made, "1.10.0", HOSTILE)
    page.refresh(made)
    return made


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browse(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def url(world: World) -> str:
    return world.public.url(f"{world.prefix()}/index.html")


@pytest.mark.parametrize("look", LOOKS)
def test_nothing_is_wider_than_the_window(browser: Browser, url: str, look: str) -> None:
    browser.open(url, **LOOKS[look])
    assert browser.ask("innerWidth") == LOOKS[look]["width"]
    assert browser.ask(TOO_WIDE) == []
    assert browser.ask("document.scrollingElement.scrollWidth") <= LOOKS[look]["width"]


@pytest.mark.parametrize("look", LOOKS)
def test_text_stands_out_from_what_is_behind_it(browser: Browser, url: str, look: str) -> None:
    browser.open(url, **LOOKS[look])
    found = browser.ask(CONTRASTS)
    assert len(found) > 100
    assert [one for one in found if one[0] < 4.5] == []


def test_page_is_dark_for_who_likes_it_dark_and_never_on_paper(browser: Browser, url: str) -> None:
    backs = {}
    for look in ("desktop", "dark desktop", "paper in the dark"):
        browser.open(url, **LOOKS[look])
        backs[look] = browser.ask("getComputedStyle(document.body).backgroundColor")
    assert backs == {
        "desktop": "rgb(255, 255, 255)",
        "dark desktop": "rgb(14, 17, 22)",
        "paper in the dark": "rgb(255, 255, 255)",
    }


def test_page_asks_for_nothing_else_breaks_no_rule_of_its_own_and_runs_nothing(
    browser: Browser, url: str
) -> None:
    browser.open(url)
    assert browser.complaints() == []
    assert [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")] == [url]
    assert browser.ask("document.querySelectorAll('script, img, iframe, object, form').length") == 0
    assert browser.ask("document.title") == "toy_buildpack: releases"
    assert HOSTILE in browser.ask("document.querySelector('.notice').textContent")


def test_its_rules_would_stop_what_gets_in_anyway(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.ask("""document.body.append(Object.assign(document.createElement('script'), {text: 'owned = 1'}),
        Object.assign(document.createElement('img'), {src: '/pixel.png'}),
        Object.assign(document.createElement('style'), {textContent: 'body { color: red }'}))""")
    assert browser.ask("typeof owned") == "undefined"
    assert browser.ask("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    assert len(browser.complaints()) >= 3
    assert [one.get("blockedReason") for one in browser.told("Network.loadingFailed")] == ["csp"]


def test_every_link_leads_to_an_object_or_a_place_on_the_page(
    browser: Browser, url: str, world: World
) -> None:
    browser.open(url)
    links = browser.ask("[...document.querySelectorAll('body a, link[rel=alternate]')].map(one => one.href)")
    places = {urllib.parse.urldefrag(link)[1] for link in links if link.startswith(f"{url}#")}
    assert places == {"v1.2.0", "v1.10.0", "v2.0.0"}
    assert places <= set(browser.ask("[...document.querySelectorAll('[id]')].map(one => one.id)"))
    base = world.public.url(f"{world.prefix()}/")
    linked = {link.removeprefix(base) for link in links if not link.startswith(f"{url}#")}
    there = {row.key.removeprefix(f"{world.prefix()}/") for row in world.store.list(f"{world.prefix()}/")}
    assert linked == there - {"index.html", "1.10.0/yanked.json"}


@pytest.mark.parametrize("look", ["phone", "desktop"])
def test_who_does_not_see_it_gets_the_tables_with_their_names_and_cells(
    browser: Browser, url: str, look: str
) -> None:
    browser.open(url, **LOOKS[look])
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    said = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"]
    ]
    named = [name for role, name in said if role == "table"]
    assert named == [
        "Every version, newest first",
        "Zips of 2.0.0",
        "Sidecars and their parts lists (SBOM) of 2.0.0",
        "Zips of 1.10.0",
        "Zips of 1.2.0",
    ]
    roles = [role for role, _ in said]
    assert roles.count("row") == (1 + 3) + 3 * (1 + 2) + (1 + 3)
    assert roles.count("columnheader") == 3 + 3 * 4 + 2
    assert roles.count("cell") == 3 * 2 + 3 * 2 * 3 + 3
    assert roles.count("rowheader") == 3 + 3 * 2 + 3
    pictures = [name for role, name in said if role == "image"]
    assert pictures[0] == ("Sizes of the cached zips: cflinuxfs4 from 5.3 MiB in 1.2.0 to 5.5 MiB in 2.0.0.")


def test_headings_go_down_one_level_at_a_time_and_the_language_is_said(browser: Browser, url: str) -> None:
    browser.open(url)
    levels = browser.ask("[...document.querySelectorAll('h1, h2, h3, h4')].map(one => +one.localName[1])")
    assert levels == [1, 2, 2, 2, 2, 3, 3, 3]
    assert browser.ask("document.documentElement.lang") == "en"


def test_plots_have_a_point_for_each_zip_within_their_frame(browser: Browser, url: str) -> None:
    browser.open(url, **LOOKS["phone"])
    points = browser.ask("""[...document.querySelectorAll('svg')].map(plot => {
        const frame = plot.getBoundingClientRect();
        const inside = one => one.left >= frame.left && one.right <= frame.right
            && one.top >= frame.top && one.bottom <= frame.bottom;
        return [...plot.querySelectorAll('circle')].filter(one => inside(one.getBoundingClientRect())).length;
    })""")
    assert points == [3, 3]
    heights = browser.ask(
        "[...document.querySelector('svg').querySelectorAll('circle')].map(one => +one.getAttribute('cy'))"
    )
    assert heights[1] < heights[2] < heights[0]  # 1.10.0 is the largest, and larger is higher


def test_page_prints_with_every_version_on_it(browser: Browser, url: str) -> None:
    browser.open(url)
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type ?/Page\b", pdf)) >= 2
    browser.open(url, **LOOKS["paper"])
    shown = browser.ask(
        "[...document.querySelectorAll('article')].filter(one => one.checkVisibility()).length"
    )
    assert shown == 3
