"""The shapes that many request bodies share, and the sentences for bodies that do not fit."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Name = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"\S")]
Megabytes = Annotated[int, Field(ge=1, le=1 << 20)]
Seconds = Annotated[int, Field(ge=1)]


class Body(BaseModel):
    """A request body; unknown fields are refused, numbers may come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def changes(self, *names: str) -> dict[str, Any]:
        """Return those of the named fields that the client has sent."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class Guid(Body):
    """What a relationship points to."""

    guid: str


class ToOne(Body):
    """A to-one relationship."""

    data: Guid


class Metadata(Body):
    """Labels and annotations; a null removes a key."""

    labels: Mapping[str, str | None] = Field(default_factory=dict)
    annotations: Mapping[str, str | None] = Field(default_factory=dict)


class LifecycleData(Body):
    """The buildpacks and the stack of an app or a build."""

    buildpacks: list[str] | None = None
    stack: str | None = None


class Lifecycle(Body):
    """The lifecycle; the local foundation has the buildpack one only."""

    type: Annotated[str, StringConstraints(pattern="^buildpack$")] = "buildpack"
    data: LifecycleData = LifecycleData()


SENTENCES = {
    "missing": "can't be blank",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "bool_type": "must be a boolean",
    "bool_parsing": "must be a boolean",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be an array",
    "string_too_short": "can't be blank",
}


def explain(error: ValidationError) -> list[str]:
    """Return one sentence for each thing that is wrong with a body."""
    found = error.errors(include_url=False, include_input=False, include_context=True)
    unknown = [str(entry["loc"][-1]) for entry in found if entry["type"] == "extra_forbidden"]
    sentences = [_sentence(entry) for entry in found if entry["type"] != "extra_forbidden"]
    if unknown:
        quoted = ", ".join(f"'{name}'" for name in unknown)
        sentences.insert(0, f"Unknown field(s): {quoted}")
    return sentences


def _sentence(entry: Any) -> str:
    where = " ".join(str(part) for part in entry["loc"]).replace("_", " ") or "request body"
    kind, context = entry["type"], entry.get("ctx", {})
    if kind in {"greater_than_equal", "less_than_equal"}:
        text = (
            f"must be {kind.replace('_', ' ').replace('equal', 'or equal to')} {next(iter(context.values()))}"
        )
    elif kind == "string_too_long":
        text = f"is too long (maximum is {context['max_length']} characters)"
    else:
        text = SENTENCES.get(kind, entry["msg"][:1].lower() + entry["msg"][1:])
    return f"{where[:1].upper()}{where[1:]} {text}"
