"""How much of a repository is read back after one backup. Pure.

Up to a gibibyte it is all of it. A larger one is read in parts, one a day, so that every byte is
read again within as many days as there are parts. Stdlib only: part of the keeper's image.
"""

from __future__ import annotations

PART_BYTES = 2**30
MOST_PARTS = 256  # what restic can divide a repository into


def plan_reading(stored_bytes: int, day: int) -> str:
    """`n/t` of `restic check --read-data-subset`; `day` is any running number of days."""
    parts = min(MOST_PARTS, max(1, -(-stored_bytes // PART_BYTES)))
    return f"{day % parts + 1}/{parts}"
