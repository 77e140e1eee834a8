"""The tasks of `./inv`, a few lines each: they hand over to `releaser` and `commands`."""

from collections.abc import Callable
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task, task

from commands import wiring
from releaser import report

ENV = "where to release to: embedded (the default), production, or one of sidecar.yml's environments"
VERSION = "the version to give to a source that has none yet, such as 1.2.0; else its commits decide"
TRAIN = "the train.json of an earlier task: its facts are taken as they are; else they are found anew"


@task(
    help={
        "env": ENV,
        "version": VERSION,
        "plan": "print what would happen (version, keys, files, commit, tag, zips) and change nothing",
    }
)
@wiring.explained
def release(_: Context, env: str = wiring.EMBEDDED, version: str = "", plan: bool = False) -> None:
    """Run the whole train: the seven steps, to a published release."""
    from releaser import train

    if plan:
        train.show_plan(wiring.looking(env), wiring.ROOT, version or None)
        return
    with wiring.releasing(env) as world:
        train.run(world, wiring.ROOT, version or None)


@task(help={"env": ENV, "version": VERSION, "out": "where to write train.json"})
@wiring.explained
def plan(_: Context, env: str = wiring.EMBEDDED, version: str = "", out: str = "train.json") -> None:
    """Write train.json: the next release's facts, for single steps."""
    from releaser import train

    facts = train.facts(wiring.looking(env), wiring.ROOT, version or None)
    Path(out).write_text(facts.to_json(), encoding="utf-8")
    report.say(f"{out}: {facts.name} {facts.version} from {facts.source[:12]}")


@task(help={"env": ENV})
@wiring.explained
def status(_: Context, env: str = wiring.EMBEDDED) -> None:
    """Say for each step what is true of the newest source."""
    from releaser import train

    train.show_status(wiring.looking(env), wiring.ROOT)


STEPS = {
    "build": "Step 1: test and cross-compile the sidecar.",
    "upload": "Step 2: put the sidecar into the bucket.",
    "bump": "Step 3: write the pins, by which the buildpack finds it.",
    "commit": "Step 4: push the release commit to the candidate's branch.",
    "package": "Step 5: make the zips, uncached and cached, per stack.",
    "accept": "Step 6: push real apps with these zips to a foundation.",
    "promote": "Step 7: publish it: main, tag, zips, record.",
}


def _step(verb: str, doc: str) -> Task[Callable[..., None]]:
    def run(_: Context, env: str = wiring.EMBEDDED, train: str = "") -> None:
        from releaser import train as releases

        with wiring.releasing(env) as world:
            releases.run_step(verb, world, wiring.ROOT, Path(train) if train else None)

    run.__doc__ = doc
    return Task(wiring.explained(run), name=verb, help={"env": ENV, "train": TRAIN})


@task(
    help={
        "action": "start, stop or status",
        "lifecycle": "a folder with builder and launcher to use in place of ours, such as the official ones",
    }
)
@wiring.explained
def foundation(_: Context, action: str, lifecycle: str = "") -> None:
    """Start or stop the local Cloud Foundry, S3 and git; or status."""
    from commands import machine

    machine.foundation(action, Path(lifecycle) if lifecycle else None)


@task
@wiring.explained
def doctor(_: Context) -> None:
    """Say what this machine lacks, and the command that mends it."""
    from commands import machine

    machine.doctor()


@task(help={"keep_cache": "leave .local/cache and .local/env, which only save time"})
@wiring.explained
def clean(_: Context, keep_cache: bool = False) -> None:
    """Stop and remove all that was made here; say what stays."""
    from commands import machine

    machine.clean(keep_cache=keep_cache)


@task
@wiring.explained
def check(_: Context) -> None:
    """Check style and types of Python, Go, shell and YAML."""
    from commands import checks

    checks.run()


@task(
    help={
        "fast": "only what needs no Docker, in under 30 seconds",
        "only": "a path or a -k expression for pytest: the tests to run",
    }
)
@wiring.explained
def test(_: Context, fast: bool = False, only: str = "") -> None:
    """Run the tests; --fast: those that need no Docker."""
    from commands import checks

    checks.test(fast=fast, only=only)


@task(help={"name": "package, supply or push; all of them where none is given"})
@wiring.explained
def bench(_: Context, name: str = "") -> None:
    """Measure package, supply or push against named rivals."""
    from commands import benches

    benches.run(name)


@task
@wiring.explained
def lock(_: Context) -> None:
    """Write requirements.lock anew from pyproject.toml."""
    from commands import checks

    checks.lock()


namespace = Collection(
    *(release, plan, status, *(_step(verb, doc) for verb, doc in STEPS.items())),
    *(foundation, doctor, clean, check, test, bench, lock),
)
