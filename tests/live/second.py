"""A second control plane on a machine of its own: another engine, network, folders and keys.

A cable leads to the first one's network, and nothing else is shared.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from provisioner.engine.context import Context
from provisioner.settings import ROOT, Settings
from tests.conftest import Engine
from tests.live.engine import TestEngine, reserve_engine, start_engine, stop_engine
from tests.live.network import enter_network
from tests.live.two_hosts import ADDRESSES, lay_cable
from tests.live.versions import Version, lay_out

FIRST, _ = ADDRESSES
FIRST_VERSION = "1.0.0"
T = TypeVar("T")
UP_SECONDS, COMMAND_SECONDS = 400, 180


@dataclass
class SecondPlane:
    """Its front door is on its own loopback, so a visitor has to be `inside`."""

    engine: TestEngine

    @cached_property
    def settings(self) -> Settings:
        return Settings(
            state=self.engine.folder / "s",
            domain="",
            port=8080,
            docker_host=self.engine.docker_host,
        )

    @cached_property
    def context(self) -> Context:
        """To look at what it recorded and what runs there; its front door is elsewhere."""
        return Context(self.settings)

    def try_command(
        self, *words: str, seconds: float = COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """`./taarafo …` as somebody types it on that machine."""
        with self.begin(*words) as process:
            try:
                out, said = process.communicate(timeout=seconds)
            finally:
                process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, said)

    def catch_up(self, version: str, folder: Path) -> None:
        """Publish what others run already, so that it knows a version that is as new."""
        if version != FIRST_VERSION:
            subprocess.run(
                self.engine.enter(sys.executable, "cli.py", "release", "publish"),
                cwd=lay_out(Version(version), folder),
                env=self._environment,
                check=True,
            )

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "TAARAFO_STATE": str(self.settings.state),
            "TAARAFO_DOCKER_HOST": self.settings.docker_host,
        }

    def begin(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.engine.enter(sys.executable, str(ROOT / "cli.py"), *words),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def inside(self, visit: Callable[[], T]) -> T:
        """Carry out in the network of that machine, in a thread of its own."""
        network = [self.engine.namespace]
        with ThreadPoolExecutor(1, initializer=enter_network, initargs=network) as hand:
            return hand.submit(visit).result()

    def command(self, *words: str, seconds: float = COMMAND_SECONDS) -> dict[str, Any]:
        done = self.try_command(*words, "--json", seconds=seconds)
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        return told


@contextmanager
def second_machine(first: Engine) -> Iterator[SecondPlane]:
    """Nothing is set up on it yet."""
    engine = reserve_engine(2)
    try:
        start_engine(engine)
        lay_cable(first.folder.name, engine.name)
        yield SecondPlane(engine)
    finally:
        stop_engine(engine)
