"""A release that is killed around its acceptance, and run again, ends as one that was not.

`./inv faults` kills at every other boundary and instant, without the foundation; here the foundation is real.
"""

from collections.abc import Callable, Mapping

import pytest

from tests.train.clone import Clone

pytestmark = [pytest.mark.train]

VERSION = "0.1.0"


def has_object(ending: str) -> Callable[[Clone], bool]:
    """Return what looks for an object whose key ends so."""
    return lambda clone: any(key.endswith(ending) for key in clone.object_keys())


def has_ref(beginning: str) -> Callable[[Clone], bool]:
    """Return what looks for a ref of the remote."""
    return lambda clone: any(name.startswith(beginning) for name in clone.refs())


EVIDENCE: Mapping[str, Callable[[Clone], bool]] = {
    "package": has_object("/ready.json"),
    "accept": has_object("/accept-embedded.json"),
    "push of main and tag": has_ref(f"refs/tags/v{VERSION}"),
}


@pytest.mark.parametrize("verb", EVIDENCE)
def test_release_killed_after_a_step_then_run_again_ends_as_an_undisturbed_one(
    make_clone: Callable[[str], Clone], undisturbed: Clone, verb: str
) -> None:
    clone = make_clone("killed")
    clone.release_killed_when(lambda: EVIDENCE[verb](clone))
    clone.release()
    assert end_state(clone) == end_state(undisturbed)
    clone.inv("clean")


def end_state(clone: Clone) -> Mapping[str, object]:
    """Return refs with commit ids and every object with its digest, but for the acceptance's own words."""
    record = dict(clone.record(VERSION))
    acceptance = record.pop("acceptance")
    assert isinstance(acceptance, dict)
    rows = sorted(row for test in acceptance["tests"] for row in test["rows"])
    said = ("/release.json", "/accept-embedded.json")
    objects = {key: digest for key, digest in clone.objects().items() if not key.endswith(said)}
    return {
        "refs": clone.refs(),
        "objects": objects,
        "keys": sorted(clone.object_keys()),
        "record": record,
        "rows": rows,
    }
