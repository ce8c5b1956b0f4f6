"""Steps 1 to 5, 7 and 8: whose report it is, of whom, from when, and which release it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from provisioner.core.appraisal.case import Case
from provisioner.core.appraisal.examination import Examination
from provisioner.core.appraisal.hosts import judge_signed
from provisioner.core.appraisal.report import (
    find_signing_host,
    open_envelope,
    read_statement,
)
from provisioner.core.appraisal.rotation import list_replaced
from provisioner.core.appraisal.several import Signed
from provisioner.core.appraisal.wording import say_age, say_duration
from provisioner.core.versions import version_key
from provisioner.models.evidence import LIFETIME_SECONDS, parse_moment
from provisioner.models.verdict import Finding, Outcome

CLOCK_SKEW = timedelta(minutes=5)
_LIFETIME = timedelta(seconds=LIFETIME_SECONDS)


def check_signature(it: Examination) -> Iterator[Finding]:
    """1. The report is there and an enrolled agent signed it."""
    name = "signature"
    if it.case.envelope is None or not it.case.agents:
        missing = "No agent is enrolled, so no report counts."
        if it.case.envelope is None:
            missing = "This address serves no report of what it runs."
        yield from it.case.problems or (Finding(name, Outcome.UNVERIFIABLE, missing),)
        return
    counting = it.case.counting
    try:
        it.signer, it.payload = open_envelope(it.case.envelope, counting)
    except ValueError as error:
        detail = f"The report is not acceptable: {error}."
        replaced = list_replaced(it.case.listed, counting)
        if host := find_signing_host(it.case.envelope, replaced):
            detail = f"The agent of host {host} has another key than this report was signed with."
            detail += " It takes a moment until a new key is used everywhere: ask again."
        yield Finding(name, Outcome.REJECTED, detail)
        return
    detail = f"The agent of host {it.signer.host_id} signed this report."
    yield Finding(name, Outcome.GENUINE, detail)


def check_statement(it: Examination) -> Iterator[Finding]:
    """2. The signed bytes are a statement about what runs, in its one right form."""
    try:
        it.evidence = read_statement(it.payload)
    except ValueError as error:
        yield Finding("statement", Outcome.REJECTED, f"The report cannot be read: {error}.")
        return
    yield Finding("statement", Outcome.GENUINE, "The report can be read.")


def check_community(it: Examination) -> Iterator[Finding]:
    """3. It is about the address that was asked."""
    if it.evidence.origin != it.case.address:
        detail = "This is the report of another community."
        yield Finding("community", Outcome.RELAY, detail)
        return
    yield Finding("community", Outcome.GENUINE, f"The report is about {it.case.address}.")


def check_time(it: Examination) -> Iterator[Finding]:
    """4. It answers our own question now: not an old answer, not expired, not from the future."""
    if it.case.nonce and it.evidence.nonce != it.case.nonce:
        ours = "the one that was saved with it" if it.case.is_saved else "ours"
        detail = f"The report answers another question than {ours}."
        yield Finding("time", Outcome.REPLAY, detail)
        return
    try:
        issued, expires = parse_moment(it.evidence.issued), parse_moment(it.evidence.expires)
    except ValueError:
        yield Finding("time", Outcome.REJECTED, "The report does not say when it was made.")
        return
    if not timedelta(0) < expires - issued <= _LIFETIME:
        detail = "The report claims to last longer than a report may."
        yield Finding("time", Outcome.REJECTED, detail)
    elif issued > it.now + CLOCK_SKEW or (it.case.nonce and expires <= it.now):
        apart = say_duration(abs(it.now - issued))
        detail = f"The clock of the server and the one of this check are {apart} apart."
        yield Finding("time", Outcome.CLOCK_SKEW, detail)
    elif expires <= it.now:
        detail = f"The report was made {say_age(issued, it.now)} and has run out."
        yield Finding("time", Outcome.STALE, detail)
    else:
        detail = f"The report was made {say_age(issued, it.now)}. {_say_question(it.case)}"
        yield Finding("time", Outcome.GENUINE, detail)


def _say_question(case: Case) -> str:
    """Whose question it answers. Only who asked can know that nobody else had the answer before."""
    if not case.is_saved:
        return f"It answers {'our own question' if case.nonce else 'no question of ours'}."
    if case.nonce:
        return "It answers the question that was saved with it, which shows its age to who asked."
    return "No question was saved with it, so it does not show that it was made for this file."


def check_release(it: Examination) -> Iterator[Finding]:
    """5. The release that it names is published and signed."""
    if it.case.reference is None:
        detail = "The release that this server reports could not be looked up."
        yield from it.case.problems or (Finding("release", Outcome.UNVERIFIABLE, detail),)
        return
    release = it.reference.release
    if release.target != it.evidence.release:
        detail = "The report names another release than the one it was compared with."
        yield Finding("release", Outcome.UNVERIFIABLE, detail)
        return
    signed = "signed by its publisher"
    if it.reference.is_self_built:
        signed = "self-built: one key of this server's own operator signed it"
    detail = f"Release {release.version} of {release.recipe.title} is {signed}."
    yield Finding("release", Outcome.GENUINE, detail)


def check_version(it: Examination) -> Iterator[Finding]:
    """7. It is the newest one, and not known to be weak."""
    version, newest, floor = it.reference.release.version, it.reference.newest, it.reference.floor
    if version_key(version) < version_key(floor):
        detail = f"Release {version} has a known weakness. {floor} and later are repaired."
        yield Finding("version", Outcome.OUTDATED, detail)
    elif version_key(version) < version_key(newest):
        detail = f"Release {version} runs, {newest} is the newest."
        yield Finding("version", Outcome.OUTDATED, detail)
    else:
        yield Finding("version", Outcome.GENUINE, f"Release {version} is the newest.")


def check_hosts(it: Examination) -> Iterator[Finding]:
    """8. Every host that the community runs on has reported."""
    if it.signer is None:
        return
    yield judge_signed([Signed(it.signer, it.evidence), *it.others])
