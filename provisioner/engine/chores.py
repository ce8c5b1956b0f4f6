"""What the worker does again and again by itself, and in words what of it does not work now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provisioner.engine.context import Context
from provisioner.errors import TaarafoError
from provisioner.files import write_atomically

CHORES = {
    "signatures": "Signing the release list again",
    "rollout": "Bringing new releases to the communities",
    "upkeep": "Asking for the backups and drills that are due",
    "room": "Looking at how much of the disk is taken",
    "images": "Clearing away what ended jobs left, and images that nobody needs",
    "witnesses": "Asking the witnesses to see the public log again",
}
UNEXPECTED = "Something unexpected happened. The log of the worker says what."


@dataclass(frozen=True)
class Trouble:
    """A chore that did not work at its last try, and has not since `since`."""

    chore: str
    since: datetime
    sentence: str

    def explain(self) -> str:
        """What does not work, since when, and why."""
        return f"{CHORES[self.chore]} has not worked since {self.since:%Y-%m-%d %H:%M} UTC. " + (
            self.sentence
        )


def carry_chore(context: Context, chore: str, call: Callable[[], object]) -> None:
    """Do it, and keep what came of it for everybody who looks after this control plane.

    Raises whatever `call` raises.
    """
    try:
        call()
    except TaarafoError as error:
        more = f" ({error.detail})" if error.detail else ""
        _keep(context, chore, f"{error.explain()} {error.next_step()}{more}")
        raise
    except Exception:
        _keep(context, chore, UNEXPECTED)
        raise
    _path(context, chore).unlink(missing_ok=True)


def list_troubles(context: Context) -> list[Trouble]:
    """Nothing when all chores worked the last time."""
    return list(_read(context))


def _read(context: Context) -> Iterator[Trouble]:
    for chore in CHORES:
        try:
            kept = json.loads(_path(context, chore).read_bytes())
            yield Trouble(chore, datetime.fromisoformat(kept["since"]), str(kept["sentence"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _keep(context: Context, chore: str, sentence: str) -> None:
    before = next((each for each in _read(context) if each.chore == chore), None)
    since = before.since if before else context.clock.now()
    kept = {"since": since.isoformat(), "sentence": sentence}
    write_atomically(_path(context, chore), json.dumps(kept).encode())


def _path(context: Context, chore: str) -> Path:
    return context.settings.troubles_dir / f"{chore}.json"
