"""Releases that are struck end whole or refuse clearly, and every kind of fault has struck."""

from collections.abc import Sequence

import pytest

from faults import subject
from faults.kinds import KINDS
from faults.run import Verdict
from faults.session import Session, Wanted, table

pytestmark = [pytest.mark.train, pytest.mark.timeout(3600)]

# A seed for each row, so that all of its faults strike; where they no longer do, take another seed.
ROWS: Sequence[Wanted] = (
    (10485, "s3-stall,s3-cut-answer,terminate"),
    (20463, "s3-409,git-hang,interrupt/s3-cut-request,s3-skewed"),
    (30153, "kill/s3-refuse/s3-500"),
    (40043, "s3-credentials/clock/s3-power-cut"),
    (50150, "kill-parent/git-note"),
    (60003, "race-same,s3-forget"),
    (70174, "s3-503,s3-lose,rival-same"),
    (80012, "wipe/s3-late,elsewhere/s3-403"),
    (90028, "steps/full-disk/s3-lie"),
    (100067, "s3-corrupt"),
    (22214, "git-refuse/git-cut/git-reject/git-protect/git-lose"),
    (120001, "accept-fail/accept-skip/accept-lack/accept-crash"),
    (130100, "race-newer"),
    (140053, "git-change"),
    (150002, "rival-newer"),
    (45, "rival-older"),  # at the claim of the version
    (3, "race-older"),
)


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Verdict]:
    session = Session(tmp_path_factory.mktemp("faults") / "session", subject.CHECKOUT)
    return session.run(ROWS, jobs=1)  # the other worker of ./inv test has the other core


@pytest.mark.parametrize("row", range(len(ROWS)), ids=[only for _, only in ROWS])
def test_struck_release_ends_whole_or_refuses_clearly(verdicts: Sequence[Verdict], row: int) -> None:
    verdict = verdicts[row]
    assert not verdict.broken, f"{verdict.plan.command}\n{verdict.plan}\nlog: {verdict.log}"


def test_every_kind_of_fault_has_struck(verdicts: Sequence[Verdict]) -> None:
    struck = {kind for one in verdicts for kind in one.struck}
    assert struck == {name for name, kind in KINDS.items() if kind.possible()}, table(verdicts)
