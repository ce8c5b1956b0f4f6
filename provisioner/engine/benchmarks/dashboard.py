"""The operator's dashboard with ten thousand communities, beside the same with one hundred."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from provisioner.settings import ROOT

MANY, FEW = 10_000, 100


def bench_dashboard(*, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Each in a database of its own; nothing of this control plane is touched."""
    say(f"Filling a database with {MANY:,} communities")
    many, few = _measure(MANY, times), _measure(FEW, times)
    return {
        "p95_ms": many["p95_ms"],
        "queries": many["queries"],
        "few_p95_ms": few["p95_ms"],
        "few_queries": few["queries"],
        "ratio": round(many["p95_ms"] / few["p95_ms"], 2),
        "is_constant": all(
            row["queries"] == few["pages"][name]["queries"] for name, row in many["pages"].items()
        ),
        "pages": many["pages"],
        "compared": f"the slowest of {len(many['pages'])} pages of the dashboard with {MANY:,} "
        f"communities, beside the same with {FEW}; {times} requests each, without the network",
    }


def _measure(communities: int, times: int) -> dict[str, Any]:
    """In a program of its own: the engine knows nothing of the web."""
    with TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        words = [sys.executable, "-m", "web.measure", str(state), str(communities), str(times)]
        told = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found
