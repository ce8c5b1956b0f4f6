"""What the live tests break, for real: Docker itself, and workers in the middle of a step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.live.community import wait_until


def docker(engine, *command):
    told = subprocess.run(
        ["docker", "--host", engine.docker_host, *command],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip()


def run_doomed(state, operation, step):
    told = {
        **os.environ,
        "TAARAFO_STATE": str(state.state),
        "TAARAFO_PORT": str(state.port),
        "TAARAFO_DOCKER_HOST": state.docker_host,
        "TAARAFO_LEASE_SECONDS": "1",
    }
    command = [sys.executable, "-m", "tests.live.doomed_worker", operation.id, step]
    ended = subprocess.run(command, env=told, check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL


def restart_docker(engine):
    """SIGKILL, as a crash would; then the same engine again, on the same folders."""
    pidfile = engine.folder / "docker.pid"
    pid = int(pidfile.read_text())
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists(), "Docker is dead", 10)
    pidfile.unlink(missing_ok=True)
    settings = str(engine.folder / "daemon.json")
    with (engine.folder / "dockerd.log").open("ab") as log:
        subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "dockerd", "--config-file", settings],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
