"""Starts the attester of this host: `python3 -m provisioner.agent --help`."""

from __future__ import annotations

import argparse
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provisioner.agent.attester import Attester
from provisioner.agent.challenge import Challenges
from provisioner.agent.containers import Containers
from provisioner.agent.door import Own, open_door
from provisioner.agent.host import Host
from provisioner.agent.publication import Publication
from provisioner.agent.rotate import open_signers, request_rotation
from provisioner.signals import when_asked

SOCKET = "http.sock"
MOST_HELPERS = 8  # the service may use two processors and has a limit on threads


def main() -> None:
    """Runs until it is asked to stop."""
    options = _read_options()
    if options.rotate:
        request_rotation(options.agent)
        return
    os.umask(0o022)
    stop, signers = threading.Event(), open_signers(options.agent)
    when_asked(stop.set)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_HELPERS)) as helpers:
        attester = Attester(
            Containers(options.containers),
            Host(options.proc, options.repository, helpers),
            Publication(options.evidence, signers.current, options.repository, signers.waiting),
            options.agent,
            stop,
        )
        challenges = Challenges(attester)
        own = Own(attester.publication.signer.public.host_id, challenges.tell)
        with open_door(options.door / SOCKET, challenges.answer, own):
            attester.run()


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="provisioner.agent", description=__doc__)
    for name, default, text in (
        ("proc", "/host/proc", "the host's /proc"),
        ("containers", "/host/containers", "Docker's folder of containers"),
        ("evidence", None, "where evidence is written"),
        ("agent", None, "where the agent keeps its key"),
        ("repository", None, "the public release repository"),
        ("door", None, "where the edge finds the agent's socket"),
    ):
        parser.add_argument(
            f"--{name}", type=Path, default=default, required=default is None, help=text
        )
    parser.add_argument(
        "--rotate",
        action="store_true",
        help="ask the agent that runs with these folders to take a new key, and end",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
