"""Debian packages that the project needs: which are missing, how they get in, and which ones we put there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from host import programs
from host.errors import HostError
from host.machine import Machine, here

Say = Callable[[str], None]

NOTE = "packages"  # in the folder: what we installed, one a line
LOCK_S = 120  # how long another apt-get may take
TOLD = ("Get:", "Setting up ", "E: ")  # lines of apt-get that users want to see


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package by the program that it is wanted for, and what apt-get only recommends but we need.

    `others` are programs of other packages that do as well.
    """

    program: str
    companions: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


BROWSER = "chromium-headless-shell"
PACKAGES = {
    BROWSER: Package(
        program=BROWSER,
        companions=("fonts-dejavu-core",),
        others=("chromium", "chromium-browser", "google-chrome"),
    ),
    "docker.io": Package(program="dockerd"),
    "faketime": Package(program="faketime"),
    "gcc": Package(program="gcc", companions=("libc6-dev",)),
    "git": Package(program="git"),
    "mmdebstrap": Package(program="mmdebstrap", companions=("debian-archive-keyring",)),
}


def missing(names: Sequence[str], machine: Machine) -> list[str]:
    """Return those packages whose program is not there, from wherever it may have come."""
    return [name for name in names if find(name, machine) is None]


def find(name: str, machine: Machine) -> Path | None:
    """Return the program that a package is wanted for, or one that does as well, or None."""
    names = (PACKAGES[name].program, *PACKAGES[name].others)
    return next((found for found in map(machine.find, names) if found), None)


def can_install(machine: Machine | None = None) -> bool:
    """Say whether `ensure_packages` may install here: Debian or Ubuntu, and we are root or may be."""
    machine = machine or here()
    return machine.debian and programs.as_root(machine) is not None


def command(names: Sequence[str], machine: Machine) -> str:
    """Return the command that a user runs to install packages."""
    sudo = "sudo " if machine.uid else ""
    wanted = " ".join(_with_companions(names))
    return f"{sudo}apt-get update && {sudo}apt-get install -y --no-install-recommends {wanted}"


def ensure_packages(
    names: Sequence[str], say: Say, *, folder: Path, machine: Machine | None = None
) -> list[str]:
    """Install those packages that are missing and return them; `folder` keeps a note for `./inv clean`.

    Raises HostError where they cannot be installed.
    """
    machine = machine or here()
    wanted = missing(names, machine)
    if not wanted:
        return []
    root = programs.as_root(machine, DEBIAN_FRONTEND="noninteractive") if machine.debian else None
    if root is None:
        raise _refusal(wanted, machine)
    say(f"Installing {', '.join(wanted)} (apt-get)")
    _install(wanted, root, say, machine)
    _note(wanted, folder)
    return wanted


def noted(folder: Path) -> list[str]:
    """Return the packages that we installed."""
    note = folder / NOTE
    return note.read_text().split() if note.is_file() else []


def _note(names: Sequence[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NOTE).write_text("".join(f"{name}\n" for name in sorted({*noted(folder), *names})))


def _install(names: Sequence[str], root: Sequence[str], say: Say, machine: Machine) -> None:
    said: list[str] = []

    def line(text: str) -> None:
        said.append(text)
        if text.startswith(TOLD):
            say(text)

    # Lists that cannot be refreshed may still do, so that only the installation decides.
    programs.stream([*root, "apt-get", "update", "-q"], line, machine)
    options = ["-y", "-q", "--no-install-recommends", f"-oDPkg::Lock::Timeout={LOCK_S}"]
    argv = [*root, "apt-get", "install", *options, *_with_companions(names)]
    if code := programs.stream(argv, line, machine):
        words = "\n".join(said[-10:])
        raise HostError(
            f"apt-get could not install {', '.join(names)} (exit {code}):\n{words}", _by_hand(names, machine)
        )
    if still := missing(names, machine):
        raise HostError(
            f"apt-get installed {', '.join(still)}, but the programs are not on PATH",
            _by_hand(still, machine),
        )


def _refusal(names: Sequence[str], machine: Machine) -> HostError:
    if not machine.debian:
        wanted = ", ".join(PACKAGES[name].program for name in names)
        return HostError(
            f"{wanted}: not on PATH, and only on Debian and Ubuntu can we install it, not on {machine.title}",
            "Install it with this system's own package manager.",
        )
    return HostError(
        f"{', '.join(names)}: not installed, and only root or sudo without a password may install packages",
        _by_hand(names, machine),
    )


def _by_hand(names: Sequence[str], machine: Machine) -> str:
    return f"Run: {command(names, machine)}"


def _with_companions(names: Sequence[str]) -> list[str]:
    return [each for name in names for each in (name, *PACKAGES[name].companions)]
