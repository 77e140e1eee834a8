"""The train: from a source commit to a published release, and what is already true of one."""

from collections.abc import Mapping
from pathlib import Path

from releaser import acceptance, candidate, packaging, page, placing, pruning, report, runner, source, version
from releaser.errors import ConfigError, TakenError, TrainError
from releaser.model import Facts, Release, World
from releaser.steps import promote

FACTS = "train.json"
ATTEMPTS = 3  # other sources may take the version that was found free


def facts(world: World, here: Path, wanted: str | None, *, keep: bool = True, at: str | None = None) -> Facts:
    """Fetch, find the source commit and its version, and keep them as train.json; `here` is the checkout.

    Without `keep` nothing is written and nothing is handed in: the world stays as it is. `at` is a commit of
    main to release from, though main may have moved on.
    """
    checkout = source.checkout(here)
    _say_dirty(checkout)
    embedded = world.environment == "embedded"
    if embedded and keep:
        source.hand_in(checkout, world.repository)
    world.repository.fetch()
    if embedded and not keep:
        world.repository.borrow(here)
    found = (
        source.find_at(world, checkout, at) if at else source.find(world, checkout.head if embedded else None)
    )
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
    """Finish what is tagged and not all published, then release the newest source."""
    finish(world)
    for _ in range(ATTEMPTS - 1):
        try:
            release_newest(world, here, wanted)
        except TakenError as error:
            if wanted:
                raise
            report.say(f"{error.message}; looking for the next one")
        else:
            return
    release_newest(world, here, wanted)


def release_newest(world: World, here: Path, wanted: str | None) -> None:
    """Run every step for the newest source; raises TakenError where another one has its version."""
    release = Release(facts(world, here, wanted), world)
    if release.tag in world.repository.tags() and promote.find(release):
        report.say(
            f"Nothing to release: {release.name} {release.version} is the newest source, {release.short}."
        )
        return
    report.say(f"Releasing {release.name} {release.version} from {release.short} to {world.environment}")
    for step in runner.STEPS:
        runner.run(step, release)
    _tidy(world)
    summary(release)


def _tidy(world: World) -> None:
    """Remove what was left behind long ago; a release is one also where that cannot be done."""
    try:
        pruning.prune(world, world.config.prune.after_days)
    except TrainError as error:
        report.error(f"what was left behind stays: {error.message}", error.remedy)


def run_step(
    verb: str,
    world: World,
    here: Path,
    train: Path | None,
    *,
    stack: str | None = None,
    out: Path | None = None,
) -> None:
    """Run one step; its facts come from the train.json of an earlier task, else they are found anew.

    `stack` is the only one to accept; `out` gets the candidate's ready.json, in a folder of its name.
    """
    if train is None:
        found = facts(world, here, None)
    else:
        found = Facts.from_json(_text(train))
        world.repository.fetch()
    release = Release(found, world, stack)
    if verb == "promote":
        finish(world)
    runner.run(runner.find_step(verb), release)
    if out:
        _hand_on(release, out)


def _hand_on(release: Release, out: Path) -> None:
    """Write ready.json as it lies in the bucket: whoever has it can accept and promote the candidate."""
    content = release.world.store.read(release.ready_key)
    path = out / release.candidate_prefix.rpartition("/")[2] / "ready.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content or b"")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", "Write it with ./inv plan --out."
        ) from error


def finish(world: World) -> None:
    """Finish each release that is tagged and not all published, oldest first; the newest one must succeed.

    So is one that somebody has merged into a protected main, and that waits for its tag.
    """
    world.repository.fetch()
    merged = [facts for facts in version.candidates(world) if placing.is_merged(Release(facts, world))]
    releases = [Release(facts, world) for facts in version.order([*version.released(world), *merged])]
    recorded = {row.key for row in world.store.list(f"{world.prefix()}/")}
    for release in releases:
        newest = release is releases[-1]
        if release.record_key in recorded and (not newest or promote.find(release)):
            continue
        named = f"{release.name} {release.version}"
        begun = "tagged" if release.tag in world.repository.tags() else "merged"
        report.say(f"Finishing {named}: it is {begun}, but not all of it is published")
        try:
            _finish(release)
        except TrainError as error:
            if newest:
                raise
            report.error(f"{release.version} stays unfinished: {error.message}", error.remedy)


def _finish(release: Release) -> None:
    """Promote it again; where its candidate or acceptance is not in the bucket, make and accept it before."""
    accepted = candidate.ready(release) and acceptance.passed(release)
    for step in [promote] if accepted else runner.STEPS:
        runner.run(step, release)


def show_plan(world: World, here: Path, wanted: str | None, *, as_json: bool = False) -> None:
    """Print what releasing would do, and do nothing."""
    with report.aside(as_json):
        release = Release(facts(world, here, wanted, keep=False), world)
    tagged = release.tag in world.repository.tags()
    if as_json:
        report.document({**plan(release), "tagged": tagged})
        return
    if tagged:
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
    rows = ", ".join(sorted(acceptance.required_rows(release)))
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
    ready, passed = candidate.ready(release), acceptance.passed(release)
    if ready is None or passed is None:
        return
    report.title(f"Released {release.name} {release.version}")
    public = release.world.public
    urls = [public.url(f"{release.public_prefix}/{one.name}") for one in ready.zips]
    environment = release.world.environment
    embedded = environment == "embedded"
    apps = [f"{url} ({name})" for name, url in sorted(passed["urls"].items())]
    rows = {
        "tag": f"{release.tag} on {ready.commit[:12]}, reachable from {release.config.git.branch}",
        "zips": "\n".join(urls),
        "record": public.url(release.record_key),
        "page": public.url(f"{release.world.prefix()}/{page.HTML}"),
        "install": "./inv install" + ("" if embedded else f" --env {environment}"),
    }
    if embedded:
        rows["apps"] = "\n".join(apps)
        rows["stays up"] = "until ./inv clean; stop it with ./inv foundation stop"
    report.facts(rows)
