"""Steps 6 and 16: what was told to everybody, and what independent checkers saw of it."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.core.appraisal.agents import hash_row
from provisioner.core.appraisal.examination import Examination
from provisioner.core.appraisal.observation import judge_observations
from provisioner.core.appraisal.rotation import is_linked
from provisioner.core.appraisal.wording import count, say_age
from provisioner.models.verdict import Finding, Outcome

NOBODY_LOOKED = "No independent checker has looked at its pages in the last day."


def check_log(it: Examination) -> Iterator[Finding]:
    """6. The signed release and the agent are in the public log, which witnesses have seen.

    That the release is in it was made sure of where it was read: nothing else is read at all.
    """
    log = it.reference.log
    if it.signer is None:
        return
    enrolled = log.agents.get(it.signer.host_id, ())
    if hash_row(it.signer) not in enrolled[-1:]:
        detail = f"The key of the agent of host {it.signer.host_id} is not in the public log."
        yield Finding("log", Outcome.UNLOGGED, detail)
        return
    if not is_linked(it.case.listed, it.signer.host_id, enrolled):
        detail = f"The agent of host {it.signer.host_id} has another key than it had before, "
        detail += "and the key before did not sign for that."
        yield Finding("log", Outcome.REJECTED, detail)
        return
    entries = count(log.size, "entry", "entries")
    detail = f"The release and the agent are in the public log of {entries}. {_say_witnesses(it)}"
    yield Finding("log", Outcome.GENUINE, detail)


def _say_witnesses(it: Examination) -> str:
    log = it.reference.log
    if log.seen_at is None:
        return "No independent witness watches it."
    number = count(len(log.witnesses), "independent witness", "independent witnesses")
    names, age = ", ".join(sorted(log.witnesses)), say_age(log.seen_at, it.now)
    return f"{number} vouched for it, the last {age}: {names}."


def check_witnesses(it: Examination) -> Iterator[Finding]:
    """16. Independent checkers saw the same public files and the key of this connection."""
    release, seen_tls = it.reference.release.target, it.case.tls or None
    found = judge_observations(it.case.observations, it.now, seen_tls, release=release)
    yield found or Finding("witnesses", Outcome.GENUINE, NOBODY_LOOKED)
