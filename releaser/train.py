"""The train: from a source commit to a published release, and what is already true of one."""

from collections.abc import Mapping
from pathlib import Path

from releaser import candidate, packaging, report, runner, source, version
from releaser.errors import ConfigError, TrainError
from releaser.model import Facts, Release, World
from releaser.steps import promote

FACTS = "train.json"


def facts(world: World, here: Path, wanted: str | None, *, keep: bool = True) -> Facts:
    """Fetch, find the source commit and its version, and keep them as train.json; `here` is the checkout.

    Without `keep` nothing is written and nothing is handed in: the world stays as it is.
    """
    checkout = source.checkout(here)
    _say_dirty(checkout)
    embedded = world.environment == "embedded"
    if embedded and keep:
        source.hand_in(checkout, world.repository)
    world.repository.fetch()
    if embedded and not keep:
        world.repository.borrow(here)
    found = source.find(world, checkout.head if embedded else None)
    source.require_same_configuration(world, checkout, found)
    result = version.of(world, found, wanted)
    if keep:
        world.work.mkdir(parents=True, exist_ok=True)
        (world.work / FACTS).write_text(result.to_json(), encoding="utf-8")
    return result


def _say_dirty(checkout: source.Checkout) -> None:
    if checkout.dirty:
        shown = ", ".join(checkout.dirty[:5]) + (" …" if len(checkout.dirty) > 5 else "")
        report.say(f"Uncommitted changes are not part of the release: {shown}")


def run(world: World, here: Path, wanted: str | None) -> None:
    """Finish the newest release where something of it is missing, then release the newest source."""
    finish_newest(world)
    release = Release(facts(world, here, wanted), world)
    if release.tag in world.repository.tags() and promote.find(release):
        report.say(
            f"Nothing to release: {release.name} {release.version} is the newest source, {release.short}."
        )
        return
    report.say(f"Releasing {release.name} {release.version} from {release.short} to {world.environment}")
    for step in runner.STEPS:
        runner.run(step, release)
    summary(release)


def run_step(verb: str, world: World, here: Path, train: Path | None) -> None:
    """Run one step; its facts come from the train.json of an earlier task, else they are found anew."""
    if train is None:
        found = facts(world, here, None)
    else:
        found = Facts.from_json(_text(train))
        world.repository.fetch()
    runner.run(runner.find_step(verb), Release(found, world))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", "Write it with ./inv plan.") from error


def finish_newest(world: World) -> None:
    """Run promote again for the newest tag, if main, tag, objects and record do not agree yet."""
    world.repository.fetch()
    releases = list(version.released(world).values())
    if not releases:
        return
    newest = Release(releases[-1], world)
    if promote.find(newest) is None:
        report.say(f"Finishing {newest.name} {newest.version}: it is tagged, but not all of it is published")
        runner.run(promote, newest)


def show_plan(world: World, here: Path, wanted: str | None) -> None:
    """Print what releasing would do, and do nothing."""
    release = Release(facts(world, here, wanted, keep=False), world)
    if release.tag in world.repository.tags():
        report.say(f"Nothing to release: {release.name} {release.version} is tagged already.")
        return
    report.title(f"Would release {release.name} {release.version} to {world.environment}")
    report.facts(plan(release))


def plan(release: Release) -> Mapping[str, object]:
    """Return what releasing would do."""
    config = release.config
    zips = [
        packaging.zip_name({"language": release.name}, release.version, stack=stack, cached=one == "cached")
        for stack in config.stacks
        for one in config.variants
    ]
    binaries = [
        f"{release.public_prefix}/{release.binary_path(target).name}-<digest>" for target in config.go.targets
    ]
    rows = ", ".join(sorted(candidate.required_rows(release)))
    return {
        "version": release.version,
        "source": release.facts.source,
        "binary": "\n".join(binaries),
        "files": "\n".join(source.pin_paths()),
        "commit": f"{release.message.splitlines()[0]}\non {release.branch}",
        "acceptance": f"{rows}\non {config.foundation.name}",
        "tag": f"{release.tag} on the release commit, together with {config.git.branch}",
        "zips": "\n".join(f"{release.public_prefix}/{name}" for name in zips),
        "record": release.record_key,
    }


def summary(release: Release) -> None:
    """Print what was released, where it is, how to install it, and where the pushed app answers."""
    ready, passed = candidate.ready(release), candidate.acceptance(release)
    if ready is None or passed is None:
        return
    report.title(f"Released {release.name} {release.version}")
    public = release.world.public
    urls = [public.url(f"{release.public_prefix}/{one.name}") for one in ready.zips]
    # Nobody but containers and the train itself resolves the embedded environment's fixed name.
    embedded = release.world.environment == "embedded"
    installable = release.zips / ready.zips[0].name if embedded else urls[0]
    apps = [f"{url} ({name})" for name, url in sorted(passed["urls"].items())]
    rows = {
        "tag": f"{release.tag} on {ready.commit[:12]}, reachable from {release.config.git.branch}",
        "zips": "\n".join(urls),
        "record": public.url(release.record_key),
        "install": f"cf create-buildpack {release.name}_buildpack {installable} 1",
    }
    if embedded:
        rows["apps"] = "\n".join(apps)
        rows["stays up"] = "until ./inv clean; stop it with ./inv foundation stop"
    report.facts(rows)


def show_status(world: World, here: Path) -> None:
    """Print, for each step, what the world shows of the newest source."""
    release = Release(facts(world, here, None, keep=False), world)
    report.title(f"{release.name} {release.version} from {release.short}, {world.environment}")
    report.facts(status(release))


def _as_ready_says(release: Release) -> Mapping[str, str]:
    """Return what the bucket says of the steps whose work cannot be compared where nothing is compiled."""
    ready = candidate.ready(release)
    if ready is None:
        return {}
    urls = [release.world.public.url(binary["key"]) for binary in ready.binaries]
    said = {
        "upload": ", ".join(urls),
        "commit": ready.commit[:12],
        "package": ", ".join(one.name for one in ready.zips),
    }
    return {verb: f"{what} (as ready.json says; not compared)" for verb, what in said.items()}


def status(release: Release) -> dict[str, str]:
    """Return, for each verb, what the world shows of it; a dash where nothing does."""
    rows, said = {}, _as_ready_says(release)
    for step in runner.STEPS:
        verb = runner.verb(step)
        try:
            rows[verb] = step.find(release) or said.get(verb, "-")
        except TrainError as error:
            rows[verb] = said.get(verb, f"- ({error.message.splitlines()[0]})")
    return rows
