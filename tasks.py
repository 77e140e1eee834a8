"""The tasks of `./inv`, a few lines each: they hand over to `releaser` and `commands`."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import Task, task

from commands import wiring
from releaser import report

ENV = "where to release to: embedded (the default), production, or one of sidecar.yml's environments"
WHERE = "which foundation: the embedded one, production's, or that of one of sidecar.yml's environments"
VERSION = "the version to give to a source that has none yet, such as 1.2.0; else its commits decide"
JSON = "print what a script can read: JSON, and nothing else"
TRAIN = "the train.json of an earlier task, or a candidate's ready.json: its facts are taken; else found anew"
# What a pipeline's task says once, by its environment: docs/pipeline.md.
GIVEN_TRAIN = os.environ.get("RELEASE_TRAIN", "")


@task(
    help={
        "env": ENV,
        "version": VERSION,
        "plan": "print what would happen (version, keys, files, commit, tag, zips) and change nothing",
        "json": "with --plan: print it as JSON",
    }
)
@wiring.explained
def release(
    _: Context, env: str = wiring.ENVIRONMENT, version: str = "", plan: bool = False, json: bool = False
) -> None:
    """Run the whole train: the seven steps, to a published release."""
    from releaser import train

    if plan:
        with report.aside(json):
            world = wiring.looking(env)
        train.show_plan(world, wiring.ROOT, version or None, as_json=json)
        return
    with wiring.releasing(env, accepts=True) as world:
        train.run(world, wiring.ROOT, version or None)


@task(
    help={
        "env": ENV,
        "version": VERSION,
        "at": "a commit of main, such as HEAD: release what it holds, though main may have moved on",
        "out": "where to write train.json",
    }
)
@wiring.explained
def plan(
    _: Context,
    env: str = wiring.ENVIRONMENT,
    version: str = "",
    at: str = os.environ.get("RELEASE_AT", ""),
    out: str = GIVEN_TRAIN or "train.json",
) -> None:
    """Write train.json: the next release's facts, for single steps."""
    from releaser import train

    facts = train.facts(wiring.looking(env), wiring.ROOT, version or None, at=at or None)
    Path(out).write_text(facts.to_json(), encoding="utf-8")
    report.say(f"{out}: {facts.name} {facts.version} from {facts.source[:12]}")


@task(help={"env": ENV, "json": JSON})
@wiring.explained
def status(_: Context, env: str = wiring.ENVIRONMENT, json: bool = False) -> None:
    """Say where things are: main, steps, releases, candidates."""
    from releaser import status

    with report.aside(json):
        world = wiring.looking(env)
    status.tell(world, wiring.ROOT, as_json=json)


@task(
    help={
        "env": ENV,
        "days": "how old a candidate has to be; prune.after_days of sidecar.yml where none is given",
        "source": "remove this source's candidate, whatever its age: twelve digits, as status shows them",
        "dry_run": "say what would be removed, and remove nothing",
        "json": JSON,
    }
)
@wiring.explained
def prune(
    _: Context,
    env: str = wiring.ENVIRONMENT,
    days: int = -1,
    source: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Remove candidates that were left behind and that nothing needs."""
    from releaser import pruning

    with report.aside(json):
        world = wiring.looking(env)
    pruning.show(world, days, source, dry=dry_run, as_json=json)


@task(
    help={
        "env": WHERE,
        "version": "the published version; else the newest that is not yanked",
        "variant": "cached or uncached; else cached where the release has it",
        "stack": "install on this stack only; else on each that release and foundation have",
        "adopt": "take the place of a buildpack of this name that ./inv install did not put there",
    }
)
@wiring.explained
def install(
    _: Context,
    env: str = wiring.ENVIRONMENT,
    version: str = "",
    variant: str = "",
    stack: str = "",
    adopt: bool = False,
) -> None:
    """Install a published version on a foundation, the old one kept."""
    from releaser.installing import install as installing

    chosen = {"version": version or None, "variant": variant or None, "stack": stack or None}
    with wiring.releasing(env) as world:
        installing.install(world, wiring.ROOT, adopt=adopt, **chosen)


@task(
    help={
        "env": WHERE,
        "to": "the older version to go back to",
        "stack": "go back on this stack only",
        "yanked": "go back to it even where it is yanked",
    }
)
@wiring.explained
def rollback(
    _: Context, env: str = wiring.ENVIRONMENT, to: str = "", stack: str = "", yanked: bool = False
) -> None:
    """Go back to an older version on a foundation."""
    from releaser.installing import install as installing

    with wiring.releasing(env) as world:
        installing.rollback(world, wiring.ROOT, to=to, stack=stack or None, yanked=yanked)


@task(
    positional=["version"],
    help={"version": "the published version", "reason": "why nobody should use it", "env": ENV},
)
@wiring.explained
def yank(_: Context, version: str, reason: str = "", env: str = wiring.ENVIRONMENT) -> None:
    """Mark a published version as not to be used; it stays."""
    from releaser import yanking

    yanking.yank(wiring.looking(env), wiring.ROOT, version, reason)


STEPS = {
    "build": "Step 1: test and cross-compile the sidecar.",
    "upload": "Step 2: put the sidecar into the bucket.",
    "bump": "Step 3: write the pins, by which the buildpack finds it.",
    "commit": "Step 4: push the release commit to the candidate's branch.",
    "promote": "Step 7: publish it: main, tag, zips, record.",
}


def _step(verb: str, doc: str) -> Task[Callable[..., None]]:
    def run(_: Context, env: str = wiring.ENVIRONMENT, train: str = GIVEN_TRAIN) -> None:
        _run_step(verb, env, train)

    run.__doc__ = doc
    return Task(wiring.explained(run), name=verb, help={"env": ENV, "train": TRAIN})


@task(
    help={
        "env": ENV,
        "train": TRAIN,
        "out": "a folder that gets the candidate's ready.json, for whoever goes on with it",
    }
)
@wiring.explained
def package(
    _: Context,
    env: str = wiring.ENVIRONMENT,
    train: str = GIVEN_TRAIN,
    out: str = os.environ.get("RELEASE_CANDIDATE", ""),
) -> None:
    """Step 5: make the zips, uncached and cached, per stack."""
    _run_step("package", env, train, out=Path(out) if out else None)


@task(
    help={"env": ENV, "train": TRAIN, "stack": "accept this stack only; the last one makes the whole report"}
)
@wiring.explained
def accept(
    _: Context,
    env: str = wiring.ENVIRONMENT,
    train: str = GIVEN_TRAIN,
    stack: str = os.environ.get("RELEASE_STACK", ""),
) -> None:
    """Step 6: push real apps with these zips to a foundation."""
    _run_step("accept", env, train, stack=stack or None)


def _run_step(verb: str, env: str, train: str, *, stack: str | None = None, out: Path | None = None) -> None:
    from releaser import train as releases

    with wiring.releasing(env, accepts=verb == "accept") as world:
        releases.run_step(verb, world, wiring.ROOT, Path(train) if train else None, stack=stack, out=out)


@task(
    help={
        "env": ENV,
        "train": TRAIN,
        "job": "the pipeline's job that failed",
    }
)
@wiring.explained
def failed(
    _: Context,
    env: str = wiring.ENVIRONMENT,
    train: str = GIVEN_TRAIN,
    job: str = os.environ.get("RELEASE_JOB", ""),
) -> None:
    """Keep a failed job's logs in the bucket, and tell a webhook."""
    from releaser import failure

    url = os.environ.get("FAILURE_URL", "")
    failure.tell(wiring.looking(env), Path(train) if train else None, job, url)


@task(
    help={
        "action": "start, stop, status, or rootfs: the stacks' root file systems",
        "lifecycle": "a folder with builder and launcher to use in place of ours, such as the official ones",
        "save": "with rootfs: write them to this file, for an engine without a network",
        "upload": "with rootfs: put them into this environment's bucket, for the pipeline",
        "json": JSON,
    }
)
@wiring.explained
def foundation(
    _: Context, action: str, lifecycle: str = "", save: str = "", upload: str = "", json: bool = False
) -> None:
    """Start or stop the local Cloud Foundry, S3 and git; or status."""
    from commands import machine, rootfs

    if action == "rootfs":
        rootfs.keep(save, upload)
        return
    machine.foundation(action, Path(lifecycle) if lifecycle else None, as_json=json)


@task(
    optional=["rebuild"],
    help={
        "version": "the published version; ./inv verify 1.2.3 will do",
        "env": "where it was released to: embedded (the default), production, or another of sidecar.yml",
        "key": "the public key, in PEM, that must have signed; else signing.public_key of sidecar.yml",
        "rebuild": "build the version's tag again, in a container without network, and compare",
        "zip": "verify this file alone, by the statement beside it: no git, no bucket, no network",
        "statement": "where that statement is, if not beside the zip",
        "json": JSON,
    },
)
@wiring.explained
def verify(
    _: Context,
    version: str = "",
    env: str = wiring.ENVIRONMENT,
    key: str = "",
    rebuild: bool | str = "",
    zip: str = "",  # noqa: A002  # it is the option's name
    statement: str = "",
    json: bool = False,
) -> None:
    """Verify a release against git and bucket, or a zip alone."""
    from commands import verifying

    if zip:
        verifying.file(zip, statement, key, as_json=json)
    elif rebuild:
        verifying.rebuilt(version or str(rebuild), env, as_json=json)
    else:
        verifying.version(version, env, key, as_json=json)


@task(help={"json": JSON})
@wiring.explained
def doctor(_: Context, json: bool = False) -> None:
    """Say what this machine lacks, and the command that mends it."""
    from commands import machine

    machine.doctor(as_json=json)


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
        "fast": "only what needs no Docker, in about a minute",
        "only": "a path or a -k expression for pytest: the tests to run",
    }
)
@wiring.explained
def test(_: Context, fast: bool = False, only: str = "") -> None:
    """Run the tests; --fast: those that need no Docker."""
    from commands import checks

    checks.test(fast=fast, only=only)


@task(
    help={
        "runs": "how many; 20, or 1 where a seed is given",
        "seed": "of the first run, which is played just as it was then; else any",
        "only": "kinds of fault to strike with, comma-separated; else all kinds",
        "jobs": "how many runs at a time",
    }
)
@wiring.explained
def faults(_: Context, runs: int = 0, seed: str = "", only: str = "", jobs: int = 2) -> None:
    """Break releases on purpose, and see what is left of them."""
    from commands import faults as harness

    harness.run(runs=runs, seed=seed, only=only, jobs=jobs)


@task(help={"name": "package, supply or push; all of them where none is given"})
@wiring.explained
def bench(_: Context, name: str = "") -> None:
    """Measure package, supply or push against named rivals."""
    from commands import benches

    benches.run(name)


@task(
    help={
        "push": "push it to pipeline.image.repository, under its tag and as latest",
        "save": "write it to this file, for an engine without a registry; its tag is beside it",
        "tag": "print the tag that this checkout needs, and build nothing",
        "write": "write that tag into sidecar.yml, and build nothing",
        "update": "pin the versions of Debian packages that the mirrors have now, and build nothing",
    }
)
@wiring.explained
def image(
    _: Context,
    push: bool = False,
    save: str = "",
    tag: bool = False,
    write: bool = False,
    update: bool = False,
) -> None:
    """Build the image that the pipeline's tasks run in."""
    from commands import image as images

    if tag:
        images.tell()
    elif update:
        images.update()
    elif write:
        images.write()
    else:
        images.make(push=push, save=save)


@task(
    iterable=["instance_var"],
    help={
        "action": "validate, set or vars",
        "target": "which Concourse, as fly knows it: where to set it, or who is asked for the secrets",
        "name": "what the pipeline is called; else the buildpack's name",
        "instance_var": "KEY=VALUE, for one of several pipelines of that name; may be given again",
        "env": "what it releases to; another one than production needs --no-self",
        "no_self": "without the job that keeps the pipeline as the repository has it",
        "image": "set the pipeline of ci/image.yml too, as NAME-image",
        "credentials": "a YAML file of secrets, which Concourse stores in clear; needs --no-self",
        "json": JSON,
    },
)
@wiring.explained
def pipeline(
    _: Context,
    action: str,
    target: str = "",
    name: str = "",
    instance_var: Sequence[str] | None = None,
    env: str = "production",
    no_self: bool = False,
    image: bool = False,
    credentials: str = "",
    json: bool = False,
) -> None:
    """Check or set the Concourse pipeline; or vars: its secrets."""
    from commands import pipeline as pipelines
    from commands.concourse.setting import Wanted

    wanted = Wanted(
        target=target,
        name=name,
        environment=env,
        instance=tuple(instance_var or ()),
        no_self=no_self,
        image=image,
        credentials=credentials,
    )
    pipelines.run(action, wanted, as_json=json)


@task
@wiring.explained
def lock(_: Context) -> None:
    """Write requirements.lock anew from pyproject.toml."""
    from commands import checks

    checks.lock()


namespace = Collection(
    *(release, plan, status, prune, *(_step(verb, doc) for verb, doc in STEPS.items()), package, accept),
    failed,
    *(install, rollback, yank),
    *(verify, foundation, doctor, clean, check, test, faults, bench, image, pipeline, lock),
)
