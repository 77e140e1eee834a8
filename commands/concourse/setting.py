"""Sets pipelines on a Concourse: which files fly gets, and what is said of what will not stay so."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from commands.concourse import credentials, files, fly, problems, render
from commands.concourse.files import IMAGE, MAIN, PRODUCTION, Checkout
from releaser import report
from releaser.errors import ConfigError
from releaser.tools import shell


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What `set` and `vars` are told: where, as what, and how."""

    target: str = ""
    name: str = ""
    environment: str = PRODUCTION
    instance: Sequence[str] = ()
    no_self: bool = False
    image: bool = False
    credentials: str = ""


def put(checkout: Checkout, wanted: Wanted) -> None:
    """Set the pipeline, and that of the image where asked for; raises ConfigError before fly is asked."""
    _require_sensible(checkout, wanted)
    problems.require_none(problems.find(checkout))
    fly.require()
    given = credentials.read(Path(wanted.credentials), checkout) if wanted.credentials else None
    paths = ([IMAGE] if wanted.image else []) + [MAIN]
    for path in paths:
        if path not in checkout.pipelines:
            raise ConfigError(f"there is no {path}", "Run from a complete checkout.")
    with TemporaryDirectory() as scratch, values_file(checkout) as settings:
        for path in paths:
            called = name(checkout, wanted) + ("-image" if path == IMAGE else "")
            report.title(f"Setting pipeline {called} on {wanted.target}")
            said = fly.put(
                wanted.target,
                called,
                _rendered(checkout, wanted, path, Path(scratch)),
                [settings, *([given.path] if given else [])],
                wanted.instance,
                given.mask if given else str,
            )
            report.fact("\n".join(said))
    _warn(checkout, wanted)


def _require_sensible(checkout: Checkout, wanted: Wanted) -> None:
    if not wanted.target:
        raise ConfigError(
            "there is no target", "Name one of fly's: ./inv pipeline set --target NAME (fly targets)"
        )
    shared = sorted(
        {pair.partition("=")[0].partition(".")[0] for pair in wanted.instance} & set(checkout.values)
    )
    if shared:
        raise ConfigError(
            f"an instance variable is called as a key of sidecar.yml: {', '.join(shared)}",
            "It would take that key's place in the pipeline. Call it otherwise, such as buildpack=NAME.",
        )
    if wanted.credentials and not wanted.no_self:
        raise ConfigError(
            "--credentials goes only with --no-self",
            "The job `self` would set the pipeline again from the repository, where these values are not.",
        )
    if wanted.environment != PRODUCTION and not wanted.no_self:
        raise ConfigError(
            f"a pipeline for {wanted.environment} goes only with --no-self",
            "The job `self` would set it again for production.",
        )


def _warn(checkout: Checkout, wanted: Wanted) -> None:
    """Say what will not stay as it was just set, and who can read what."""
    if wanted.credentials:
        report.title("Warning")
        report.fact(
            f"The values of {wanted.credentials} are stored in clear: who may see the configuration of the\n"
            "pipeline (fly get-pipeline) reads them. A credential manager keeps them: docs/pipeline.md."
        )
    look = ["git", "status", "--porcelain", "--", "ci", "sidecar.yml"]
    changed = shell.run(look, cwd=checkout.root, ok=(0, 128)).stdout.strip()  # 128: it is no repository
    if changed and not wanted.no_self:
        report.title("Not committed")
        report.fact(
            "ci/ or sidecar.yml differ from HEAD: the job `self` sets the pipeline to what main holds."
        )


def name(checkout: Checkout, wanted: Wanted) -> str:
    """Return what the pipeline is called."""
    if wanted.name:
        return wanted.name
    return checkout.settings.name + ("" if wanted.environment == PRODUCTION else f"-{wanted.environment}")


@contextmanager
def values_file(checkout: Checkout) -> Iterator[Path]:
    """Yield the file that fills in the variables: sidecar.yml, or it with the environment laid over."""
    if checkout.environment == PRODUCTION:
        yield checkout.root / files.SETTINGS
        return
    with TemporaryDirectory() as folder:
        yield render.write(checkout.values, Path(folder) / files.SETTINGS)


def _rendered(checkout: Checkout, wanted: Wanted, path: Path, scratch: Path) -> Path:
    """Return the pipeline's file: that of the checkout where nothing has to be changed."""
    document = checkout.pipelines[path]
    if not wanted.no_self:
        return checkout.root / path
    document = render.without_self(document, path)
    if checkout.environment != PRODUCTION:
        document = render.for_environment(document, checkout)
    if wanted.credentials:
        document = render.by_name(document, checkout)
    return render.write(document, scratch / path.name)
