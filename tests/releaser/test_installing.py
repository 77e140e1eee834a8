"""Installing and going back, on a foundation that keeps the API's rules."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from releaser.errors import ConfigError, FoundationError, SigningError, StoreError, TrainError
from releaser.installing import install as installing
from releaser.installing import slot, swapping
from releaser.tools import cf
from releaser.tools.s3 import Store
from tests.foundation.api.talk import buildpack_zip
from tests.releaser import site as sites
from tests.releaser.site import BUILDPACK, ROOT, STACK, Site, until

pytestmark = pytest.mark.slow  # each test has a foundation of its own

OLD, NEW = "0.1.0", "0.1.1"
# cloud_controller's rule for the part of a key before the slash: a domain with a dot.
PART = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"({PART}\.)+{PART}")


@pytest.fixture
def site(tmp_path: Path, store: Store, prefix: str) -> Iterator[Site]:
    with sites.serve(tmp_path, store, prefix) as found:
        yield found


def file(version: str, variant: str = "cached", stack: str = STACK) -> str:
    return f"{BUILDPACK}{'-cached' if variant == 'cached' else ''}-{stack}-v{version}.zip"


def ours(version: str, name: str = BUILDPACK, *, enabled: bool = True) -> sites.Row:
    return name, STACK, version, enabled, file(version)


def kept(version: str) -> sites.Row:
    return ours(version, f"{BUILDPACK}-v{version.replace('.', '-')}", enabled=False)


def install(site: Site, version: str | None = None, **more: object) -> None:
    installing.install(site.world, ROOT, version=version, **more)  # type: ignore[arg-type]


# --- what is there afterwards


def test_first_install_is_last_enabled_and_says_what_it_is(site: Site) -> None:
    site.stand.create_buildpack("ruby_buildpack")
    site.publish(OLD)
    install(site)
    assert site.names() == ["ruby_buildpack", BUILDPACK]
    assert site.records()[1] == ours(OLD)
    record = site.record()
    assert dict(record.labels) == {slot.VERSION: OLD}
    assert set(record.annotations) == {slot.DIGEST, slot.SOURCE, slot.RECORD}
    assert record.annotations[slot.RECORD].endswith(f"/{OLD}/release.json")
    for key in (*record.labels, *record.annotations, slot.POSITION, slot.ENABLED, slot.REPLACED):
        assert DOMAIN.fullmatch(key.partition("/")[0]), f"Cloud Foundry refuses the key {key}"


def test_newer_version_takes_name_position_and_state_and_the_old_one_is_kept(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    for name in ("first", "last"):
        site.stand.create_buildpack(name)
    site.stand.patch(f"/v3/buildpacks/{site.record().guid}", {"position": 2})
    assert site.names() == ["last", BUILDPACK, "first"]
    install(site)
    assert site.names() == ["last", BUILDPACK, "first", f"{BUILDPACK}-v0-1-0"]
    assert (site.records()[1], site.records()[3]) == (ours(NEW), kept(OLD))
    assert slot.POSITION not in site.record().annotations


def test_disabled_one_is_replaced_by_a_disabled_one(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    site.stand.patch(f"/v3/buildpacks/{site.record().guid}", {"enabled": False})
    install(site)
    assert site.records() == [ours(NEW, enabled=False), kept(OLD)]
    assert "disabled, as the old one was" in capsys.readouterr().out


def test_second_install_changes_nothing_and_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.publish(OLD)
    install(site)
    with site.writes() as writes:
        install(site)
    assert writes.seen == []
    assert f"{BUILDPACK} ({STACK}) is {OLD} already" in capsys.readouterr().out


def test_every_stack_of_release_and_foundation_gets_its_own(site: Site) -> None:
    site.publish(OLD, stacks=("cflinuxfs4", "other", "absent"))
    install(site)
    assert [row[:3] for row in site.records()] == [
        (BUILDPACK, "cflinuxfs4", OLD),
        (BUILDPACK, "other", OLD),
    ]


def test_only_the_stack_that_is_asked_for_is_touched(site: Site) -> None:
    site.publish(OLD, stacks=("cflinuxfs4", "other"))
    install(site, stack="other")
    assert [row[1] for row in site.records()] == ["other"]
    with pytest.raises(ConfigError, match="no zip for the stack cflinuxfs9"):
        install(site, stack="cflinuxfs9")


def test_cached_zip_is_preferred_and_the_other_can_be_asked_for(site: Site) -> None:
    site.publish(OLD)
    install(site)
    assert site.record().filename == file(OLD)
    install(site, variant="uncached")
    assert site.record().filename == file(OLD, "uncached")
    install(site)
    assert [row[4] for row in site.records()] == [file(OLD), file(OLD, "uncached")]
    with pytest.raises(ConfigError, match="has no tiny zip"):
        install(site, variant="tiny")


def test_release_without_a_cached_zip_is_installed_uncached(site: Site) -> None:
    site.publish(OLD, variants=("uncached",))
    install(site)
    assert site.record().filename == file(OLD, "uncached")


def test_two_old_ones_stay_and_a_locked_one_too(site: Site) -> None:
    site.publish("0.1.0", "0.1.1", "0.1.2", "0.1.3", "0.1.4")
    for version in ("0.1.0", "0.1.1", "0.1.2"):
        install(site, version)
    site.stand.patch(f"/v3/buildpacks/{site.record(f'{BUILDPACK}-v0-1-0').guid}", {"locked": True})
    for version in ("0.1.3", "0.1.4"):
        install(site, version)
    assert site.names() == [BUILDPACK, *(f"{BUILDPACK}-v0-1-{patch}" for patch in (0, 2, 3))]


# --- what is refused


def test_older_version_is_refused_with_the_way_back(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site)
    with pytest.raises(FoundationError, match=r"0.1.1 is installed on embedded, which is newer") as caught:
        install(site, OLD)
    assert "./inv rollback --env embedded --to 0.1.0" in caught.value.remedy


def test_unknown_version_is_refused_with_those_that_there_are(site: Site) -> None:
    site.publish(OLD, NEW)
    with pytest.raises(ConfigError, match=r"config-server 9.9.9 is not published") as caught:
        install(site, "9.9.9")
    assert caught.value.remedy == "Published are: 0.1.0, 0.1.1."


def test_locked_buildpack_is_refused_and_nothing_changes(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    site.stand.patch(f"/v3/buildpacks/{site.record().guid}", {"locked": True})
    with pytest.raises(FoundationError, match=r"config-server_buildpack \(cflinuxfs4\) is locked") as caught:
        install(site)
    assert f"cf update-buildpack {BUILDPACK} -s cflinuxfs4 --unlock" in caught.value.remedy
    assert site.records() == [ours(OLD)]


@pytest.mark.parametrize("stack", [STACK, None])
def test_somebody_elses_buildpack_is_left_alone_until_it_is_adopted(site: Site, stack: str | None) -> None:
    site.stand.create_buildpack(BUILDPACK, stack)
    site.stand.create_buildpack("first")
    site.publish(OLD)
    theirs = site.records()
    with pytest.raises(FoundationError, match="did not put it there") as caught:
        install(site)
    assert site.records() == theirs
    assert "--adopt" in caught.value.remedy
    install(site, adopt=True)
    before = (f"{BUILDPACK}-before-adoption", stack, None, False, "b.zip")
    assert site.records() == [theirs[0], ours(OLD), before]


def test_name_that_is_needed_and_is_somebody_elses_is_refused(site: Site) -> None:
    site.stand.create_buildpack(f"{BUILDPACK}-v0-1-0")
    site.publish(OLD)
    with pytest.raises(FoundationError, match=r"config-server_buildpack-v0-1-0 .* did not put it there"):
        install(site)
    assert site.names() == [f"{BUILDPACK}-v0-1-0"]


def test_leftover_of_a_failed_creation_is_removed(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    site.stand.post("/v3/buildpacks", {"name": BUILDPACK})
    assert site.records()[0] == (BUILDPACK, None, None, True, None)
    install(site)
    assert site.records() == [ours(NEW), kept(OLD)]


def test_namesake_on_another_stack_is_not_touched(site: Site) -> None:
    site.stand.create_buildpack(BUILDPACK, "other")
    site.publish(OLD)
    install(site)
    assert site.records() == [(BUILDPACK, "other", None, True, "b.zip"), ours(OLD)]


def test_zip_that_is_not_the_records_is_not_installed(site: Site) -> None:
    site.publish(OLD)
    key = f"{site.prefix}/{OLD}/{file(OLD)}"
    site.world.store.client.put_object(Bucket=site.world.store.bucket, Key=key, Body=buildpack_zip())
    with pytest.raises(StoreError):
        install(site)
    assert BUILDPACK not in site.names()


def test_bits_that_somebody_uploaded_under_our_label_are_replaced(site: Site) -> None:
    site.publish(OLD)
    install(site)
    site.stand.upload(f"/v3/buildpacks/{site.record().guid}/upload", buildpack_zip(), "mine.zip")
    install(site)
    assert site.record().filename == file(OLD)
    assert site.record(f"{BUILDPACK}-v0-1-0").filename == "mine.zip"


def test_environment_without_a_foundation_of_its_own_has_none_to_install_on(site: Site) -> None:
    site.publish(OLD)
    config = site.world.config
    local = config.model_copy(update={"foundation": config.foundation.model_copy(update={"api": None})})
    with pytest.raises(ConfigError, match="has no foundation of its own to install on") as caught:
        installing.install(replace(site.world, config=local, environment="production"), ROOT)
    assert "Set foundation.api" in caught.value.remedy


def test_without_a_user_it_says_which_variables_to_set(site: Site) -> None:
    site.publish(OLD)
    world = replace(site.world, access=None)
    with pytest.raises(ConfigError) as caught:
        installing.install(world, ROOT)
    assert "CF_USERNAME and CF_PASSWORD" in caught.value.remedy


# --- signatures


def signed_world(site: Site, tmp_path: Path) -> tuple[Site, bytes]:
    """Return the site where signing.public_key is asked for, and the raw signature of the record by it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "release.pub").write_bytes(pem)
    signing = site.world.config.signing.model_copy(update={"public_key": "release.pub"})
    settings = site.world.config.model_copy(update={"signing": signing})
    record = site.world.store.read(f"{site.prefix}/{OLD}/release.json") or b""
    return replace(site, world=replace(site.world, config=settings)), key.sign(record)


def test_record_that_is_signed_by_the_configured_key_is_installed(site: Site, tmp_path: Path) -> None:
    site.publish(OLD)
    asking, signature = signed_world(site, tmp_path)
    site.put(f"{site.prefix}/{OLD}/release.json.sig", signature)
    installing.install(asking.world, tmp_path)
    assert site.records() == [ours(OLD)]


@pytest.mark.parametrize(
    ("signature", "words"), [(None, "is not signed"), (b"x" * 64, "not signed by the key")]
)
def test_record_that_is_not_signed_by_the_configured_key_is_refused(
    site: Site, tmp_path: Path, signature: bytes | None, words: str
) -> None:
    site.publish(OLD)
    asking, _ = signed_world(site, tmp_path)
    if signature:
        site.put(f"{site.prefix}/{OLD}/release.json.sig", signature)
    with pytest.raises(SigningError, match=words):
        installing.install(asking.world, tmp_path)
    assert site.records() == []


# --- stagings under way


def begin_staging(site: Site, *buildpacks: str) -> threading.Event:
    """Begin a staging that ends when the event is set."""
    end = threading.Event()
    site.stand.stager.before = lambda: end.wait(60)
    app = site.stand.create_app("staged", lifecycle={"type": "buildpack", "data": {"buildpacks": buildpacks}})
    site.stand.post("/v3/builds", {"package": {"guid": site.stand.create_package(app)}})
    until(lambda: site.stand.stager.requests)
    return end


def test_running_staging_is_waited_for(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    end = begin_staging(site, BUILDPACK)
    thread = threading.Thread(target=install, args=(site,))
    thread.start()
    said: list[str] = []

    def waits() -> bool:
        said.append(capsys.readouterr().out)
        return "Waiting for 1 running" in "".join(said)

    until(waits)
    assert f"that use {BUILDPACK}: staged" in "".join(said)
    assert site.record().labels[slot.VERSION] == OLD
    end.set()
    thread.join()
    assert site.record().labels[slot.VERSION] == NEW


def test_staging_that_takes_too_long_is_named_and_nothing_is_swapped(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    end = begin_staging(site, BUILDPACK)
    monkeypatch.setattr(swapping, "STAGING_S", 0.05)
    try:
        with pytest.raises(FoundationError, match=r"staging of staged .* nothing was swapped") as caught:
            install(site)
    finally:
        end.set()
    assert "Run it again" in caught.value.remedy
    assert site.record().labels[slot.VERSION] == OLD


def test_staging_with_other_buildpacks_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swapping, "STAGING_S", 0.05)
    site.publish(OLD, NEW)
    install(site, OLD)
    site.stand.create_buildpack("other_buildpack")
    end = begin_staging(site, "other_buildpack")
    try:
        install(site)
    finally:
        end.set()
    assert site.record().labels[slot.VERSION] == NEW


# --- going back


def test_rollback_swaps_with_the_kept_one_and_uploads_nothing(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    first = site.record().guid
    site.stand.create_buildpack("above")
    install(site)
    with site.writes() as writes:
        installing.rollback(site.world, ROOT, to=OLD)
    assert not any("upload" in one for one in writes.seen)
    assert site.record().guid == first
    assert site.records()[1:] == [ours(OLD), kept(NEW)]
    assert site.names()[0] == "above"


def test_rollback_to_one_that_is_not_kept_takes_it_from_the_bucket(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site)
    installing.rollback(site.world, ROOT, to=OLD)
    assert site.records() == [ours(OLD), kept(NEW)]


def test_rollback_twice_changes_nothing_more(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    install(site)
    installing.rollback(site.world, ROOT, to=OLD)
    with site.writes() as writes:
        installing.rollback(site.world, ROOT, to=OLD)
    assert writes.seen == []


def test_rollback_to_a_kept_uncached_one_keeps_that_variant(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD, variant="uncached")
    install(site)
    installing.rollback(site.world, ROOT, to=OLD)
    assert site.record().filename == file(OLD, "uncached")


def test_install_after_a_rollback_goes_forward_again(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    install(site)
    installing.rollback(site.world, ROOT, to=OLD)
    install(site)
    assert site.records() == [ours(NEW), kept(OLD)]


def test_rollback_to_a_newer_version_is_refused(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    with pytest.raises(FoundationError, match="no way back") as caught:
        installing.rollback(site.world, ROOT, to=NEW)
    assert "./inv install --version 0.1.1" in caught.value.remedy


def test_rollback_to_a_locked_kept_one_is_refused(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    install(site)
    site.stand.patch(f"/v3/buildpacks/{site.record(f'{BUILDPACK}-v0-1-0').guid}", {"locked": True})
    with pytest.raises(FoundationError, match="is locked"):
        installing.rollback(site.world, ROOT, to=OLD)
    assert site.records() == [ours(NEW), kept(OLD)]


# --- two at once


def at_once(*actions: object) -> list[TrainError]:
    """Run actions at the same instant, and return the errors that users would see."""
    barrier, errors, broken = threading.Barrier(len(actions)), [], []

    def run(action: object) -> None:
        barrier.wait()
        try:
            action()  # type: ignore[operator]
        except TrainError as error:
            errors.append(error)
        except BaseException as error:  # noqa: BLE001  # shown below
            broken.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    return errors


@pytest.mark.parametrize("round_", range(4))
def test_same_version_twice_at_once_is_installed_once(site: Site, round_: int) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    assert at_once(*[lambda: install(site)] * 3) == []
    assert site.records() == [ours(NEW), kept(OLD)]


@pytest.mark.parametrize("round_", range(4))
def test_of_two_versions_at_once_the_newer_wins(site: Site, round_: int) -> None:
    site.publish(OLD, NEW, "0.1.2")
    install(site, OLD)
    errors = at_once(lambda: install(site, NEW), lambda: install(site, "0.1.2"))
    assert all("0.1.2 is installed on embedded, which is newer" in error.message for error in errors)
    install(site, "0.1.2")
    assert site.records()[0] == ours("0.1.2")
    assert set(site.records()[1:]) <= {kept(OLD), kept(NEW)}
    assert kept(OLD) in site.records()


@pytest.mark.parametrize("round_", range(4))
def test_install_and_rollback_at_once_leave_one_of_the_two(site: Site, round_: int) -> None:
    site.publish(OLD, NEW, "0.1.2")
    install(site, OLD)
    install(site, NEW)
    at_once(lambda: install(site, "0.1.2"), lambda: installing.rollback(site.world, ROOT, to=OLD))
    assert site.record().labels[slot.VERSION] in (OLD, "0.1.2")
    assert site.record().enabled
    install(site, "0.1.2")
    assert site.records()[0] == ours("0.1.2")


# --- killed and run again


def begun(site: Site, action: str) -> None:
    """Bring the foundation to where the action starts."""
    site.publish(OLD, NEW)
    site.stand.create_buildpack("below")
    if action == "adopt":
        site.stand.create_buildpack(BUILDPACK)
    elif action != "first":
        install(site, OLD)
        site.stand.patch(f"/v3/buildpacks/{site.record().guid}", {"position": 1})
    if action == "rollback":
        install(site, NEW)
    if action == "leftover":
        site.stand.post("/v3/buildpacks", {"name": BUILDPACK})


def act(site: Site, action: str) -> None:
    if action == "rollback":
        installing.rollback(site.world, ROOT, to=OLD)
    else:
        install(site, NEW, adopt=action == "adopt")


@pytest.mark.parametrize("action", ["first", "newer", "rollback", "adopt", "leftover"])
def test_killed_after_any_change_and_run_again_ends_the_same(
    tmp_path: Path, store: Store, prefix: str, action: str
) -> None:
    with sites.serve(tmp_path / "undisturbed", store, f"{prefix}-0") as site:
        begun(site, action)
        with site.writes() as writes:
            act(site, action)
        undisturbed, count = site.records(), len(writes.seen)
    assert count >= 3
    for number in range(1, count + 1):
        with sites.serve(tmp_path / str(number), store, f"{prefix}-{number}") as site:
            begun(site, action)
            with pytest.raises(sites.Killed), sites.Writes(kill_after=number):
                act(site, action)
            act(site, action)
            assert site.records() == undisturbed, f"killed after {writes.seen[number - 1]}"


def test_rollback_that_was_killed_leaves_nothing_for_the_next_install(site: Site) -> None:
    site.publish(OLD, NEW)
    install(site, OLD)
    install(site, NEW)
    there = site.records()
    with pytest.raises(sites.Killed), sites.Writes(kill_after=1):
        installing.rollback(site.world, ROOT, to=OLD)
    assert site.records() != there
    install(site)
    assert site.records() == there


def test_position_is_that_of_the_swap_that_was_killed_last(site: Site) -> None:
    """Older kept ones remember positions too."""
    site.publish(OLD, NEW, "0.1.2")
    install(site, OLD)
    install(site, NEW)
    for name in ("a", "b"):
        site.stand.create_buildpack(name)
    with pytest.raises(sites.Killed), sites.Writes(kill_after=3):
        install(site)
    assert BUILDPACK not in site.names()
    install(site)
    assert site.names()[:3] == ["b", "a", BUILDPACK]


def test_upload_that_the_foundation_refuses_is_explained_and_can_be_repeated(site: Site) -> None:
    site.publish(OLD)
    with pytest.raises(sites.Killed), sites.Writes(kill_after=1):
        install(site)
    (incoming,) = cf.all_buildpacks(site.session)
    assert (incoming.ready, incoming.enabled) == (False, False)
    site.stand.patch(f"/v3/buildpacks/{incoming.guid}", {"locked": True})
    with pytest.raises(FoundationError, match="is locked"):
        install(site)
    site.stand.patch(f"/v3/buildpacks/{incoming.guid}", {"locked": False})
    install(site)
    assert site.records() == [ours(OLD)]
