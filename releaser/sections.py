"""The sections of sidecar.yml: which keys there are, and what each may be."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
Target = Annotated[str, Field(pattern=r"^linux/(amd64|arm64)$")]
BASE = r"^[\w.-]+(:\d+)?(/[\w.-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$"
NAMED = "is to be the name of a secret in the credential manager"
REFERENCE = re.compile(r"\(\([a-z][a-z0-9_-]*(:[\w./-]+)?(\.\w+)?\)\)")
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Way = Literal["uncached", "cached", "git"]
Variant = Literal["uncached", "cached"]


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError("names something twice")
    return values


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, _ = rest.partition("/")[0].rpartition("@")
    if at and (scheme != "ssh" or ":" in user):
        raise ValueError("holds credentials; give them by the environment or git's credential helpers")
    return url


def _inside(path: str) -> str:
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("is no path inside the repository")
    return str(PurePosixPath(path))


def _named(secret: str) -> str:
    """Refuse a secret where its name belongs; what was given is left out of the message."""
    if not REFERENCE.fullmatch(secret):
        raise ValueError(f"{NAMED}, such as ((s3_secret)), or null")
    return secret


def _without_scheme(repository: str) -> str:
    if "://" in repository or "@" in repository:
        raise ValueError("is to be host/name, without scheme, user or digest")
    return repository


Url = Annotated[str, AfterValidator(_without_credentials)]
Secret = Annotated[str, AfterValidator(_named)] | None


class Section(BaseModel):
    """A part of the file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sidecar(Section):
    """The program that the buildpack installs, and how an app runs it."""

    source: str
    command: Annotated[str, Field(min_length=1, max_length=4096)]
    process_types: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_unique)]
    memory: Annotated[str, Field(pattern=r"^\d+[MG]$")] | None = None
    port_variable: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]


class Go(Section):
    """The exact toolchain and what it compiles for."""

    version: Annotated[str, Field(pattern=r"^1\.\d+(\.\d+)?$")]
    targets: Annotated[tuple[Target, ...], Field(min_length=1), AfterValidator(_unique)]


class S3(Section):
    """The bucket; `public_url` is where anonymous readers find the bucket's keys."""

    endpoint: Url | None = None
    region: str = "us-east-1"
    bucket: str | None = None
    prefix: Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)*$")]
    public_url: Url | None = None
    overwrite_protection: Literal["conditional", "compare"] = "conditional"


class Author(Section):
    """Who the release commits are by."""

    name: str
    email: str


class Git(Section):
    """The remote that holds main, the tags and the candidates; `public_url` is what staging clones."""

    remote: Url | None = None
    public_url: Url | None = None
    branch: Annotated[str, Field(pattern=r"^[\w./-]+$")] = "main"
    main: Literal["push", "merge-request"] = "push"
    patience: Annotated[int, Field(gt=0)] = 900
    author: Author


class Foundation(Section):
    """The Cloud Foundry that accepts candidates, and what the user may do there."""

    name: Name = "production"
    api: Url | None = None
    organization: str | None = None
    space: str | None = None
    skip_tls_verify: bool = False
    create_buildpacks: bool = True

    @field_validator("space")
    @classmethod
    def _in_an_organization(cls, space: str | None, info: ValidationInfo) -> str | None:
        if space and not info.data.get("organization"):
            raise ValueError("is given without foundation.organization")
        return space


class Acceptance(Section):
    """The set that gates a release; a stand-in root file system counts only where `stand_in` says so."""

    apps: Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_unique)]
    ways: Annotated[tuple[Way, ...], Field(min_length=1), AfterValidator(_unique)]
    stand_in: bool = False
    time_to_live: Annotated[int, Field(ge=10, le=1440)] = 60


class Signing(Section):
    """Who signs a release, where the private key is not in the environment; a public key makes it a duty."""

    public_key: Annotated[str, AfterValidator(_inside)] | None = None
    command: tuple[str, ...] = ()
    environment: Annotated[tuple[Variable, ...], AfterValidator(_unique)] = ()


class Pruning(Section):
    """What becomes of candidates that were never published."""

    after_days: Annotated[int, Field(ge=0)] = 14


class Budget(Section):
    """How large a zip of each variant may be; null is as large as it likes."""

    uncached: Annotated[str, Field(pattern=r"^[1-9]\d*[KMG]$")] | None = None
    cached: Annotated[str, Field(pattern=r"^[1-9]\d*[KMG]$")] | None = None


class Image(Section):
    """The image that the pipeline's tasks run in; `tag` is the digest of what it is made of."""

    repository: Annotated[str, AfterValidator(_without_scheme)] | None = None
    tag: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")] | None = None
    base: Annotated[str, Field(pattern=BASE)] | None = None
    python_index: Url | None = None
    go_proxy: Url | None = None
    insecure: bool = False
    username: Secret = None
    password: Secret = None


class PipelineS3(Section):
    """How the pipeline reaches the bucket."""

    path_style: bool = False
    access_key_id: Secret = None
    secret_access_key: Secret = None
    session_token: Secret = None


class PipelineGit(Section):
    """How the pipeline reaches the git remote: by password over https, or by a deploy key over ssh."""

    username: Secret = None
    password: Secret = None
    private_key: Secret = None


class PipelineFoundation(Section):
    """Who the pipeline is on the foundation."""

    username: Secret = None
    password: Secret = None


class Pipeline(Section):
    """What ci/pipeline.yml asks beside the other sections; a secret's value is the name of one."""

    image: Image = Image()
    certificates: tuple[Annotated[str, Field(pattern=r"^-----BEGIN CERTIFICATE-----\n")], ...] = ()
    s3: PipelineS3 = PipelineS3()
    git: PipelineGit = PipelineGit()
    foundation: PipelineFoundation = PipelineFoundation()
    privileged: bool = False
    promote_automatically: bool = True
    signing_key: Secret = None
    webhook_token: Secret = None
    failure_url: Secret = None


class Config(Section):
    """The whole of sidecar.yml."""

    name: Name
    sidecar: Sidecar
    go: Go
    s3: S3
    git: Git
    foundation: Foundation
    stacks: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(_unique)]
    variants: Annotated[tuple[Variant, ...], Field(min_length=1), AfterValidator(_unique)]
    budget: Budget = Budget()
    acceptance: Acceptance
    signing: Signing = Signing()
    excludes: Annotated[tuple[str, ...], AfterValidator(_unique)]
    prune: Pruning = Pruning()
    pipeline: Pipeline = Pipeline()
    environments: Mapping[Name, Mapping[str, Mapping[str, Any]]] = Field(default_factory=dict)
