"""How a release reaches a fleet of communities by itself: pure decisions, taken again and again."""

from provisioner.core.rollout.deciding import decide, end, pause, resume
from provisioner.core.rollout.standing import Standing, find_standing
from provisioner.core.rollout.values import Decision, Member, Pace, Rollout

__all__ = [
    "Decision",
    "Member",
    "Pace",
    "Rollout",
    "Standing",
    "decide",
    "end",
    "find_standing",
    "pause",
    "resume",
]
