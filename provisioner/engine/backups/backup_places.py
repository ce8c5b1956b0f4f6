"""Set up where backups go: the local folder, and a bucket where the operator has an S3 store."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from provisioner.core.bucket import Bucket, read_bucket
from provisioner.engine.context import Context
from provisioner.errors import SaidBadly, SettingWrong

KEYS = "s3"  # the file in the folder of keys


def record_places(context: Context, say: Callable[[str], None]) -> dict[str, str]:
    """What `up` writes down of them. The bucket is made and checked; the keys go to the Swarm.

    Raises SettingWrong, Unavailable or OperatorError.
    """
    places = {"backup_dir": str(context.settings.backups_dir)}
    if bucket := find_bucket(context):
        from provisioner.adapters.s3 import ensure_bucket

        say(f"Looking at the bucket {bucket.name} for backups")
        for change in ensure_bucket(bucket, context.settings.keys_dir / KEYS):
            say(f"The bucket {bucket.name} was put right: {change}")
        places |= {"backup_s3": bucket.repository, "backup_s3_secret": _hand_over(context)}
    return places


def read_keys(context: Context, source: str, file: Path | None) -> bytes:
    """What opens the store that `source` names: those of `file`, or else those that `up` uses.

    Empty for a folder, or where there are none. Raises SaidBadly.
    """
    if not source.startswith("s3:"):
        return b""
    path = file or context.settings.keys_dir / KEYS
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if file is None:
            return b""
        raise SaidBadly(f"There is no file {file}.", "keys") from error
    except OSError as error:
        raise SaidBadly(f"The file {path} cannot be read: {error.strerror}.", "keys") from error


def find_bucket(context: Context) -> Bucket | None:
    """Raises SettingWrong."""
    if not context.settings.backup_s3:
        return None
    try:
        return read_bucket(context.settings.backup_s3)
    except ValueError as error:
        raise SettingWrong(name="TAARAFO_BACKUP_S3", reason=str(error)) from error


def _hand_over(context: Context) -> str:
    """The keys as a Swarm secret; it is named by its content, so that new keys are new jobs'."""
    value = context.settings.read_secret(KEYS) + b"\n"
    name = f"{context.settings.stack}-backup-s3-{hashlib.sha256(value).hexdigest()[:10]}"
    context.engine.ensure_secret(name, value, {})
    return name
