"""Runs the outside programs that build and push: argument lists, quiet, errors with their log."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_TAIL = 40


class ToolFailed(Exception):
    """A program ended with an error; the message holds the last lines it printed."""


def run_tool(
    arguments: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    seconds: int = 900,
) -> bytes:
    """What the program wrote to standard output. Raises ToolFailed."""
    command = [str(argument) for argument in arguments]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolFailed(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{command[0]} did not end within {seconds} seconds") from error
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
        raise ToolFailed("\n".join([" ".join(command), *lines[-_TAIL:]]))
    return done.stdout
