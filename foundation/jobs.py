"""Jobs: work that the API answers as asynchronous; ours is finished before its 202 is sent."""

from collections.abc import Sequence

from foundation.errors import Problem
from foundation.rows.work import Job
from foundation.store import Db

KEPT = 1000


def record(
    db: Db, operation: str, link: str, resource_guid: str = "", problems: Sequence[Problem] = ()
) -> Job:
    """Keep a finished job; it failed where there are problems."""
    return db.insert(
        Job(
            operation=operation,
            link=link,
            resource_guid=resource_guid,
            errors=[problem.present() for problem in problems],
        )
    )


def prune(db: Db) -> None:
    """Forget all but the newest jobs."""
    db.delete(*db.find(Job)[:-KEPT])
