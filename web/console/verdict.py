"""The last check in plain words, never stronger than what is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from provisioner.core.appraisal.wording import say_age
from provisioner.models.community import Community
from provisioner.models.verdict import ALARMING, Outcome

LIMIT = "No check from here can prove that nobody reads along. Others can check too, from afar."
WORDS: dict[str, str] = {
    Outcome.GENUINE: "The machine says it runs version {version}, just as it was made public.",
    Outcome.OUTDATED: "It runs version {version}. A newer one is out.",
    Outcome.STALE: "The last word from the machine is too old to count on.",
    Outcome.MODIFIED: "Some of its files are not what was made public. Ask who runs it why.",
    Outcome.DIVERGENT: "Some of its pages are not what was made public. Ask who runs it why.",
    Outcome.REJECTED: "What the machine says is not signed as it should be. Do not count on it.",
    Outcome.EQUIVOCATION: "The public book told two different stories. Do not count on it.",
    Outcome.UNLOGGED: "What runs was never written in the public book. Do not count on it.",
    Outcome.RELAY: "The machine showed the word of another place. Do not count on it.",
    Outcome.REPLAY: "The machine gave an old answer. Do not count on it.",
    Outcome.CLOCK_SKEW: "The clocks do not agree, so we cannot tell.",
    Outcome.UNVERIFIABLE: "We could not see all of it, so we cannot tell.",
}
UNKNOWN = "We do not know yet. The first check comes soon."


@dataclass(frozen=True)
class Plain:
    sentence: str
    limit: str
    when: str
    is_bad: bool


def describe_verdict(community: Community, now: datetime) -> Plain:
    """What to tell a founder of the last check."""
    sentence = WORDS.get(community.verdict, UNKNOWN).format(version=community.version)
    when = say_age(community.checked_at, now) if community.checked_at else ""
    return Plain(sentence, LIMIT, when, community.verdict in ALARMING)
