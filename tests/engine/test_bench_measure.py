"""The benchmark measures what it says; its numbers are judged by people, not by a clock here."""

from __future__ import annotations

from provisioner.engine.benchmarks.challenge import bench_challenge
from provisioner.engine.benchmarks.measure import bench_measure
from provisioner.engine.benchmarks.tree import FILES


def test_a_round_measures_every_file() -> None:
    result = bench_measure(rounds=1)
    assert result["files"] == FILES
    assert result["ratio"] > 0


def test_a_round_of_challenges_looks_at_every_file() -> None:
    result = bench_challenge(rounds=1)
    assert result["files"] == FILES
    assert 0 < result["challenge_seconds"] < result["full_challenge_seconds"]
