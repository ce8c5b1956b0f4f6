"""What a job says, in lines of JSON on standard output: how far it is, and in the end its report.

An exit code alone is never believed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from provisioner.errors import BackupFailed

MARK, WORD = "taarafo-report", "taarafo-word"
BACK, WHOLE, AWAKE = "back", "whole", "awake"  # how far a drill is


def run_job(verb: str, work: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> int:
    """Give `work` the wish, which is the only argument, and print its report.

    The top of a job: whatever goes wrong is said, and nothing that went wrong is a report of
    success.
    """
    try:
        told: Mapping[str, Any] = work(json.loads(sys.argv[1]))
    except BackupFailed as error:
        _print(verb, {"error": str(error.facts.get("reason", error.code)), "detail": error.detail})
        return 1
    except Exception as error:
        _print(verb, {"error": "something unexpected happened", "detail": repr(error)[:400]})
        return 1
    _print(verb, told)
    return 0


def say(word: str) -> None:
    """How far it is, while it goes on."""
    _write({WORD: word})


def _print(verb: str, told: Mapping[str, Any]) -> None:
    _write({MARK: verb, **told})


def _write(told: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
