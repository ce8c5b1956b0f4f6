"""Where in an S3 store backups go, and what a bucket for them has to be like. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

KEPT_DAYS = 30  # what was deleted or replaced can be brought back for so long, and then is gone
UNFINISHED_DAYS = 7  # of an upload that was cut off
_ADDRESS = re.compile(
    r"s3:(https?://[A-Za-z0-9.-]+(?::\d{1,5})?)/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])"
    r"((?:/[A-Za-z0-9._-]+)*)"
).fullmatch


@dataclass(frozen=True)
class Bucket:
    """`prefix` has no slash at its ends; empty means the whole bucket."""

    endpoint: str
    name: str
    prefix: str = ""

    @property
    def repository(self) -> str:
        """In restic's words, without a slash at its end."""
        return "/".join(part for part in (f"s3:{self.endpoint}", self.name, self.prefix) if part)


def read_bucket(address: str) -> Bucket:
    """Of `s3:https://host/bucket/prefix`. Raises ValueError.

    Bucket names as Amazon's rules for general purpose buckets have them: 3 to 63 small letters,
    digits, dots and hyphens.
    """
    found = _ADDRESS(address.rstrip("/"))
    if not found:
        raise ValueError("it has to look like s3:https://host/bucket/folder")
    return Bucket(found[1], found[2], found[3].strip("/"))


def plan_lifecycle(bucket: Bucket) -> dict[str, object]:
    """What the store does by itself, for this prefix alone (S3 PutBucketLifecycleConfiguration)."""
    return {
        "ID": f"taarafo-{bucket.prefix.replace('/', '-') or 'all'}",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{bucket.prefix}/" if bucket.prefix else ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UNFINISHED_DAYS},
    }
