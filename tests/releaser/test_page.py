"""The release page says what the bucket's records say, all of it, newest first, and nothing else."""

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from releaser import page
from releaser.errors import StoreError
from releaser.model import World, encode
from releaser.page import html, index
from releaser.page.records import Record, Version, Yank
from releaser.tools.git import Identity
from releaser.tools.s3 import Store
from tests.releaser import handmade, toy
from tests.releaser.disturbed import disturbed
from tests.releaser.handmade import publish, read_index, read_page, record, yank
from tests.releaser.toy import ROOT

pytestmark = pytest.mark.slow

MINUS = "\N{MINUS SIGN}"
SIZES = {"uncached": 12_000, "cached": 5_800_000}
HOSTILE = (
    "</p><script>alert('x')</script><img src=//x.example onerror=alert(1)>{{ 7 * 7 }} & \u202e\x00\ud83d 日本"
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory, store: Store) -> World:
    return handmade.world(tmp_path_factory.mktemp("origin") / "world", store)


@pytest.fixture
def world(origin: World, prefix: str) -> World:
    return handmade.at(origin, prefix)


def key(world: World, name: str) -> str:
    return f"{world.prefix()}/{name}"


class Reader(HTMLParser):
    """Collects what a page says, and the names of all elements and attributes that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.names: set[str] = set()
        self.feed(page.partition("</style>")[2])

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}


def words(page: str) -> str:
    """Return a page's text as it is read: one space between words."""
    return " ".join(Reader(page).text.split())


def tags(page: str) -> set[str]:
    return Reader(page).names


def test_page_is_stale_until_it_is_written_and_written_once(world: World) -> None:
    publish(world, record("1.0.0", SIZES))
    assert page.find(world) is None
    page.refresh(world)
    assert page.find(world) == world.public.url(key(world, "index.html"))
    before = {name: head(world, name) for name in page.KINDS}
    page.refresh(world)
    assert {name: head(world, name) for name in page.KINDS} == before


def head(world: World, name: str) -> tuple[str, str, str]:
    answer = world.store.client.head_object(Bucket=world.store.bucket, Key=key(world, name))
    return str(answer["LastModified"]), answer["ContentType"], answer["CacheControl"]


def test_objects_say_what_they_are_and_that_readers_ask_each_time(world: World) -> None:
    page.refresh(world)
    assert head(world, "index.html")[1:] == ("text/html; charset=utf-8", "no-cache")
    assert head(world, "index.json")[1:] == ("application/json", "no-cache")


@pytest.mark.parametrize("name", ["index.html", "index.json"])
def test_page_that_somebody_changed_or_removed_is_written_again(world: World, name: str) -> None:
    publish(world, record("1.0.0", SIZES))
    page.refresh(world)
    good = world.store.read(key(world, name))
    handmade.put(world, key(world, name), b"other")
    assert page.find(world) is None
    page.refresh(world)
    assert world.store.read(key(world, name)) == good
    world.store.client.delete_object(Bucket=world.store.bucket, Key=key(world, name))
    assert page.find(world) is None
    page.refresh(world)
    assert world.store.read(key(world, name)) == good


def test_versions_come_newest_first_as_numbers_and_not_as_text(world: World) -> None:
    for version in ("1.9.0", "1.10.0", "1.2.3", "0.10.1"):
        publish(world, record(version, SIZES))
    page.refresh(world)
    index = read_index(world)
    assert [one["version"] for one in index["versions"]] == ["1.10.0", "1.9.0", "1.2.3", "0.10.1"]
    assert index["newest"] == "1.10.0"
    assert re.findall(r'<article id="v([\d.]+)"', read_page(world)) == ["1.10.0", "1.9.0", "1.2.3", "0.10.1"]


def test_objects_that_are_no_version_are_left_out(world: World) -> None:
    publish(world, record("1.0.0", SIZES))
    for other in (
        "candidates/1-abc/release.json",
        "1.0/release.json",
        "1.1.0/source.json",
        "x1.0.0/release.json",
    ):
        handmade.put(world, key(world, other), b"{}")
    page.refresh(world)
    assert [one["version"] for one in read_index(world)["versions"]] == ["1.0.0"]


def test_change_of_size_is_against_the_next_older_zip_of_that_stack_and_variant(world: World) -> None:
    publish(world, record("1.0.0", {"uncached": 1_000, "cached": 50_000}))
    publish(world, record("1.1.0", {"uncached": 1_500}))
    other = record("1.2.0", {"uncached": 70}, stack="cflinuxfs5")
    both = record("1.2.0", {"uncached": 1_400, "cached": 50_000})
    publish(world, {**both, "zips": [*both["zips"], *other["zips"]]})
    page.refresh(world)
    newest = read_index(world)["versions"][0]["zips"]
    assert [(one["stack"], one["variant"], one["change"], one["since"]) for one in newest] == [
        ("cflinuxfs4", "uncached", -100, "1.1.0"),
        ("cflinuxfs4", "cached", 0, "1.0.0"),
        ("cflinuxfs5", "uncached", None, None),
    ]
    said = words(read_page(world))
    assert f"{MINUS}100 B ({MINUS}6.7%) since 1.1.0" in said
    assert "none since 1.0.0" in said
    assert "+500 B (+50.0%) since 1.0.0" in said


def test_all_of_a_record_is_on_the_page(world: World) -> None:
    said = handmade.proven(world, record("2.0.0", SIZES))
    publish(world, said)
    page.refresh(world)
    text = words(read_page(world))
    facts = [
        said["source"],
        said["commit"],
        said["accepted_commit"],
        said["signed_by"],
        "2026-11-01 08:09 UTC",
    ]
    facts += [one[field] for one in said["zips"] + said["documents"] for field in ("name", "sha256")]
    facts += [one["sha256"] for one in said["binaries"]]
    facts += ["3 of 3 tests passed on staging", "cflinuxfs4 (stand-in)", "rubyapp: cached, git, uncached"]
    facts += ["go 1.27.3, isal 1.8.0, python 3.11.2", "ruby_buildpack 1.10.19", "no egress"]
    assert [fact for fact in facts if fact not in text] == []


def test_record_of_an_older_train_is_shown_with_what_it_has(world: World) -> None:
    publish(world, {"name": toy.NAME, "version": "0.1.0"})
    page.refresh(world)
    one = read_index(world)["versions"][0]
    assert (one["readable"], one["zips"], one["files"]["statement"]) == (True, [], None)
    assert "not signed" in words(read_page(world))


def test_failed_tests_of_a_record_are_counted_as_such(world: World) -> None:
    said = record("1.0.0", SIZES)
    said["acceptance"]["tests"][0]["outcome"] = "skipped"
    publish(world, said)
    page.refresh(world)
    assert "2 of 3 tests passed" in words(read_page(world))


@pytest.mark.parametrize(
    "damage", [b"", b"\xff", b"[]", b'{"version": "1.1.0", "zips": 1}', encode(record("1.0.0", SIZES))]
)
def test_record_that_cannot_be_read_is_said_and_hides_no_other(world: World, damage: bytes) -> None:
    publish(world, record("1.0.0", SIZES))
    handmade.put(world, key(world, "1.1.0/release.json"), damage)
    page.refresh(world)
    index = read_index(world)
    assert [(one["version"], one["readable"]) for one in index["versions"]] == [
        ("1.1.0", False),
        ("1.0.0", True),
    ]
    assert index["newest"] == "1.0.0"
    assert "The record of this version cannot be read" in words(read_page(world))


def test_record_with_other_bytes_than_were_put_counts_as_damaged(world: World) -> None:
    publish(world, record("1.0.0", SIZES))
    world.store.client.put_object(
        Bucket=world.store.bucket,
        Key=key(world, "1.0.0/release.json"),
        Body=encode(record("1.0.0", SIZES)),
        Metadata={"sha256": handmade.digest("another record")},
    )
    page.refresh(world)
    assert read_index(world)["versions"][0]["readable"] is False


def test_yanked_version_says_why_and_is_not_the_one_to_install(world: World) -> None:
    publish(world, record("1.0.0", SIZES))
    publish(world, record("1.1.0", SIZES))
    page.refresh(world)
    yank(world, "1.1.0", "It leaks its port.")
    assert page.find(world) is None
    page.refresh(world)
    index, text = read_index(world), words(read_page(world))
    assert index["versions"][0]["yanked"] == {
        "reason": "It leaks its port.",
        "date": "2026-11-20T10:00:00Z",
        "by": "operator@example.com",
    }
    assert index["newest"] == "1.0.0"
    assert "Do not use 1.1.0: it is yanked. 1.0.0 is the version to install." in text
    assert "Yanked on 2026-11-20 10:00 UTC by operator@example.com: It leaks its port." in text
    install = read_page(world).partition('<h2 id="versions"')[0]
    assert "1.0.0/toy_buildpack" in install
    assert "1.1.0/toy_buildpack" not in install


def test_yank_that_cannot_be_read_is_still_a_yank(world: World) -> None:
    publish(world, record("1.0.0", SIZES))
    handmade.put(world, key(world, "1.0.0/yanked.json"), b"{")
    page.refresh(world)
    assert read_index(world)["newest"] is None
    assert "all that were released are yanked" in words(read_page(world))


def test_hostile_reason_and_name_are_text_and_nothing_else(world: World) -> None:
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish(world, record(version, SIZES))
    yank(world, "1.2.0", "A harmless reason.")
    page.refresh(world)
    harmless = tags(read_page(world))
    yank(world, "1.1.0", HOSTILE, by='"><b onclick=x>mallory')
    page.refresh(world)
    shown = read_page(world)
    assert tags(shown) == harmless
    assert "</p><script>alert('x')</script><img src=//x.example onerror=alert(1)>{{ 7 * 7 }}" in words(shown)
    assert '"><b onclick=x>mallory' in words(shown)
    assert not {"\u202e", "\x00", "\ud83d"} & set(shown)
    assert "日本" in shown


def test_name_that_would_lead_elsewhere_makes_no_link(world: World) -> None:
    for name in ("../../evil.zip", "javascript:alert(1)", "a b.zip", "//x.example/a.zip"):
        said = record("1.0.0", SIZES)
        said["zips"][0]["name"] = name
        publish(world, {**record("1.0.0", {}), "zips": []})
        handmade.put(world, key(world, "1.0.0/release.json"), encode(said))
        page.refresh(world)
        assert name not in read_page(world)
        assert read_index(world)["versions"][0]["readable"] is False


def test_same_records_give_the_same_bytes_on_another_machine(world: World, tmp_path: Path) -> None:
    publish(world, handmade.proven(world, record("1.0.0", SIZES)))
    page.refresh(world)
    other = replace(
        world, repository=replace(world.repository, directory=tmp_path / "none.git"), work=tmp_path / "w"
    )
    assert page.find(other) == page.find(world)


def test_world_that_is_not_up_keeps_the_git_url_that_the_page_names(world: World) -> None:
    publish(world, record("1.0.0", SIZES))
    page.refresh(world)
    assert read_index(world)["git"] == world.git_url
    assert page.find(replace(world, git_url=None))
    assert page.find(replace(world, git_url="https://git.example.com/other.git")) is None


def test_git_url_of_a_page_that_somebody_changed_is_shown_harmlessly(world: World) -> None:
    handmade.put(world, key(world, "index.json"), b'{"git": "<b>\\ud83d"}')
    publish(world, record("1.0.0", SIZES))
    page.refresh(replace(world, git_url=None))
    assert "&lt;b&gt;\N{REPLACEMENT CHARACTER}#v1.0.0" in read_page(world)


def test_version_that_the_listing_forgets_is_found_by_its_tag(world: World, tmp_path: Path) -> None:
    publish(world, record("1.0.0", SIZES))
    publish(world, record("1.1.0", SIZES))
    page.refresh(world)
    good = world.store.read(key(world, "index.json"))
    other = replace(world, repository=replace(world.repository, directory=tmp_path / "clone.git"))
    other.repository.fetch()
    toy.git(tmp_path / "clone.git", "tag", "v1.1.0", "refs/remotes/train/main")
    page.refresh(disturbed(other, forgotten="/1.1.0/"))
    assert world.store.read(key(world, "index.json")) == good
    assert json.loads(good or b"")["newest"] == "1.1.0"


def test_newest_release_is_run_as_the_settings_of_its_own_commit_say(world: World) -> None:
    text = toy.settings().replace("  command: ./config-server\n", "  command: ./older\n")
    text = text.replace("  process_types: [web]\n", "  process_types: [web, worker]\n")
    text = text.replace("  memory: null\n", "  memory: 64M\n")
    base = world.repository.branch("main") or ""
    tree = world.repository.write_tree(base, {"sidecar.yml": text.encode()})
    by = Identity(name="n", email="e@example.com", epoch=toy.EPOCH)
    commit = world.repository.commit(tree, [base], "older", by)
    publish(world, {**record("1.0.0", SIZES), "commit": commit})
    page.refresh(world)
    assert read_index(world)["sidecar"] == {
        "command": "./older",
        "process_types": ["web", "worker"],
        "memory": "64M",
        "port_variable": "CONFIG_SERVER_PORT",
    }
    assert "process_types: [web, worker] command: ./older memory: 64M" in words(read_page(world))


def test_release_whose_commit_is_not_here_is_run_as_our_settings_say(world: World) -> None:
    publish(world, record("1.0.0", SIZES))
    page.refresh(world)
    assert read_index(world)["sidecar"]["command"] == "./config-server"


def test_promotes_at_once_leave_a_page_with_every_version(world: World) -> None:
    versions = [f"1.{number}.0" for number in range(6)]
    begun = threading.Barrier(len(versions))

    def promote(version: str) -> None:
        begun.wait()
        publish(world, record(version, SIZES))
        page.refresh(world)

    threads = [threading.Thread(target=promote, args=(version,)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert page.find(world)
    assert [one["version"] for one in read_index(world)["versions"]] == versions[::-1]


def test_late_write_of_an_older_page_is_noticed_by_its_writer(world: World) -> None:
    """A slow promote computed its page, another one published and refreshed, then the slow one writes."""
    publish(world, record("1.0.0", SIZES))

    def meanwhile() -> None:
        publish(world, record("1.1.0", SIZES))
        page.refresh(world)

    page.refresh(disturbed(world, before=[meanwhile]))
    assert read_index(world)["newest"] == "1.1.0"
    assert page.find(world)


def test_page_that_never_stays_ends_with_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "TRIES", 3)
    fights = [lambda: handmade.put(world, key(world, "index.json"), b"mine")] * 9
    with pytest.raises(StoreError, match=r"index\.html does not stay as it was written, 3 times"):
        page.refresh(disturbed(world, after=fights))


HOSTILE_TEXT = st.text(max_size=40) | st.sampled_from([HOSTILE, "]]>", "<!--", "-->", "&#60;b>", "</style>"])


@settings(max_examples=40, deadline=None)
@given(texts=st.tuples(*[HOSTILE_TEXT] * 6))
def test_no_text_of_a_record_or_yank_becomes_markup(origin: World, texts: tuple[str, ...]) -> None:
    def shown(*said: str) -> set[str]:
        raw = handmade.proven(origin, record("1.0.0", SIZES))
        raw |= {"date": said[0], "source": said[1], "tools": {"go": said[2]}}
        raw["acceptance"] |= {"foundation": said[3], "stacks": {"cflinuxfs4": said[4]}}
        yanked = Yank.model_validate({"reason": said[5], "date": said[0], "by": said[1]})
        one = Version(version="1.0.0", record=Record.model_validate(raw), yanked=yanked)
        return tags(html.render(index.document(origin, [one], None)).decode())

    plain = shown(*["plain"] * 6)
    assert shown(*texts) <= plain


# --- docs/page.md


def test_documentation_names_every_key_of_the_index_and_no_other(world: World) -> None:
    publish(world, handmade.proven(world, record("1.0.0", SIZES)))
    page.refresh(world)
    index = read_index(world)
    whole, of_a_version = (ROOT / "docs/page.md").read_text(encoding="utf-8").split("Each of the versions:")
    assert set(index) == set(re.findall(r"^\| `(\w+)` \|", whole, re.MULTILINE))
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", of_a_version, re.MULTILINE))
    one = index["versions"][0]
    assert set(one) == set(rows)
    for name in ("zips", "binaries", "documents"):
        assert set(one[name][0]) <= set(re.findall(r"`(\w+)`", rows[name])), name
    assert set(one["acceptance"]) == set(re.findall(r"`(\w+)`", rows["acceptance"]))
    assert set(one["files"]) == set(re.findall(r"`(\w+)`", rows["files"]))
