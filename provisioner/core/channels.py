"""What a community's channel has for it, and when a release has proved itself on `early`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from provisioner.core.versions import sort_versions, version_key


def say_channel(channel: str, running: str, versions: Sequence[str]) -> str:
    """What comes next for somebody who runs `running` and follows `channel`, in a sentence.

    `versions` are those that the channel has, in any order.
    """
    newest = sort_versions(versions)[-1] if versions else ""
    if not newest:
        return f"Nothing is published in {channel} yet: it stays at {running} until something is."
    if version_key(newest) < version_key(running):
        return (
            f"It stays at {running} until {channel} has caught up: "
            f"the newest version there is {newest}."
        )
    if newest == running:
        return f"{newest} is the newest version in {channel}."
    return f"{newest} is the newest version in {channel}, and comes by itself."


@dataclass(frozen=True)
class Trial:
    """How a release did on `early`, on this control plane: `since` somebody first ran it."""

    since: datetime | None
    failed: int
    soak: timedelta
    is_stopped: bool = False  # its rollout is paused or halted


def judge_trial(trial: Trial, now: datetime) -> str:
    """Why it has not proved itself on `early` yet; empty when it has."""
    if trial.is_stopped:
        return "its rollout on early is stopped"
    if trial.failed:
        return f"it failed at {trial.failed:,} on early"
    if trial.since is None:
        return "nobody here runs it on early yet"
    if now < (until := trial.since + trial.soak):
        until = until.astimezone(UTC) + timedelta(seconds=59)
        return f"it has to run on early until {until.day} {until:%B %H:%M} UTC"
    return ""


def say_trial(trial: Trial, now: datetime) -> str:
    """The same for the operator, as a sentence."""
    if why := judge_trial(trial, now):
        return f"Not for everybody yet: {why}."
    return "It has proved itself on early: `release promote` gives it to everybody."
