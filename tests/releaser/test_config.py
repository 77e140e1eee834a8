"""Reading sidecar.yml: all that is wrong with it is said at once, and the page of its keys is complete."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from releaser import config, sections
from releaser.errors import ConfigError
from tests import project
from tests.project import OWN

PAGE = (project.ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
PRODUCTION: Mapping[str, Mapping[str, Any]] = {
    "s3": {"bucket": "b", "public_url": "https://cdn.example.com/b"},
    "git": {"remote": "https://git.example.com/b.git"},
    "foundation": {"api": "https://api.example.com", "organization": "o", "space": "s"},
}


def written(folder: Path, **layer: Any) -> Path:
    """Write the project's file with some keys of some sections changed."""
    raw = project.settings()
    for key, value in layer.items():
        raw[key] = {**raw[key], **value} if isinstance(value, dict) and key != "environments" else value
    path = folder / "sidecar.yml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    return path


def refused(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert "docs/configuration.md" in caught.value.remedy
    return caught.value.message


def test_own_file_loads() -> None:
    raw, loaded = yaml.safe_load(OWN.read_text(encoding="utf-8")), config.load(OWN)
    assert (loaded.name, loaded.stacks) == (raw["name"], tuple(raw["stacks"]))


def test_file_as_the_embedded_environment_changes_it_is_valid() -> None:
    own = config.load(OWN)
    changed = config.with_sections(own, PRODUCTION)
    assert (changed.s3.bucket, changed.s3.prefix) == ("b", own.s3.prefix)


def test_every_problem_is_reported_at_once_with_the_nearest_match(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        naem="x",
        name="Upper",
        s3={"buckett": "b", "prefix": "/x/"},
        git={"author": {"name": "n", "e_mail": "e"}},
        go={"version": "latest"},
        stacks=[],
    )
    lines = refused(path).splitlines()
    assert lines[0] == "sidecar.yml has 8 problems:"
    assert sorted(lines[1:]) == sorted(
        [
            "  naem: unknown key; did you mean 'name'?",
            "  name: string should match pattern '^[a-z][a-z0-9-]*$' (got 'Upper')",
            "  s3.buckett: unknown key; did you mean 'bucket'?",
            "  s3.prefix: string should match pattern '^[\\w.-]+(/[\\w.-]+)*$' (got '/x/')",
            "  git.author.e_mail: unknown key; did you mean 'email'?",
            "  git.author.email: missing",
            "  go.version: string should match pattern '^1\\.\\d+(\\.\\d+)?$' (got 'latest')",
            "  stacks: tuple should have at least 1 item after validation, not 0 (got [])",
        ]
    )


def test_unknown_key_that_resembles_nothing_gets_no_guess(tmp_path: Path) -> None:
    assert refused(written(tmp_path, xyzzy=1)) == "sidecar.yml has a problem:\n  xyzzy: unknown key"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"stacks": ["cflinuxfs4", "cflinuxfs4"]}, "stacks"),
        ({"variants": ["cached", "cached"]}, "variants"),
        ({"go": {"targets": ["linux/amd64", "linux/amd64"]}}, "go.targets"),
        ({"acceptance": {"apps": ["a", "a"]}}, "acceptance.apps"),
        ({"excludes": ["docs", "docs"]}, "excludes"),
    ],
)
def test_list_that_names_something_twice_is_refused(
    tmp_path: Path, changes: Mapping[str, Any], where: str
) -> None:
    assert f"{where}: names something twice" in refused(written(tmp_path, **changes))


def test_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text() + "name: other\n")
    with pytest.raises(ConfigError, match=r"the key 'name' is there twice\n.*line \d+"):
        config.load(path)


@pytest.mark.parametrize(
    ("section", "key", "url"),
    [
        ("s3", "endpoint", "https://key:s3cret@s3.example.com"),
        ("s3", "public_url", "https://s3cret@cdn.example.com/b"),
        ("git", "remote", "https://s3cret@git.example.com/b.git"),
        ("git", "remote", "ssh://git:s3cret@git.example.com/b.git"),
        ("git", "public_url", "https://git:s3cret@git.example.com/b.git"),
        ("foundation", "api", "https://admin:s3cret@api.example.com"),
    ],
)
def test_credentials_in_a_url_are_refused_and_not_shown(
    tmp_path: Path, section: str, key: str, url: str
) -> None:
    said = refused(written(tmp_path, **{section: {key: url}}))
    assert f"{section}.{key}: holds credentials" in said
    assert "((credentials))" in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    "url",
    [
        "git@git.example.com:b.git",
        "ssh://git@git.example.com/b.git",
        "https://git.example.com/@b.git",
        "/a/b.git",
    ],
)
def test_url_without_credentials_is_taken(tmp_path: Path, url: str) -> None:
    assert config.load(written(tmp_path, git={"remote": url})).git.remote == url


def test_environment_lies_over_the_sections_key_by_key(tmp_path: Path) -> None:
    layers = {"staging": {"s3": {"bucket": "staging"}, "foundation": {"name": "staging"}}}
    path = written(tmp_path, **PRODUCTION, environments=layers)
    staging, production = (config.for_environment(path, name) for name in ("staging", "production"))
    assert (staging.s3.bucket, staging.foundation.name) == ("staging", "staging")
    assert staging.s3.public_url == production.s3.public_url
    assert (production.s3.bucket, production.foundation.name) == ("b", "production")


def test_needed_keys_that_are_missing_are_all_named(tmp_path: Path) -> None:
    path = written(tmp_path, s3={"bucket": "b", "public_url": None}, git={"remote": ""})
    with pytest.raises(ConfigError) as caught:
        config.for_environment(path, "production")
    assert caught.value.message == "environment 'production' lacks s3.public_url, git.remote"


def test_space_without_its_organization_is_refused(tmp_path: Path) -> None:
    said = refused(written(tmp_path, foundation={"space": "s"}))
    assert "foundation.space: is given without foundation.organization (got 's')" in said


def test_unknown_environment_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = written(tmp_path, environments={"staging": {}})
    with pytest.raises(ConfigError, match="there is no environment 'stagging'") as caught:
        config.for_environment(path, "stagging")
    assert caught.value.remedy == "It knows: embedded, production, staging."


def test_environment_that_changes_another_section_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, environments={"staging": {"go": {"version": "1.26"}}})
    with pytest.raises(ConfigError, match="an environment cannot change go") as caught:
        config.load(path)
    assert caught.value.remedy == "It can change: s3, git, foundation, acceptance, signing."


def test_environment_can_ask_for_signatures_where_the_file_does_not(tmp_path: Path) -> None:
    layer = {**PRODUCTION, "signing": {"public_key": "keys/./release.pub"}}
    path = written(tmp_path, environments={"staging": layer})
    assert "signing" not in yaml.safe_load(path.read_text(encoding="utf-8"))
    assert config.load(path).signing.public_key is None
    assert config.for_environment(path, "staging").signing.public_key == "keys/release.pub"


@pytest.mark.parametrize("key", ["/etc/key.pub", "../key.pub", ""])
def test_public_key_outside_the_repository_is_refused(tmp_path: Path, key: str) -> None:
    said = refused(written(tmp_path, environments={"staging": {"signing": {"public_key": key}}}))
    assert "signing.public_key: is no path inside the repository" in said


def test_unknown_key_in_an_environment_is_reported_before_it_is_used(tmp_path: Path) -> None:
    path = written(tmp_path, environments={"staging": {"s3": {"buket": "b"}}})
    said = refused(path)
    assert said.startswith("sidecar.yml, environment staging has a problem")
    assert "s3.buket: unknown key; did you mean 'bucket'?" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"name: [", "is not valid YAML"),
        (b"name: \xff", "is not valid YAML"),
        (b"- a\n", "is not a map of settings"),
        (b"", "is not a map of settings"),
        (b"? [a, b]\n: c\n", "is not valid YAML"),
    ],
)
def test_file_that_is_no_map_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "sidecar.yml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        config.load(path)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sidecar\.yml cannot be read: No such file"):
        config.load(tmp_path / "sidecar.yml")


# --- docs/configuration.md


def rows() -> dict[str, list[str]]:
    """Return the page's rows: key to type, default and meaning."""
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in PAGE.splitlines() if line.startswith("| `")]
    named = [[cell.strip() for cell in row] for row in cells if re.fullmatch(r" `[a-z0-9_.]+` ", row[0])]
    assert len({row[0] for row in named}) == len(named), "a key has two rows"
    return {row[0].strip("`"): row[1:] for row in named}


def leaves(model: type[BaseModel] = sections.Config, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every key that is no section, with its default as the page shows it."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, sections.Section):
            yield from leaves(kind, f"{prefix}{name}.")
        elif field.is_required():
            yield prefix + name, "needed"
        else:
            yield prefix + name, f"`{json.dumps(field.get_default(call_default_factory=True))}`"


def test_page_has_a_row_for_every_key_and_no_other() -> None:
    assert set(rows()) == {key for key, _ in leaves()}
    assert set(rows()) <= set(config.keys())


def test_page_shows_the_default_of_every_key() -> None:
    assert {key: row[1] for key, row in rows().items()} == dict(leaves())


def test_page_gives_a_type_and_a_meaning_to_every_key() -> None:
    assert not [key for key, row in rows().items() if len(row) != 3 or not row[0] or len(row[2]) < 20]


def test_page_names_what_production_needs() -> None:
    section = PAGE.partition("## What production needs")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^- `([\w.]+)`", section, re.MULTILINE)) == config.NEEDED


def test_page_says_where_credentials_come_from() -> None:
    section = PAGE.partition("## Credentials")[2].partition("\n## ")[0]
    for word in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "CF_USERNAME", "CF_PASSWORD", "credential helper"):
        assert word in section


def test_page_says_what_the_excludes_are() -> None:
    assert rows()["excludes"][2].startswith("Git pathspecs")
