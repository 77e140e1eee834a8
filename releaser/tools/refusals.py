"""What a store's refusals mean: which of them pass by themselves, and what to do about the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from releaser.errors import StoreError

PASSING_STATUS = (409, 429, 500, 502, 503, 504)
PASSING_CODES = ("RequestTimeout", "SlowDown", "BadDigest", "XAmzContentSHA256Mismatch", "IncompleteBody")
REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301")
CLOCK = ("RequestTimeTooSkewed", "RequestExpired")
SESSION = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "ExpiredTokenException")
NO_KEYS = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError")
NO_PROFILE = ("ProfileNotFound", "ConfigNotFound", "ConfigParseError", "SSOTokenLoadError")
RIGHTS = ("AccessDenied", "403", "AllAccessDisabled", "AccountProblem")
UNREACHABLE = ("EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError")
CALLS = {  # the operation's name, and what it needs in the train's policy
    "ListObjectsV2": "s3:ListBucket",
    "PutObject": "s3:PutObject",
    "CopyObject": "s3:PutObject and s3:GetObject",
    "DeleteObject": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which bucket was asked, as sidecar.yml names it."""

    endpoint: str | None
    region: str
    bucket: str

    def __str__(self) -> str:
        return f"bucket '{self.bucket}' at {self.endpoint or 'AWS'}"


def code(error: Exception) -> str:
    """Return the store's code for the error, or the name of the error's class where no store answered."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if response else type(error).__name__


def passing(error: Exception) -> str | None:
    """Return what to say of an error that may be gone at the next attempt, or None."""
    from botocore.exceptions import HTTPClientError, IncompleteReadError, ProxyConnectionError, SSLError

    response = getattr(error, "response", None)
    if response is None:
        lost = isinstance(error, HTTPClientError | IncompleteReadError)
        lasting = isinstance(error, SSLError | ProxyConnectionError)
        return f"the connection is lost ({type(error).__name__})" if lost and not lasting else None
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status in PASSING_STATUS or code(error) in PASSING_CODES:
        return f"the store answers {status} {code(error)}"
    return None


def explain(what: str, place: Place, error: Exception) -> StoreError:
    """Return the error for a person: what was being done, what came back, what to do."""
    response = getattr(error, "response", None)
    said = f"the store answered {_words(error, response)}" if response else str(error)
    return StoreError(f"{what}: {said}", _remedy(place, error))


def _words(error: Exception, response: Mapping[str, Any]) -> str:
    message = str(response.get("Error", {}).get("Message", "")).strip()
    return ": ".join(part for part in (code(error), message) if part)


def _remedy(place: Place, error: Exception) -> str:
    found = code(error)
    if found in REGION:
        return _region(place, getattr(error, "response", {}))
    if found in CLOCK:
        return _clock(place, getattr(error, "response", {}))
    if found in RIGHTS:
        right = CALLS.get(getattr(error, "operation_name", ""), "its part of s3")
        return (
            f"The credentials were taken, but lack a right on {place}: this call needs {right}.\n"
            "docs/publishing.md has the policy to attach."
        )
    return _fixed(place).get(found, f"Check that {place} can be reached, and run the same command again.")


def _fixed(place: Place) -> Mapping[str, str]:
    """Return the remedies that depend on nothing but the code."""
    keys = "Check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, or AWS_PROFILE)"
    rows = {
        ("InvalidAccessKeyId", "UnrecognizedClientException"): f"{keys}: {place} does not know the key.",
        ("SignatureDoesNotMatch",): (
            f"{keys} and s3.region ('{place.region}'): {place} finds another signature. "
            "The secret is of another key, or a proxy changes requests."
        ),
        SESSION: f"Get a new session: AWS_SESSION_TOKEN (or the profile's) is no longer valid for {place}.",
        NO_KEYS: f"Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, for {place}.",
        NO_PROFILE: "Check AWS_PROFILE and the files in ~/.aws.",
        ("NoSuchBucket",): (
            f"Make the bucket, or correct s3.bucket ('{place.bucket}') "
            f"and s3.endpoint ({place.endpoint or 'null, which is AWS'}) in sidecar.yml."
        ),
        ("SSLError",): (
            f"{place} shows a certificate that this machine does not trust: set AWS_CA_BUNDLE to the file of "
            "the authority that signed it, or correct s3.endpoint."
        ),
        ("NotImplemented", "501"): f"{place} lacks this call. docs/publishing.md says what the train needs.",
        UNREACHABLE: (
            f"Check s3.endpoint ({place.endpoint or 'null, which is AWS'}), the network, "
            "and HTTPS_PROXY, and run the same command again."
        ),
    }
    return {one: remedy for several, remedy in rows.items() for one in several}


def _region(place: Place, response: Mapping[str, Any]) -> str:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told = response.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region")
    if told:
        return f"The bucket is in another region: set s3.region to '{told}' (it is '{place.region}')."
    wanted = response.get("Error", {}).get("Endpoint")
    where = f" The store says: {wanted}." if wanted else ""
    return f"The bucket is in another region: correct s3.region ('{place.region}') or s3.endpoint.{where}"


def _clock(place: Place, response: Mapping[str, Any]) -> str:
    there = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "another time")
    return f"Set this machine's clock: {place} says that it is {there}."
