"""Starts the attester of this host: `python3 -m provisioner.agent --help`."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provisioner.agent.attester import Attester
from provisioner.agent.containers import Containers
from provisioner.agent.host import Host
from provisioner.agent.publication import Publication
from provisioner.agent.signing_key import load_signer


def main() -> None:
    """Runs until it is asked to stop."""
    options = _read_options()
    os.umask(0o022)
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as helpers:
        Attester(
            Containers(options.containers),
            Host(options.proc, options.repository, helpers),
            Publication(options.evidence, load_signer(options.agent)),
            stop,
        ).run()


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="provisioner.agent", description=__doc__)
    for name, default, text in (
        ("proc", "/host/proc", "the host's /proc"),
        ("containers", "/host/containers", "Docker's folder of containers"),
        ("evidence", None, "where evidence is written"),
        ("agent", None, "where the agent keeps its key"),
        ("repository", None, "the public release repository"),
    ):
        parser.add_argument(
            f"--{name}", type=Path, default=default, required=default is None, help=text
        )
    return parser.parse_args()


if __name__ == "__main__":
    main()
