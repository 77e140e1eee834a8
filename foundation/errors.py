"""The errors that the API answers, with Cloud Foundry's codes, titles and sentences.

Clients match some sentences word by word, so each kind has one constructor here. The codes are those of
cloud_controller's errors/v2.yml.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One entry of an error answer."""

    code: int
    title: str
    detail: str

    def present(self) -> dict[str, Any]:
        """Return the entry as the API shows it, in answers and in failed jobs."""
        return {"code": self.code, "title": self.title, "detail": self.detail}


class ApiError(Exception):
    """A request that is refused: the HTTP status and at least one problem."""

    def __init__(self, status: int, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.status = status
        self.problems = tuple(problems)

    def prefixed(self, prefix: str) -> "ApiError":
        """Return the same error with a prefix before each sentence."""
        problems = [
            Problem(code=problem.code, title=problem.title, detail=prefix + problem.detail)
            for problem in self.problems
        ]
        return ApiError(self.status, problems)


def _error(status: int, code: int, title: str, detail: str) -> ApiError:
    return ApiError(status, [Problem(code=code, title=title, detail=detail)])


def parse_error() -> ApiError:
    """The body is not what its content type says."""
    return _error(
        400, 1001, "CF-MessageParseError", "Request invalid due to parse error: invalid request body"
    )


def bad_request(detail: str) -> ApiError:
    """The request cannot be understood or comes at the wrong time."""
    return _error(400, 1004, "CF-BadRequest", f"Bad request: {detail}")


def bad_query(detail: str) -> ApiError:
    """A query parameter is unknown or has a bad value."""
    return _error(400, 10005, "CF-BadQueryParameter", f"The query parameter is invalid: {detail}")


def invalid_token() -> ApiError:
    """The bearer token is expired, malformed or signed with another key."""
    return _error(401, 1000, "CF-InvalidAuthToken", "Invalid Auth Token")


def not_authenticated() -> ApiError:
    """There is no bearer token."""
    return _error(401, 10002, "CF-NotAuthenticated", "Authentication error")


def not_found(what: str) -> ApiError:
    """A resource, named as in `App not found`, does not exist."""
    return _error(404, 10010, "CF-ResourceNotFound", f"{what} not found")


def unknown_request() -> ApiError:
    """No route has this method and path."""
    return _error(404, 10000, "CF-NotFound", "Unknown request")


def too_large(limit: int) -> ApiError:
    """The request's body is larger than the limit, in bytes."""
    return _error(413, 1004, "CF-BadRequest", f"Bad request: the body is larger than {limit} bytes")


def unprocessable(*details: str) -> ApiError:
    """The request is understood and refused: one entry for each sentence."""
    return ApiError(
        422, [Problem(code=10008, title="CF-UnprocessableEntity", detail=detail) for detail in details]
    )


def taken(detail: str) -> ApiError:
    """A name is in use."""
    return _error(422, 10016, "CF-UniquenessError", detail)


def staging_in_progress() -> ApiError:
    """The app has a build under way."""
    detail = "Only one build can be STAGING at a time per application."
    return _error(422, 170017, "CF-StagingInProgress", detail)


def buildpack_invalid(detail: str) -> ApiError:
    """A buildpack cannot be used for staging."""
    return _error(400, 290003, "CF-BuildpackInvalid", f"Buildpack is invalid: {detail}")


def buildpack_taken(name: str, stack: str | None) -> ApiError:
    """Another buildpack has this name on the stack that an upload brings."""
    detail = f"The buildpack name {name} is already in use for the stack {stack} and the lifecycle buildpack"
    return _error(422, 290000, "CF-BuildpackNameStackLifecycleTaken", detail)


def buildpack_stacks_differ(uploaded: str, stack: str) -> ApiError:
    """The uploaded manifest names another stack than the buildpack has."""
    detail = f"Uploaded buildpack stack ({uploaded}) does not match {stack}"
    return _error(422, 390011, "CF-BuildpackStacksDontMatch", detail)


def buildpack_stack_absent(uploaded: str) -> ApiError:
    """The uploaded manifest names a stack that this foundation does not have."""
    detail = f"Uploaded buildpack stack ({uploaded}) does not exist"
    return _error(422, 390012, "CF-BuildpackStackDoesNotExist", detail)


def buildpack_zip(detail: str) -> ApiError:
    """The uploaded buildpack cannot be read."""
    return _error(422, 390013, "CF-BuildpackZipError", f"Buildpack zip error: {detail}")


def bits_uploaded() -> ApiError:
    """The package has its bits already."""
    detail = "Bits may be uploaded only once. Create a new package to upload different bits."
    return _error(400, 150004, "CF-PackageBitsAlreadyUploaded", detail)


def bits_invalid(detail: str) -> ApiError:
    """The uploaded package cannot be used."""
    return _error(400, 160001, "CF-AppBitsUploadInvalid", f"The app upload is invalid: {detail}")


def not_implemented(what: str) -> ApiError:
    """Cloud Foundry has this and the local foundation does not; the title and the status are our own."""
    detail = f"The local foundation does not support {what}. docs/foundation.md lists what it supports."
    return _error(501, 10001, "CF-NotImplemented", detail)


def unavailable(detail: str) -> ApiError:
    """Something that the foundation needs, such as the Docker engine, is not there; the title is our own."""
    return _error(503, 10001, "CF-Unavailable", detail)


def unknown() -> ApiError:
    """Something broke inside; the server's log has it."""
    return _error(500, 10001, "UnknownError", "An unknown error occurred.")
