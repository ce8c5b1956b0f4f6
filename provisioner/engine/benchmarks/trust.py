"""`bench trust`: what a check costs, from the agent to a member's command line."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provisioner.core.place import host_of
from provisioner.engine.benchmarks.challenge import bench_challenge
from provisioner.engine.benchmarks.guest import guest
from provisioner.engine.benchmarks.measure import bench_measure
from provisioner.engine.benchmarks.quorum import LEAVES, WITNESSES, measure_proof, time_quorum
from provisioner.engine.context import Context
from provisioner.errors import OperatorError
from provisioner.files import write_atomically
from provisioner.models.community import Community
from provisioner.settings import ROOT

ROUNDS = 7
LOAD = ("wrk", "-t1", "-c8", "-d3s")


def bench_trust(context: Context, say: Callable[[str], None]) -> dict[str, Any]:
    """Makes a community, measures, and removes it. Raises OperatorError without `wrk`."""
    if not shutil.which(LOAD[0]):
        raise OperatorError("the benchmark needs wrk: apt-get install wrk")
    with guest(context, preset="club") as community:
        say("Asking a community, again and again")
        check = statistics.median(_time_check(community) for _ in range(ROUNDS + 1))
        evidence, plain = _compare_evidence(context, community)
    say("Measuring files")
    measured, challenged = bench_measure(), bench_challenge()
    say("Asking three witnesses")
    return {
        "check_seconds": round(check, 3),
        "measure_ratio": measured["ratio"],
        "challenge_seconds": challenged["challenge_seconds"],
        "full_challenge_seconds": challenged["full_challenge_seconds"],
        "proof_bytes": measure_proof(),
        "evidence_ratio": round(evidence / plain, 3),
        "evidence_per_second": round(evidence),
        "quorum_seconds": round(time_quorum(context.witnesses), 3),
        "compared": (
            "check: the whole process, warm, with a question to the agent; measure: beside "
            "sha256sum; evidence: beside the same bytes as a plain file from the same edge; "
            f"proof: in a log of {LEAVES} entries; quorum: {WITNESSES} witnesses on this machine"
        ),
    }


def _time_check(community: Community) -> float:
    command = [sys.executable, str(ROOT / "cli.py"), "check", community.address, "--json"]
    began = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def _compare_evidence(context: Context, community: Community) -> tuple[float, float]:
    """Answers a second: the report of a community, and the same bytes as a plain file."""
    settings = context.settings
    report = settings.evidence_dir / host_of(community) / "evidence.dsse"
    plain = settings.repository_dir / "bench.json"
    write_atomically(plain, report.read_bytes())
    base = f"http://127.0.0.1:{settings.port}"
    try:
        ours = _load(f"{base}/.well-known/taarafo/evidence.dsse", community.address)
        theirs = _load(f"{base}/releases/{plain.name}", settings.base_host)
    finally:
        Path(plain).unlink()
    return ours, theirs


def _load(url: str, host: str) -> float:
    """Answers a second that `wrk` counts. Raises OperatorError when any of them was no 200."""
    command = [*LOAD, "-H", f"Host: {host}", url]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told:
        raise OperatorError(f"{url} was not answered")
    (rate,) = (line.split()[1] for line in told.splitlines() if "Requests/sec" in line)
    return float(rate)
