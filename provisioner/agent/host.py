"""The host that the agent runs on, as the agent sees it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Host:
    """Where the agent finds what it measures, and who helps with large files."""

    proc: Path
    repository: Path
    helpers: ThreadPoolExecutor
