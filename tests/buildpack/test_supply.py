"""What bin/supply installs: from the zip, by a download, from the cache of an earlier staging."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.buildpack.file_server import FileServer
from tests.buildpack.staging_area import (
    NAME,
    NOWHERE,
    PROGRAM,
    VERSION,
    Staging,
    digest,
    held,
    packaged,
    pin,
    staging,
    unreleased,
)

KEPT = f"cache/{NAME}-{digest(PROGRAM)}"
INSTALLED = {f"app/{NAME}", f"contents/deps/0/bin/{NAME}", "contents/deps/0/config.yml"}


def require_installed(used: Staging) -> None:
    for path in used.installed:
        assert not path.is_symlink()
        assert path.read_bytes() == PROGRAM
        assert path.stat().st_mode & 0o7777 == 0o755
        answer = subprocess.run([path], capture_output=True, text=True, check=True)
        assert answer.stdout == f"{NAME} {VERSION}\n"


def test_uncached_downloads_the_program_and_installs_it_in_both_places(
    uncached: Staging, server: FileServer
) -> None:
    done = uncached.supply()
    assert (done.code, done.err) == (0, "")
    require_installed(uncached)
    assert server.asked == ["/config-server"]
    assert uncached.files() == {*INSTALLED, KEPT}


def test_cached_installs_the_program_of_the_zip_without_asking_the_server(
    cached: Staging, server: FileServer
) -> None:
    done = cached.supply()
    assert (done.code, done.err) == (0, "")
    require_installed(cached)
    assert server.asked == []
    assert cached.files() == INSTALLED


def test_cached_for_any_stack_installs_the_program_of_the_zip(tmp_path: Path) -> None:
    source = pin(unreleased(tmp_path / "source"), NOWHERE)
    buildpack = packaged(source, tmp_path / "buildpack", cached=True, stack=None)
    used = staging(tmp_path / "staging", buildpack, index="07")
    assert used.supply().code == 0
    require_installed(used)


def test_output_begins_with_the_version_and_goes_on_with_facts(uncached: Staging) -> None:
    first, *facts = uncached.supply().out.splitlines()
    assert first == f"-----> Installing {NAME} v{VERSION}"
    assert all(fact.startswith("       ") and fact[7] != " " for fact in facts), facts
    arguments = (uncached.build, uncached.cache, uncached.deps, uncached.index)
    assert all(str(argument) in facts[0] for argument in arguments)
    assert any(digest(PROGRAM) in fact for fact in facts)


@pytest.mark.parametrize("version", ["1.2.0", "1.10", "10"])
def test_config_yml_has_name_and_version_as_strings(tmp_path: Path, server: FileServer, version: str) -> None:
    buildpack = pin(unreleased(tmp_path / "buildpack"), server.url(), version=version)
    (buildpack / "VERSION").write_text(version)  # the official packager's has no newline at its end
    used = staging(tmp_path / "staging", buildpack)
    assert used.supply().code == 0
    config = yaml.safe_load((used.deps / "0" / "config.yml").read_text())
    assert config == {"name": NAME, "version": version}


@pytest.mark.parametrize("folder", ["with two  spaces", "mit-ümläut-日本", 'it\'s "quoted" $HOME *', "-dash"])
@pytest.mark.parametrize("variant", ["cached", "uncached"])
def test_folders_of_any_name_are_used_as_they_are(
    tmp_path: Path, server: FileServer, folder: str, variant: str
) -> None:
    source = pin(unreleased(tmp_path / folder / "source"), server.url())
    buildpack = packaged(source, tmp_path / folder / "buildpack", cached=variant == "cached")
    used = staging(tmp_path / folder / "staging", buildpack)
    done = used.supply()
    assert (done.code, done.err) == (0, "")
    require_installed(used)


def test_a_strict_umask_does_not_take_the_program_from_others(cached: Staging) -> None:
    script = cached.buildpack / "bin" / "supply"
    words = ["bash", "-c", 'umask 077; exec "$0" "$@"', script, cached.build, cached.cache, cached.deps, "0"]
    subprocess.run([str(word) for word in words], check=True)
    require_installed(cached)


def test_restaging_installs_again_from_the_cache_over_its_own_file(
    uncached: Staging, server: FileServer
) -> None:
    assert uncached.supply().code == 0
    uncached.installed[0].write_bytes(b"damaged meanwhile")
    done = uncached.supply()
    assert (done.code, done.err) == (0, "")
    assert "from the cache" in done.out
    require_installed(uncached)
    assert len(server.asked) == 1


def test_a_damaged_cache_is_downloaded_again(uncached: Staging, server: FileServer) -> None:
    (uncached.folder / KEPT).write_bytes(PROGRAM[:-1])
    assert uncached.supply().code == 0
    require_installed(uncached)
    assert (uncached.folder / KEPT).read_bytes() == PROGRAM
    assert len(server.asked) == 1


def test_what_earlier_versions_and_killed_stagings_left_in_the_cache_is_removed(uncached: Staging) -> None:
    (uncached.cache / f"{NAME}-{'0' * 64}").write_bytes(b"an earlier version")
    (uncached.cache / f"{NAME}-new.abc").mkdir()
    (uncached.cache / f"{NAME}-new.abc" / "program").write_bytes(PROGRAM[:100])
    (uncached.cache / "of-another-buildpack").touch()
    assert uncached.supply().code == 0
    assert uncached.files() == {*INSTALLED, KEPT, "cache/of-another-buildpack"}


def test_a_cache_that_the_platform_has_not_made_is_made(uncached: Staging) -> None:
    uncached.cache.rmdir()
    assert uncached.supply().code == 0
    require_installed(uncached)


def test_a_redirect_is_followed(uncached: Staging, server: FileServer) -> None:
    server.plan = ["/elsewhere", "whole"]
    assert uncached.supply().code == 0
    require_installed(uncached)
    assert server.asked == ["/config-server", "/elsewhere"]


def test_the_download_goes_through_the_proxy_that_the_environment_names(
    tmp_path: Path, server: FileServer
) -> None:
    url = "http://releases.invalid/config-server"
    used = staging(tmp_path / "staging", pin(unreleased(tmp_path / "buildpack"), url))
    done = replace(used, env={"http_proxy": server.url("")}).supply()
    assert done.code == 0, done.err
    require_installed(used)
    assert server.asked == [url]


def test_cached_zip_whose_program_was_damaged_is_refused_with_both_digests(cached: Staging) -> None:
    held(cached.buildpack).write_bytes(b"damaged")
    done = cached.supply()
    assert done.code == 1
    assert digest(b"damaged") in done.err
    assert digest(PROGRAM) in done.err
    assert cached.files() == set()


def test_cached_zip_without_its_program_is_refused_and_nothing_downloaded(
    cached: Staging, server: FileServer
) -> None:
    place = held(cached.buildpack)
    place.unlink()
    done = cached.supply()
    assert done.code == 1
    assert f"lacks its {place.relative_to(cached.buildpack)}" in done.err
    assert server.asked == []
    assert cached.files() == set()
