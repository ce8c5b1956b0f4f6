"""How long it takes until three witnesses have cosigned what was just logged, and how large a
proof of inclusion is."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.log_policy import plan_policy
from provisioner.core.tlog.entry import Entry
from provisioner.core.tlog.merkle import hash_leaf
from provisioner.core.tlog.note import read_vkey, write_vkey
from provisioner.core.tlog.policy import KnownWitness, Policy, WitnessGroup
from provisioner.core.tlog.tiles import TileReader, plan_tiles
from provisioner.engine.releases.publisher import cosign_with
from provisioner.ports import Witnesses
from provisioner.publishing.log import Log
from provisioner.settings import ROOT

WITNESSES, LEAVES = 3, 100_000
STOP_SECONDS = 10


def time_quorum(witnesses: Witnesses, *, rounds: int = 10) -> float:
    """Median seconds from appending an entry until all three have seen it, on this machine."""
    private = Ed25519PrivateKey.generate()
    policy = plan_policy(private.public_key().public_bytes_raw())
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        started = [
            stack.enter_context(_start_witness(folder / f"w{n}", f"bench.example/{n}", policy))
            for n in range(WITNESSES)
        ]
        names = tuple(each.name for each in started)
        group = WitnessGroup("all", WITNESSES, names)
        log = Log(folder / "log", Policy(policy.logs, tuple(started), (group,), "all"), (private,))
        return statistics.median(_time_one(log, witnesses, number) for number in range(rounds))


def measure_proof(leaves: int = LEAVES) -> int:
    """Bytes of the longest audit path in a log of so many entries (RFC 6962 §2.1.1)."""
    hashes = [hash_leaf(str(number).encode()) for number in range(leaves)]
    tree = TileReader(leaves, plan_tiles(0, leaves, hashes).__getitem__)
    return max(sum(map(len, tree.inclusion(index))) for index in (0, leaves // 2, leaves - 1))


def _time_one(log: Log, witnesses: Witnesses, number: int) -> float:
    began = time.monotonic()
    log.append([Entry("agent", f"h{number}", f"{number:064x}")])
    log.publish(cosign_with(witnesses))
    log.serve()
    return time.monotonic() - began


@contextmanager
def _start_witness(folder: Path, name: str, policy: Policy) -> Iterator[KnownWitness]:
    command = [sys.executable, str(ROOT / "cli.py"), "witness", "serve", "--json"]
    command += ["--folder", str(folder), "--listen", "127.0.0.1:0", "--name", name]
    command += ["--log", write_vkey(policy.logs[0].key)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            told = json.loads(process.stdout.readline()) if process.stdout else {}
            yield KnownWitness(name.replace("/", "-"), read_vkey(told["vkey"]), told["url"])
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)
