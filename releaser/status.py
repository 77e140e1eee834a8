"""Where things are: main, tags, candidates and bucket, and what of the newest source is done."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from releaser import candidate, pruning, report, runner, train, version
from releaser.errors import SourceError, TrainError
from releaser.installing import foundations, whereabouts
from releaser.model import BUILDPACK, Release, World

SHOWN = 10  # releases and candidates that a person sees; --json has them all


def tell(world: World, here: Path, *, as_json: bool) -> None:
    """Print where things are, in git, in the bucket and on each configured foundation."""
    with report.aside(as_json):
        found, places = document(world, here), foundations.look(world, here)
    if as_json:
        report.document({**found, "foundations": whereabouts.document(places)})
        return
    show(found)
    whereabouts.show(places)


def document(world: World, here: Path) -> Mapping[str, Any]:
    """Return what git and the bucket say; `here` is the checkout."""
    release = _newest(world, here)
    found = pruning.find(world, world.config.prune.after_days)
    left = [one for one in found if one.state != "released"]
    return {
        "environment": world.environment,
        "main": _main(world),
        "newest": None if release is None else _newest_source(release),
        "releases": _releases(world),
        "candidates": [pruning.document(one) for one in left],
        "superseded": sum(one.kept != "the newest source" and one.state == "accepted" for one in left),
    }


def _newest(world: World, here: Path) -> Release | None:
    try:
        return Release(train.facts(world, here, None, keep=False), world)
    except SourceError as error:
        report.error(error.message, error.remedy)
        return None


def _newest_source(release: Release) -> Mapping[str, Any]:
    return {"version": release.version, "source": release.facts.source, "steps": steps(release)}


def _main(world: World) -> Mapping[str, Any]:
    repository, branch = world.repository, world.config.git.branch
    commit = repository.branch(branch)
    named = repository.read(commit, f"{BUILDPACK}/VERSION") if commit else None
    return {"branch": branch, "commit": commit, "version": named.decode().strip() if named else None}


def _releases(world: World) -> list[Mapping[str, Any]]:
    """Return every tagged release, newest first, and whether its record and a yank are in the bucket."""
    keys, tags = {one.key for one in world.store.list(f"{world.prefix()}/")}, world.repository.tags()
    rows: list[Mapping[str, Any]] = []
    for facts in reversed(version.released(world)):
        release = Release(facts, world)
        rows.append(
            {
                "version": facts.version,
                "tag": release.tag,
                "source": facts.source,
                "commit": tags[release.tag].commit,
                "published": release.record_key in keys,
                "yanked": f"{release.public_prefix}/yanked.json" in keys,
            }
        )
    return rows


def steps(release: Release) -> dict[str, str]:
    """Return, for each verb, what the world shows of it; a dash where nothing does."""
    rows, said = {}, _as_ready_says(release)
    for step in runner.STEPS:
        verb = runner.verb(step)
        try:
            rows[verb] = step.find(release) or said.get(verb, "-")
        except TrainError as error:
            rows[verb] = said.get(verb, f"- ({error.message.splitlines()[0]})")
    return rows


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


def show(found: Mapping[str, Any]) -> None:
    """Print what `document` found, for people."""
    main, newest = found["main"], found["newest"]
    report.title(f"{main['branch']}, {found['environment']}")
    report.facts({"commit": main["commit"] or "not there yet", "version": main["version"] or "none yet"})
    if newest:
        report.title(f"The newest source: {newest['version']} from {newest['source'][:12]}")
        report.facts(newest["steps"])
    _show_list("Releases", {one["version"]: _release_words(one) for one in found["releases"]})
    _show_list("Candidates", {one["source"]: _candidate_words(one) for one in found["candidates"]})
    if found["superseded"]:
        count = found["superseded"]
        report.fact(f"{count} accepted and superseded: ./inv prune removes what is old")


def _show_list(title: str, rows: Mapping[str, str]) -> None:
    if rows:
        more = len(rows) - SHOWN
        report.title(title + (f" ({SHOWN} of {len(rows)}; --json has all)" if more > 0 else ""))
        report.facts(dict(list(rows.items())[:SHOWN]))


def _release_words(one: Mapping[str, Any]) -> str:
    state = "published" if one["published"] else "TAGGED, NOT ALL PUBLISHED: ./inv release finishes it"
    return f"{one['tag']} on {one['commit'][:12]}, {state}" + (", YANKED" if one["yanked"] else "")


def _candidate_words(one: Mapping[str, Any]) -> str:
    parts = f"{one['version'] or 'no version'}, {one['state']}, {one['days']} days old"
    return parts + (f"; {one['stays']}" if one["stays"] else "; ./inv prune removes it")
