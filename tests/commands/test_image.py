"""The task image: what is pinned of it, what it is built from, and that nothing of a machine gets into it."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

import tasks
from commands import debian, image, image_making, image_pins, wiring
from releaser import config
from releaser.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "ci" / "image"
SETTINGS = """\
# Kept.
name: a
go:
  version: 1.27.3
pipeline:
  # Also kept.
  image:
    repository: null

    # of what it is made of
    tag: null # and this
    insecure: false
  s3:
    tag: other
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with what the tag is made of."""
    shutil.copytree(RECIPE, tmp_path / "ci/image")
    for name in ("sidecar.yml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_sidecar_yml_names_the_image_that_the_checkout_needs() -> None:
    image_pins.require_named(ROOT)


def test_go_of_the_settings_is_that_of_the_lock_by_which_the_image_pipeline_is_triggered() -> None:
    version = config.load(ROOT / "sidecar.yml").go.version
    assert f"\ngo-bin=={version} " in (ROOT / "requirements.lock").read_text()


def test_changed_recipe_is_told_with_the_remedy_until_it_is_written(checkout: Path) -> None:
    before = image_pins.tag(checkout)
    (checkout / "ci/image/packages").write_text("git=1\n")
    with pytest.raises(ConfigError) as caught:
        image_pins.require_named(checkout)
    after = image_pins.tag(checkout)
    assert before in caught.value.message
    assert after in caught.value.message
    assert "./inv image --write" in caught.value.remedy
    assert image_pins.write(checkout) == after
    image_pins.require_named(checkout)


@pytest.mark.parametrize("value", ["null", '"0123456789ab"', "0123456789ab", ""])
def test_writing_changes_the_line_alone(checkout: Path, value: str) -> None:
    settings = checkout / "sidecar.yml"
    settings.write_text(SETTINGS.replace("tag: null", f"tag: {value}"))
    tag = image_pins.write(checkout)
    assert settings.read_text().replace('"  #', '" #') == SETTINGS.replace("tag: null", f'tag: "{tag}"')


@pytest.mark.parametrize(
    "text", ["pipeline: {image: {tag: null}}\n", "name: a\n", "pipeline:\n  image:\n  tag: a\n"]
)
def test_settings_written_otherwise_are_left_to_people(checkout: Path, text: str) -> None:
    settings = checkout / "sidecar.yml"
    settings.write_text(f"go: {{version: 1.27.3}}\n{text}")
    with pytest.raises(ConfigError) as caught:
        image_pins.write(checkout)
    assert f'tag: "{image_pins.tag(checkout)}"' in caught.value.remedy
    assert settings.read_text().endswith(text)


def test_update_writes_versions_and_keeps_what_is_around_them(checkout: Path) -> None:
    path = checkout / "ci/image/packages"
    path.write_text("# Why.\ngit=1:2.3-4\n\n# And.\ndocker.io=20.10+dfsg1-1+deb12u1+b6\n")
    found = {"git": "1:2.3-5", "docker.io": "20.10+dfsg1-1+deb12u1+b6"}
    assert image_pins.update(checkout, found) == {"git": "1:2.3-4 → 1:2.3-5"}
    assert path.read_text() == "# Why.\ngit=1:2.3-5\n\n# And.\ndocker.io=20.10+dfsg1-1+deb12u1+b6\n"
    assert image_pins.packages(checkout) == found


def test_versions_that_a_mirror_no_longer_has_are_named_with_the_remedy() -> None:
    gone = {"git": "1:2.3-4", "curl": "7.8+deb12u1"}
    said = "\n".join(f"E: Version '{version}' for '{name}' was not found" for name, version in gone.items())
    with pytest.raises(ConfigError) as caught:
        debian.require_there(said)
    assert "curl 7.8+deb12u1, git 1:2.3-4" in caught.value.message
    assert "./inv image --update" in caught.value.remedy
    debian.require_there("E: something else")


def test_nothing_is_pushed_where_no_registry_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = yaml.safe_load((ROOT / "sidecar.yml").read_text(encoding="utf-8"))
    settings["pipeline"]["image"]["repository"] = None
    path = tmp_path / "sidecar.yml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    monkeypatch.setattr(wiring, "SETTINGS", path)
    with pytest.raises(ConfigError, match="names no registry"):
        image.make(push=True, save="")


def test_every_line_of_the_packages_is_a_pin_or_a_comment() -> None:
    lines = (RECIPE / "packages").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins == [f"{name}={version}" for name, version in sorted(image_pins.packages(ROOT).items())]
    assert {"docker.io", "git", "iptables", "openssh-client", "python3"} <= set(image_pins.packages(ROOT))


def test_image_installs_the_packages_and_takes_what_its_stage_made_and_nothing_else() -> None:
    text = (RECIPE / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${BASE}", "system", "system"]
    assert "RUN /tmp/image/install /tmp/image/packages" in text
    last = text.rpartition("\nFROM ")[2].splitlines()[1:]
    assert all(re.fullmatch(r"COPY --from=made (/opt/train/\S+) \1", line) for line in last)
    assert "TRAIN_HOME=/opt/train" in text
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for source in line.split():
            assert source in ("handed", "checkout") or (RECIPE / source.removeprefix("image/")).is_file()


def test_recipe_names_no_registry_and_no_mirror() -> None:
    for path in [*RECIPE.iterdir(), ROOT / "ci/image.yml", ROOT / "ci/tasks/image.yml"]:
        assert not re.search(r"https?://|docker\.io/|\.(debian|docker|pypi|python)\.org", path.read_text()), (
            path
        )


def test_build_gets_the_checkouts_parts_and_this_machines_way_to_indexes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text("[global]\nindex-url = https://index.example/simple\n")
    (tmp_path / "authorities.pem").write_text("PEM")
    given = {
        "HOME": str(home),
        "SSL_CERT_FILE": str(tmp_path / "authorities.pem"),
        "UV_DEFAULT_INDEX": "https://index.example/it's",
        "GOPROXY": "",
        "PIP_INDEX_URL": "https://index.example/simple",
        "AWS_SECRET_ACCESS_KEY": "not for the build",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = config.load(ROOT / "sidecar.yml")
    with image_making.context(settings) as folder:
        assert {path.name for path in folder.iterdir()} == {"Dockerfile", "checkout", "handed", "image"}
        checkout = folder / "checkout"
        for name in ("inv", "requirements.lock", "sidecar.yml", "ci/image/tag", "foundation/go/go.mod"):
            assert (checkout / name).is_file()
        assert (checkout / settings.sidecar.source / "go.mod").is_file()
        assert not list(checkout.rglob("__pycache__"))
        said = (folder / "handed/environment").read_text()
        files = folder / "handed/files"
        assert "index.example" in (files / "root/.config/pip/pip.conf").read_text()
        assert (files / "etc/ssl/certs/ca-certificates.crt").read_text() == "PEM"
    assert "export UV_DEFAULT_INDEX='https://index.example/it'\"'\"'s'\n" in said
    assert "export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt\n" in said
    assert "GOPROXY" not in said
    assert "not for the build" not in said
    assert not folder.exists()


def test_page_names_every_option_and_every_variable_that_is_handed_to_the_build() -> None:
    page = (ROOT / "docs/image.md").read_text()
    assert set(re.findall(r"`\./inv image --(\w+)", page)) == set(tasks.image.help)
    section = page.partition("## Building it")[2].partition("\n## ")[0]
    named = set(re.findall(r"`((?:PIP|UV|GO)_?[A-Z_]+)`", section))
    assert {name for name in named if not image_making.INDEXES.fullmatch(name)} == set()
    assert len(named) == 15
