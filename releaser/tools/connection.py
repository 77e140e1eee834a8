"""The connection to a bucket: the one place that knows boto3, where calls are tried again and explained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from releaser.tools import refusals
from releaser.tools.patience import Patience, Say, silent
from releaser.tools.refusals import Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Credentials for the bucket; without them boto3's own chain is asked (environment, profile, role)."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True)
class Connection:
    """A bucket at an endpoint; None is AWS itself. `say` is told of waits that are long."""

    endpoint: str | None
    region: str
    bucket: str
    keys: Keys | None = None
    patience: Patience = field(default=Patience(), kw_only=True)
    say: Say = field(default=silent, kw_only=True, compare=False)

    @property
    def place(self) -> Place:
        """How messages name the bucket."""
        return Place(endpoint=self.endpoint, region=self.region, bucket=self.bucket)

    @cached_property
    def client(self) -> "S3Client":
        """The boto3 client; made late, since boto3 is slow to import. It tries once: `call` does the rest."""
        import boto3
        from botocore.config import Config

        config = Config(
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if self.endpoint else "auto"},
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=10,
            read_timeout=60,
        )
        keys = self.keys
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=keys.access_key_id if keys else None,
            aws_secret_access_key=keys.secret_access_key if keys else None,
            config=config,
        )

    def call(self, what: str, action: Callable[[], Any], answers: Mapping[str, Any] | None = None) -> Any:
        """Do an S3 call, again where the failure may pass; raises StoreError.

        An error whose code is in `answers` is no failure: its value is returned.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        errors = (ClientError, BotoCoreError)
        try:
            return self.patience.keep(action, refusals.passing, errors, self.say)
        except errors as error:
            found = refusals.code(error)
            if answers and found in answers:
                return answers[found]
            raise refusals.explain(what, self.place, error) from error
