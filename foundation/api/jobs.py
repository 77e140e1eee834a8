"""/v3/jobs: the outcome of what was answered with 202."""

from starlette.responses import Response

from foundation import jobs
from foundation.api.call import Call
from foundation.errors import ApiError
from foundation.present import header, links
from foundation.rows.work import Job


def accepted(
    call: Call, operation: str, link: str, resource_guid: str = "", failure: ApiError | None = None
) -> Response:
    """Keep a finished job and return the 202 that points to it."""
    problems = failure.problems if failure else ()
    job = jobs.record(call.db, operation, link, resource_guid, problems)
    return Response(status_code=202, headers={"Location": f"{call.api}/v3/jobs/{job.guid}"})


def show(call: Call) -> Response:
    """GET /v3/jobs/{guid}."""
    job = call.need(Job)
    return call.json(
        {
            **header(job),
            "operation": job.operation,
            "state": "FAILED" if job.errors else "COMPLETE",
            "errors": job.errors,
            "warnings": [],
            "links": links(
                call.api, {"self": f"/v3/jobs/{job.guid}", job.link: f"/v3/{job.link}/{job.resource_guid}"}
            ),
        }
    )
