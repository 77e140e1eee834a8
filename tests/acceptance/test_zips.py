"""The zips that are pushed are the candidate's, byte for byte."""

from tests.acceptance import installs
from tests.acceptance.candidate import Zip


def test_zip_has_the_digest_that_the_candidate_names(candidate_zip: Zip) -> None:
    installs.verify(candidate_zip)
