"""The s3 resource: the objects whose key a regular expression matches, in the order of what it captures."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.pipeline.player.errors import RefusedError, ScriptError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SOURCE = frozenset(
    {
        *("bucket", "endpoint", "region_name", "use_path_style", "access_key_id", "secret_access_key"),
        *("session_token", "enable_aws_creds_provider", "regexp", "initial_path", "initial_content_text"),
    }
)
Source = Mapping[str, Any]
Version = Mapping[str, str]


def check(source: Source, last: Version | None, seconds: float) -> list[Version]:
    """Return what is not older than the last version; at first the newest alone."""
    from botocore.exceptions import BotoCoreError, ClientError

    for part in source["regexp"].split("/"):  # the real one looks folder by folder
        try:
            re.compile(part)
        except re.error as error:
            raise ScriptError(f"regexp: {part}: {error}") from error
    pages = _client(source, seconds).get_paginator("list_objects_v2")
    try:
        found = [
            row["Key"]
            for page in pages.paginate(Bucket=source["bucket"])
            for row in page.get("Contents", [])
            if re.fullmatch(source["regexp"], row["Key"])
        ]
    except (BotoCoreError, ClientError) as error:
        raise ScriptError(f"finding versions: {error}") from error
    first = [source["initial_path"]] if source.get("initial_path") else []
    keys = first + sorted(found, key=lambda key: _number(source, key))
    if last is None:
        return [{"path": key} for key in keys[-1:]]
    least = _number(source, last["path"])
    return [{"path": key} for key in keys if _number(source, key) >= least]


def _number(source: Source, key: str) -> int:
    """Return what the expression captures as the version."""
    found = re.search(source["regexp"], key)
    if not found or not found[1].isdigit():
        raise ScriptError(f"{key} has no version: only whole numbers are played")
    return int(found[1])


def get(source: Source, version: Version, params: Source, into: Path, seconds: float) -> None:
    """Write the object, beside it its URL and version; of what is not there yet the initial content."""
    if params:
        raise RefusedError(f"s3: params of get are not played: {', '.join(params)}")
    from botocore.exceptions import BotoCoreError, ClientError

    key = version["path"]
    into.mkdir()
    if key == source.get("initial_path"):
        (into / Path(key).name).write_text(source.get("initial_content_text") or "", encoding="utf-8")
    else:
        try:
            _client(source, seconds).download_file(source["bucket"], key, str(into / Path(key).name))
        except (BotoCoreError, ClientError) as error:
            raise ScriptError(f"downloading {key}: {error}") from error
        url = f"{source.get('endpoint') or ''}/{source['bucket']}/{key}"
        (into / "url").write_text(url, encoding="utf-8")
        (into / "s3_uri").write_text(f"s3://{source['bucket']}/{key}", encoding="utf-8")
    (into / "version").write_text(str(_number(source, key)), encoding="utf-8")


def put(source: Source, params: Source, folder: Path, seconds: float) -> Version:
    """Put the one file that `from` matches under the key that `to` makes of its path."""
    if set(params) - {"from", "to", "content_type"} or not {"from", "to"} <= set(params):
        raise RefusedError(f"s3: params of put are not played: {', '.join(params)}")
    from botocore.exceptions import BotoCoreError, ClientError

    paths = [str(path) for path in folder.rglob("*") if re.search(params["from"], str(path))]
    if len(paths) != 1:
        many = "more than one match" if paths else "no matches"
        raise ScriptError(f"{many} found for pattern: {params['from']}")
    name = str(Path(paths[0]).relative_to(folder))
    key = re.sub(params["from"], re.sub(r"\$(\d)", r"\\\1", params["to"]), name)
    kind = {"ContentType": params["content_type"]} if "content_type" in params else {}
    try:
        client = _client(source, seconds)
        client.put_object(Bucket=source["bucket"], Key=key, Body=Path(paths[0]).read_bytes(), **kind)
    except (BotoCoreError, ClientError) as error:
        raise ScriptError(f"uploading {key}: {error}") from error
    return {"path": key}


def _client(source: Source, seconds: float) -> "S3Client":
    import boto3
    from botocore.config import Config

    if not (source.get("access_key_id") and source.get("secret_access_key")):
        raise ScriptError("s3: without an access key nothing is played")
    style = "path" if source.get("use_path_style") else "virtual"
    given: Any = {"s3": {"addressing_style": style}, "proxies": {}, "retries": {"total_max_attempts": 2}}
    return boto3.client(
        "s3",
        endpoint_url=source.get("endpoint"),
        region_name=source["region_name"],
        aws_access_key_id=source["access_key_id"],
        aws_secret_access_key=source["secret_access_key"],
        aws_session_token=source.get("session_token"),
        config=Config(connect_timeout=seconds, read_timeout=seconds, **given),
    )
