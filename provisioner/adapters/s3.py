"""Make and check the bucket for backups: the only importer of boto3. restic moves the data."""

from __future__ import annotations

import configparser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from provisioner.core.bucket import Bucket, plan_lifecycle
from provisioner.errors import OperatorError, SettingWrong, Unavailable

CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
SECONDS = 10


def ensure_bucket(bucket: Bucket, keys: Path) -> list[str]:
    """Make it if there is none, close it, and see that it is so. Returns what was changed.

    `keys` is a file in the form of Amazon's shared credentials. Raises SettingWrong, Unavailable,
    and OperatorError when the store does not keep to what it was told.
    """
    store = _connect(bucket, keys)
    with _translated(bucket):
        changed = _make(store, bucket)
        if flaws := find_flaws(bucket, keys):
            changed += flaws
            _mend(store, bucket)
    if flaws := find_flaws(bucket, keys):
        raise OperatorError(f"the bucket {bucket.name} stays as it was: {', '.join(flaws)}")
    return changed


def find_flaws(bucket: Bucket, keys: Path) -> list[str]:
    """What is not as it should be: versioning, public access, lifecycle."""
    store = _connect(bucket, keys)
    with _translated(bucket):
        found = {
            "old versions are not kept": store.get_bucket_versioning(Bucket=bucket.name).get(
                "Status"
            )
            != "Enabled",
            "the public is not shut out": _find_closed(store, bucket) != CLOSED,
            "old versions never go": plan_lifecycle(bucket) not in _list_rules(store, bucket),
        }
    return [flaw for flaw, is_so in found.items() if is_so]


def _make(store: Any, bucket: Bucket) -> list[str]:  # noqa: ANN401 - boto3 has no types
    try:
        store.head_bucket(Bucket=bucket.name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket", "NotFound"):
            raise
        store.create_bucket(Bucket=bucket.name)
        return ["made"]
    return []


def _mend(store: Any, bucket: Bucket) -> None:  # noqa: ANN401
    store.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    store.put_public_access_block(Bucket=bucket.name, PublicAccessBlockConfiguration=CLOSED)
    rule = plan_lifecycle(bucket)
    others = [each for each in _list_rules(store, bucket) if each["ID"] != rule["ID"]]
    store.put_bucket_lifecycle_configuration(
        Bucket=bucket.name, LifecycleConfiguration={"Rules": [*others, rule]}
    )


def _find_closed(store: Any, bucket: Bucket) -> object:  # noqa: ANN401
    try:
        told = store.get_public_access_block(Bucket=bucket.name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        return None
    return told["PublicAccessBlockConfiguration"]


def _list_rules(store: Any, bucket: Bucket) -> list[dict[str, Any]]:  # noqa: ANN401
    try:
        told = store.get_bucket_lifecycle_configuration(Bucket=bucket.name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return []
    rules: list[dict[str, Any]] = told["Rules"]
    return rules


def _connect(bucket: Bucket, keys: Path) -> Any:  # noqa: ANN401
    """Nothing is taken from the environment or from anybody's home folder."""
    held = configparser.ConfigParser()
    try:
        held.read_string(keys.read_text())
        account = held["default"]
        access, secret = account["aws_access_key_id"], account["aws_secret_access_key"]
    except (OSError, configparser.Error, KeyError) as error:
        raise SettingWrong(name=str(keys), reason="it does not hold keys of an S3 store") from error
    return boto3.client(
        "s3",
        endpoint_url=bucket.endpoint,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name=account.get("region", "us-east-1"),
        config=Config(
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
            retries={"max_attempts": 2},
            s3={"addressing_style": "path"},
        ),
    )


@contextmanager
def _translated(bucket: Bucket) -> Iterator[None]:
    """boto3's exceptions become ours."""
    try:
        yield
    except ClientError as error:
        raise OperatorError(f"the S3 store refuses {bucket.name}: {error}") from error
    except BotoCoreError as error:
        raise Unavailable(str(error), part="the S3 store for backups") from error
