"""The sidecar.yml that tests work with: the project's own, whatever a fork has made of the checkout's.

Of the checkout's are only the toolchain, which has to be the one that is here, and what the pages describe:
the excludes and the tag of the task image.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
OWN = ROOT / "sidecar.yml"
NAME = "config-server"
SETTINGS = """\
# As a fork finds it.
name: {name}

sidecar:
  source: sidecar_src
  command: ./config-server
  process_types: [web]
  memory: null
  port_variable: CONFIG_SERVER_PORT

go:
  version: "{go}"
  targets: [linux/amd64]

s3: {{endpoint: null, region: us-east-1, bucket: null, prefix: buildpacks, public_url: null}}
git:
  remote: null
  branch: main
  author: {{name: Train, email: train@example.com}}
foundation:
  name: production
  api: null
  organization: null
  space: null
  skip_tls_verify: false
  create_buildpacks: true

stacks: [cflinuxfs4]
variants: [uncached, cached]
budget: {{uncached: 32K, cached: 5M}}
acceptance: {{apps: [rubyapp], ways: [uncached, cached, git], stand_in: false}}
excludes: {excludes}

pipeline:
  image:
    repository: null
    tag: "{tag}"
    base: null
    python_index: null
    go_proxy: null
    insecure: false
    username: null
    password: null
  certificates: []
  s3:
    path_style: false
    access_key_id: ((s3_access_key_id))
    secret_access_key: ((s3_secret_access_key))
    session_token: null
  git: {{username: ((git_username)), password: ((git_password)), private_key: null}}
  foundation: {{username: ((cf_username)), password: ((cf_password))}}
  privileged: false
  promote_automatically: true
  signing_key: null
  webhook_token: ((webhook_token))
  failure_url: null

environments: {{}}
"""


def text(name: str = NAME) -> str:
    """Return the file, of a buildpack of this name."""
    own = yaml.safe_load(OWN.read_text(encoding="utf-8"))
    return SETTINGS.format(
        name=name,
        go=own["go"]["version"],
        excludes=json.dumps(own["excludes"]),
        tag=own["pipeline"]["image"]["tag"],
    )


def settings() -> dict[str, Any]:
    """Return what is in it."""
    return dict(yaml.safe_load(text()))


def merged(values: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those of a layer over them, key by key in every section."""
    found = dict(values)
    for key, value in layer.items():
        deeper = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if deeper else value
    return found
