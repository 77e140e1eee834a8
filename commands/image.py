"""What `./inv image` does: the tag of the task image, the image itself, and where it goes."""

import os
from pathlib import Path

from commands import debian, given, image_making, image_pins, wiring
from host import images, packages
from releaser import config, report
from releaser.errors import ConfigError
from releaser.sections import Image

LOCAL = "sidecar-train-task"  # where sidecar.yml names no repository


def tell() -> None:
    """Print the tag that this checkout needs."""
    report.say(image_pins.tag(wiring.ROOT))


def write() -> None:
    """Write that tag into sidecar.yml."""
    report.say(f"sidecar.yml names the task image {image_pins.write(wiring.ROOT)}.")


def update() -> None:
    """Pin the packages' versions that the mirrors have now, and then the tag."""
    if packages.can_install():
        packages.ensure_packages(("mmdebstrap",), report.say, folder=wiring.HOST_STATE)
    found = debian.versions(list(image_pins.packages(wiring.ROOT)))
    changed = image_pins.update(wiring.ROOT, found)
    report.title("Packages of the task image")
    report.facts(changed or {"all": "as they were"})
    write()


def make(*, push: bool, save: str) -> None:
    """Build the image, unless the engine has it, and push or save it."""
    given.take()
    settings = config.load(wiring.SETTINGS)
    named = settings.pipeline.image.repository
    if push and not named:
        raise ConfigError(
            "sidecar.yml names no registry to push the task image to",
            "Set pipeline.image.repository, such as registry.example.com/team/release-train.",
        )
    image_pins.require_named(wiring.ROOT)
    _allow_insecure(settings.pipeline.image)
    wiring.ensure_machine()
    name = f"{named or LOCAL}:{image_pins.tag(wiring.ROOT)}"
    if images.there(name):
        report.say(f"The engine has {name} already.")
    else:
        image_making.build(settings, name)
    if save:
        _save(name, Path(save))
    if push:
        _push(name, f"{named}:latest")


def _allow_insecure(wanted: Image) -> None:
    """Tell an engine that is only started now, as in a task, which registries have no TLS."""
    named = [one.partition("/")[0] for one in (wanted.repository, wanted.base) if one and "/" in one]
    if wanted.insecure and named:
        os.environ.setdefault("DOCKERD_INSECURE_REGISTRIES", " ".join(dict.fromkeys(named)))


def _save(name: str, into: Path) -> None:
    """Write the image to a tar, and beside it its tag, as Concourse's registry-image resource takes them."""
    into.parent.mkdir(parents=True, exist_ok=True)
    images.save([name], into)
    into.with_name("tag").write_text(f"{name.rpartition(':')[2]}\n", encoding="utf-8")
    report.say(f"{into}: {report.size(into.stat().st_size)}")


def _push(name: str, newest: str) -> None:
    """Push the image under its tag, and as the one in which the next one can be built."""
    images.name(name, newest)
    for one in (name, newest):
        report.title(f"Pushing {one}")
        images.push(one, report.fact)
