"""`./inv verify --rebuild VERSION`: builds the tag again, elsewhere, and compares with what is published.

The container itself is made by whoever calls: this says what goes into it and judges what comes out.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from releaser.errors import TrainError, VerifyError
from releaser.model import World
from releaser.tools import go
from releaser.verify import differences, history, objects, subject
from releaser.verify.differences import Names
from releaser.verify.rows import Row, collect, failed, passed, same, warned
from releaser.verify.subject import Subject
from releaser.verify.written import Binary, Zip

PROGRAM = "releaser.verify.inside"
ROOT = Path(__file__).resolve().parents[2]
INSIDE = Path("/rebuild")  # where the container finds what it is given
SECTIONS = ("s3", "git", "foundation")
NAMES = Names("recorded", "rebuilt")
LAST_LINES = 20
SAME_BYTES = ("lock", "architecture")  # of the tools: only where both are equal are a zip's bytes


@dataclass(frozen=True, kw_only=True)
class Errand:
    """What to run in the container: `mounts` maps paths inside to what is there, read-only."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: Mapping[str, Path]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How it ended, and what it printed."""

    code: int
    out: str
    err: str


def check(world: World, version: str, run: Callable[[Errand], Outcome]) -> list[Row]:
    """Return a row for each thing that was compared; `run` does an errand in a container without network."""
    world.repository.fetch()
    try:
        with subject.opened(world, version, None) as opened:
            looks = {"object": objects.read, "tag": history.tag}
            seen = [row for name, look in looks.items() for row in collect(name, partial(look, opened))]
            wrong = [row for row in seen if not row.ok]
            return [*wrong, *collect("rebuild", partial(_rebuilt, opened, run))]
    except TrainError as error:
        return [failed("record", error.message)]


def _rebuilt(opened: Subject, run: Callable[[Errand], Outcome]) -> Iterator[Row]:
    errand = _errand(opened)
    done = run(errand)
    if done.code:
        said = "\n".join((done.err or done.out).splitlines()[-LAST_LINES:])
        raise VerifyError(f"{opened.commit[:12]} cannot be built again; it ended with {done.code}:\n{said}")
    built = json.loads(done.out.splitlines()[-1])
    yield from _compare_binaries(opened, built["binaries"])
    yield from _compare_pins(opened, built["pins"])
    yield from _compare_zips(opened, built)


def _errand(opened: Subject) -> Errand:
    """Clone the remote anew and return what to run: the tag's own code where the tag has this program."""
    release = opened.release
    folder = opened.folder.with_name("rebuild")
    fresh = replace(release.world.repository, directory=folder / "repository.git")
    folder.mkdir()
    fresh.fetch()
    code = folder / "code"
    fresh.export(opened.commit, code)
    if not (code / f"{PROGRAM.replace('.', '/')}.py").exists():
        code = ROOT
    order = {
        "facts": asdict(release.facts),
        "sections": {name: getattr(release.config, name).model_dump(mode="json") for name in SECTIONS},
        "environment": release.world.environment,
        "public": release.world.public.base,
        "repository": str(INSIDE / "repository.git"),
    }
    (folder / "order.json").write_text(json.dumps(order), encoding="utf-8")
    return Errand(
        argv=(sys.executable, "-m", PROGRAM, str(INSIDE / "order.json")),
        environment={"PYTHONPATH": str(INSIDE / "code"), "PYTHONDONTWRITEBYTECODE": "1"},
        mounts={
            str(INSIDE / "repository.git"): fresh.directory,
            str(INSIDE / "order.json"): folder / "order.json",
            str(INSIDE / "code/releaser"): code / "releaser",
        },
    )


def _compare_binaries(opened: Subject, built: Mapping[str, Any]) -> Iterator[Row]:
    for one in opened.record.binaries:
        made = built.get(one.target)
        if made is None:
            yield failed("binary", f"{one.name} was not rebuilt: {one.target} is no target at the tag")
        elif made["sha256"] == one.sha256:
            yield passed("binary", f"{one.name} was rebuilt with the same sha256 {one.sha256}")
            if made["version"] is not None:  # else it runs on other machines only
                wanted = f"{opened.release.name} {opened.release.version}"
                yield same("version", f"what `{one.name} --version` says", wanted, made["version"])
        else:
            lines = [f"{one.name}: recorded sha256 {one.sha256}, rebuilt {made['sha256']}"]
            yield failed("binary", "\n".join([*lines, *_explained(opened, one, made)]))


def _explained(opened: Subject, one: Binary, made: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a binary may differ: what Go wrote into both of them."""
    if one.size != made["size"]:
        yield f"size: recorded {one.size}, rebuilt {made['size']}"
    said = go.build_info(go.find(opened.release.world.config.go.version), opened.file(one.name))
    recorded = {"Go": said.go, "module": said.main.path, **said.settings}
    recorded |= {f"dependency {each.path}": f"{each.version} {each.sum}" for each in said.dependencies}
    different = False
    for name in sorted(recorded.keys() | made["info"].keys()):
        then, now = recorded.get(name, "nothing"), made["info"].get(name, "nothing")
        if then != now:
            different = True
            yield f"{name}: recorded {then}, rebuilt {now}"
    if not different:
        yield f"Go ({said.go}) and its settings are equal in both, so the code that was compiled was another"


def _compare_pins(opened: Subject, built: Mapping[str, str]) -> Iterator[Row]:
    repository = opened.release.world.repository
    for path, text in sorted(built.items()):
        there = repository.read(opened.commit, path)
        if there == text.encode():
            yield passed("pins", f"{path} is the same")
        else:
            why = differences.text(text.encode(), there) if there is not None else "is missing"
            yield failed("pins", f"{path} in {opened.commit[:12]}: {why}")


def _compare_zips(opened: Subject, built: Mapping[str, Any]) -> Iterator[Row]:
    recorded = {one.name: one for one in opened.record.zips}
    for name in sorted(recorded.keys() | built["zips"].keys()):
        if name not in built["zips"]:
            yield failed("zip", f"{name}: recorded, but not rebuilt")
        elif name not in recorded:
            yield failed("zip", f"{name}: rebuilt, but not recorded")
        else:
            yield from _compare_zip(opened, recorded[name], built)


def _compare_zip(opened: Subject, one: Zip, built: Mapping[str, Any]) -> Iterator[Row]:
    made = built["zips"][one.name]
    there = [(row["path"], row["mode"], row["digest"]) for row in made["entries"]]
    lines = differences.entries(one.listed(), there, NAMES)
    if lines:
        yield failed("zip", "\n".join([f"{one.name}: {len(lines)} entries differ", *lines]))
    else:
        yield passed("zip", f"{one.name}: all {len(there)} entries have the same path, mode and digest")
    other = {
        name: f"{name} {opened.record.tools.get(name)} then, {built['tools'].get(name)} now"
        for name in SAME_BYTES
        if opened.record.tools.get(name) != built["tools"].get(name)
    }
    if other:
        yield warned("bytes", f"{one.name} was not compared byte by byte: {'; '.join(other.values())}")
    elif made["sha256"] == one.sha256:
        yield passed("bytes", f"{one.name} has the same sha256 {one.sha256}")
    else:
        yield failed("bytes", f"{one.name}: recorded sha256 {one.sha256}, rebuilt {made['sha256']}")
