"""Installing Debian packages."""

import pytest

from host import packages
from host.errors import HostError
from host.machine import Machine
from tests.host.machines import Scripts

INSTALL = "apt-get install -y -q --no-install-recommends -oDPkg::Lock::Timeout=120"


def ensure(scripts: Scripts, machine: Machine, *names: str) -> list[str]:
    return packages.ensure_packages(names, scripts.said.append, folder=scripts.folder, machine=machine)


def test_what_is_there_is_not_installed(scripts: Scripts) -> None:
    scripts.add("gcc")
    scripts.add("apt-get")
    assert ensure(scripts, scripts.machine(), "gcc") == []
    assert (scripts.calls(), scripts.said) == ([], [])


def test_a_program_of_another_package_that_does_as_well_is_enough(scripts: Scripts) -> None:
    scripts.add("google-chrome")
    scripts.add("apt-get")
    assert ensure(scripts, scripts.machine(), packages.BROWSER) == []
    assert scripts.calls() == []


def test_only_what_is_missing_is_installed_and_noted(scripts: Scripts) -> None:
    scripts.add("gcc")
    scripts.add("apt-get", f'[ "$1" = update ] || /bin/ln -s /bin/true "{scripts.bin}/mmdebstrap"')
    assert ensure(scripts, scripts.machine(), "gcc", "mmdebstrap") == ["mmdebstrap"]
    assert scripts.calls() == ["apt-get update -q", f"{INSTALL} mmdebstrap debian-archive-keyring"]
    assert packages.noted(scripts.folder) == ["mmdebstrap"]


def test_the_note_grows(scripts: Scripts) -> None:
    body = '[ "$1" = update ] || case "$*" in *gcc*) p=gcc ;; *) p=mmdebstrap ;; esac; '
    scripts.add("apt-get", f'{body}/bin/ln -sf /bin/true "{scripts.bin}/$p"')
    ensure(scripts, scripts.machine(), "mmdebstrap")
    ensure(scripts, scripts.machine(), "gcc")
    assert packages.noted(scripts.folder) == ["gcc", "mmdebstrap"]


def test_lists_that_cannot_be_refreshed_may_still_do(scripts: Scripts) -> None:
    offline = '[ "$1" = update ] && { echo "E: no network"; exit 100; }'
    scripts.add("apt-get", f'{offline}; /bin/ln -s /bin/true "{scripts.bin}/gcc"')
    assert ensure(scripts, scripts.machine(), "gcc") == ["gcc"]
    assert scripts.said == ["Installing gcc (apt-get)", "E: no network"]


def test_a_failure_carries_apt_gets_words_and_the_command(scripts: Scripts) -> None:
    scripts.add("apt-get", 'echo "E: no $1"; exit 100')
    with pytest.raises(HostError) as caught:
        ensure(scripts, scripts.machine(), "gcc")
    assert caught.value.message == "apt-get could not install gcc (exit 100):\nE: no update\nE: no install"
    assert caught.value.remedy == (
        "Run: apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev"
    )
    assert packages.noted(scripts.folder) == []


def test_an_installation_that_brings_no_program_is_an_error(scripts: Scripts) -> None:
    scripts.add("apt-get")
    with pytest.raises(HostError, match="mmdebstrap, but"):
        ensure(scripts, scripts.machine(), "mmdebstrap")


def test_sudo_is_given_the_proxies_and_no_questions(scripts: Scripts) -> None:
    scripts.add_sudo()
    scripts.add(
        "apt-get",
        f'echo "E: $DEBIAN_FRONTEND $HTTPS_PROXY"; /bin/cat; /bin/ln -sf /bin/true "{scripts.bin}/gcc"',
    )
    environment = {**scripts.machine().environment, "HTTPS_PROXY": "http://proxy:1", "SECRET": "x"}
    ensure(scripts, scripts.machine(uid=1000, environment=environment), "gcc")
    words = "sudo -n env HTTPS_PROXY=http://proxy:1 DEBIAN_FRONTEND=noninteractive"
    assert f"{words} apt-get update -q" in scripts.calls()
    assert scripts.said[1:] == ["E: noninteractive http://proxy:1"] * 2


def test_where_we_may_not_install_it_is_said(scripts: Scripts) -> None:
    ours, fedora = scripts.machine(uid=1000), scripts.machine(families=frozenset({"fedora"}))
    assert packages.can_install(scripts.machine())
    for machine in (ours, fedora):
        assert not packages.can_install(machine)
        with pytest.raises(HostError, match="gcc: not"):
            ensure(scripts, machine, "gcc")
