"""The zips that are pushed are the candidate's, byte for byte."""

from tests.acceptance import installs
from tests.acceptance.candidate import Candidate, Zip


def test_zip_has_the_digest_that_the_candidate_names(candidate_zip: Zip) -> None:
    installs.verify(candidate_zip)


def test_zip_at_its_url_is_the_one_that_the_candidate_names(candidate: Candidate, candidate_zip: Zip) -> None:
    """Read by anybody's means after the pushes, as it was before them: what staging downloaded between."""
    installs.verify_at_its_url(candidate, candidate_zip)
