"""Times a warm push of rubyapp to the local foundation, by phases, beside `docker run` of the bare image.

The bare run has the same root file system, app and start command, but no buildpack and no sidecar: what it
takes is the floor. A push is healthy when `/` answers, and so is the bare run.
"""

import argparse
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from bench import harness
from releaser.tools import cf

APP = Path(__file__).resolve().parents[1] / "fixtures" / "rubyapp"
NAME = "bench-push"
COMMAND = "rackup --host 0.0.0.0 --port 8080"
ANSWERS_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Phases:
    """Seconds of one push; `start` ends when the app answers."""

    upload: float
    stage: float
    start: float

    @property
    def total(self) -> float:
        """The whole push, from its first byte to the app's answer."""
        return self.upload + self.stage + self.start


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure on the foundation that --ready describes, with the buildpack zip that --zip names."""
    options = _parser().parse_args(arguments)
    ready = json.loads(options.ready.read_text(encoding="utf-8"))
    session = cf.login(ready["api"], ready["user"], ready["password"])
    space = cf.ensure_space(session, ready["organization"], ready["space"])
    with _pushing(session, space, options.zip) as push:
        _save(push, lambda: _bare(options.image), options.rounds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.push", description=__doc__)
    parser.add_argument("--ready", type=Path, required=True, help="the foundation's ready.json")
    parser.add_argument("--zip", type=Path, required=True, help="the buildpack to push with")
    parser.add_argument("--image", required=True, help="the stack's image, for the bare run")
    parser.add_argument("--rounds", type=int, default=5)
    return parser


def _save(push: Callable[[], Phases], bare: Callable[[], Phases], rounds: int) -> None:
    """Compare the whole push with the bare run, and show each phase of the same pushes beside it."""
    pushes, runs = harness.alternate(rounds, push, bare)  # the warm-up fills images and caches
    floor = [one.total for one in runs]
    taken = {
        "push-to-healthy": [one.total for one in pushes],
        "upload": [one.upload for one in pushes],
        "stage": [one.stage for one in pushes],
        "start": [one.start for one in pushes],
    }
    figures = [
        harness.figure("push", name, ours=seconds, rival=floor, unit="s") for name, seconds in taken.items()
    ]
    harness.save("push", figures, {"engine": _engine()})


@contextmanager
def _pushing(session: cf.Session, space: cf.Space, zip_path: Path) -> Iterator[Callable[[], Phases]]:
    """Install the buildpack, yield what pushes the app once, and leave nothing behind."""
    given = cf.read_manifest(APP / "manifest.yml")
    with ExitStack() as ending:
        buildpack = cf.install_buildpack(session, zip_path, name=NAME)
        ending.callback(cf.delete_buildpack, session, buildpack)
        entry = {**given, "name": NAME, "buildpacks": [buildpack.name, *given["buildpacks"][1:]]}
        guid = cf.apply(session, space, entry)
        ending.callback(cf.delete_app, session, guid)
        for route in cf.routes(session, guid):
            ending.callback(cf.delete_route, session, route["guid"])
        yield lambda: _push(session, space, entry)


def _push(session: cf.Session, space: cf.Space, entry: Mapping[str, Any]) -> Phases:
    begun = time.monotonic()
    guid = cf.apply(session, space, entry)
    package = cf.upload(session, guid, APP)
    uploaded = time.monotonic()
    droplet = cf.stage(session, guid, package)
    staged = time.monotonic()
    cf.start(session, guid, droplet)
    _require(cf.visit(session, f"{cf.urls(session, guid)[0]}/").status, "the pushed app")
    return Phases(upload=uploaded - begun, stage=staged - uploaded, start=time.monotonic() - staged)


def _bare(image: str) -> Phases:
    """Run the app in a plain container of the image until it answers: there is nothing to upload or stage."""
    import docker

    client = docker.from_env()
    begun = time.monotonic()
    container = client.containers.create(
        image,
        ["bash", "-c", COMMAND],
        user="vcap",
        working_dir="/home/vcap",
        environment={"HOME": "/home/vcap"},
    )
    try:
        container.put_archive("/home/vcap", _archive())
        container.start()
        container.reload()
        networks = container.attrs["NetworkSettings"]["Networks"].values()
        address = next(iter(networks))["IPAddress"]
        status = cf.wait_for(lambda: _answer(address), limit=ANSWERS_S, what="the bare run's answer")
        _require(status, "the bare run")
        return Phases(upload=0.0, stage=0.0, start=time.monotonic() - begun)
    finally:
        container.remove(force=True)
        client.close()


def _engine() -> str:
    import docker

    client = docker.from_env()
    try:
        return f"Docker {client.version()['Version']}"
    finally:
        client.close()


def _archive() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(APP, arcname=".")
    return content.getvalue()


def _answer(address: str) -> int | None:
    try:
        return requests.get(f"http://{address}:8080/", timeout=5, proxies={"http": ""}).status_code
    except requests.ConnectionError:
        return None


def _require(status: int, what: str) -> None:
    if status != 200:
        raise RuntimeError(f"{what} answers {status}: there is nothing to compare")


if __name__ == "__main__":
    main()
