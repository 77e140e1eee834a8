"""What `./inv pipeline` does: looks at the pipeline's files and secrets, and sets it on a Concourse."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from commands import wiring
from commands.concourse import asking, files, fly, problems, secrets, setting
from commands.concourse.files import Checkout
from commands.concourse.secrets import KNOWN, NAMED, NEEDED, NOT_ASKED, UNKNOWN, UNUSED, Row
from commands.concourse.setting import Wanted
from commands.concourse.values import Problem
from releaser import report
from releaser.errors import ConfigError

STATES = {
    NAMED: "named",
    KNOWN: "Concourse knows it",
    UNKNOWN: "CONCOURSE DOES NOT KNOW IT",
    NOT_ASKED: "of a var_source, which is not asked",
}


def run(action: str, wanted: Wanted, *, as_json: bool) -> None:
    """Do what is asked of the pipeline of this checkout."""
    if action not in ("validate", "set", "vars"):
        raise ConfigError(
            f"'{action}' is nothing that is done to a pipeline", "It knows: validate, set, vars."
        )
    if action == "set" and as_json:
        raise ConfigError("--json goes with validate and vars", "What set says are fly's words.")
    checkout = files.checkout(wiring.ROOT, wanted.environment)
    if action == "validate":
        validate(checkout, as_json=as_json)
    elif action == "vars":
        tell(checkout, wanted, as_json=as_json)
    else:
        setting.put(checkout, wanted)


def validate(checkout: Checkout, *, as_json: bool) -> None:
    """Look at all that can be looked at without a server; raises ConfigError with every problem."""
    found, looked = problems.find(checkout), fly.there()
    if looked:
        found += _refusals(checkout)
    if as_json:
        report.document({"problems": [asdict(one) for one in found], "fly": looked})
        if found:
            raise wiring.ended(ConfigError.exit_code)
        return
    problems.require_none(found)
    report.title(f"{' and '.join(str(path) for path in checkout.pipelines)}, for {checkout.environment}")
    report.facts(_summary(checkout, looked=looked))
    report.say("No problem was found." if looked else "No problem was found without fly.")


def _refusals(checkout: Checkout) -> list[Problem]:
    """Return what fly has against the pipelines."""
    found = []
    with setting.values_file(checkout) as settings:
        for path in checkout.pipelines:
            words = fly.refusal(checkout.root / path, settings)
            if words is not None:
                found.append(Problem(where=str(path), what=f"fly validate-pipeline --strict: {words}"))
    return found


def _summary(checkout: Checkout, *, looked: bool) -> Mapping[str, str]:
    found = [name for one in checkout.pipelines.values() for name, _ in files.variables(one)]
    names = {name for name in found if ":" not in name}
    used = len(secrets.named(checkout.settings))
    image = checkout.settings.pipeline.image
    return {
        "variables": f"{len(names)}, each a key of sidecar.yml",
        "secrets": f"{used} of {len(secrets.PURPOSES)} are used: ./inv pipeline vars",
        "task image": f"{image.repository}:{image.tag}",
        "fly": "has nothing against it" if looked else "is not on PATH: `fly validate-pipeline` was not run",
    }


def tell(checkout: Checkout, wanted: Wanted, *, as_json: bool) -> None:
    """List the secrets, with what Concourse says where there is a target; end with 2 if any is missing."""
    known = None
    if wanted.target:
        fly.require()
        names = secrets.named(checkout.settings).values()
        known = asking.known(wanted.target, setting.name(checkout, wanted), list(names))
    rows = secrets.rows(checkout.settings, known)
    if as_json:
        report.document([row.document() for row in rows])
    else:
        _show("Secrets that the pipeline asks for", [row for row in rows if row.state in STATES])
        _show("Needed, but null in sidecar.yml", [row for row in rows if row.state == NEEDED])
        unused = [row.key for row in rows if row.state == UNUSED]
        report.title("Not used: null in sidecar.yml")
        report.fact("\n".join(unused) or "none")
    if any(row.state in (NEEDED, UNKNOWN) for row in rows):
        raise wiring.ended(ConfigError.exit_code)


def _show(title: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    report.title(title)
    for row in rows:
        state = f": {STATES[row.state]}" if row.state in STATES else ""
        report.fact(f"{row.name or row.key}{state}")
        named = {"for": f"{row.purpose.what} ({row.key})", "may": row.purpose.right}
        report.facts({f"  {word}": said for word, said in named.items()})
