"""Checks one community: fetch its evidence like anybody would, look its release up, judge."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

from provisioner.core.appraisal.address import read_address
from provisioner.core.appraisal.agents import AgentList, read_agent_list
from provisioner.core.appraisal.appraise import appraise
from provisioner.core.appraisal.case import Case, Reference
from provisioner.core.appraisal.report import find_claimed_release
from provisioner.core.appraisal.rotation import is_behind
from provisioner.engine.checks.divisions import Keep, refuse_division
from provisioner.engine.checks.observations import gather_observations
from provisioner.engine.checks.other_hosts import Report, ReportOf, add_others
from provisioner.errors import (
    LogDivided,
    ReleaseExpired,
    ReleaseRejected,
    ReleaseUnknown,
    ReleaseUnlogged,
    Unavailable,
    WitnessesMissing,
)
from provisioner.models.log import LogSeen
from provisioner.models.verdict import Finding, Outcome, Verdict
from provisioner.ports import Reference as Published
from provisioner.ports import References

_SILENT = "This address does not answer."
EVIDENCE_PATH = "/.well-known/taarafo/evidence.dsse"
CHALLENGE_PATH = "/.well-known/taarafo/challenge"
AGENTS_PATH = "/.well-known/taarafo/agents.json"

# (address, path) -> body of a 200, None for any other answer; raises Unavailable.
Fetch = Callable[[str, str], bytes | None]
# (address, path, body) -> the same for a question that is posted to an agent.
Ask = Callable[[str, str, bytes], bytes | None]
# The published list of agents; raises Unavailable, or ValueError for one that is none.
Enrolled = Callable[[], AgentList]


def check(
    address: str,
    *,
    now: datetime,
    fetch: Fetch,
    releases: References,
    enrolled: Enrolled,
    ask: Ask | None = None,
    is_full: bool = False,
    observe: Fetch | None = None,
    nonce: str = "",
    report_of: ReportOf | None = None,
    is_saved: bool = False,
    keys: Mapping[str, str] | None = None,
    keep: Keep = lambda division: "",
) -> Verdict:
    """The verdict on the community at `address` (host name, with the port in local mode).

    With `ask` the agent has to answer a question that nobody knew before; `is_full` asks it to
    read every byte anew. With `observe` the log's witnesses are asked what they saw, and whether
    the log told two stories: `keep` keeps the proof of that. An agent that takes no questions now
    is judged by what it tells everybody. `nonce` is what a report that `fetch` has from an earlier
    check was asked with; without `ask` it has to bear that. `is_saved` says that somebody else may
    have asked it. `keys` is where `ask` and `fetch` note the key of each TLS connection by its
    address; it is read after the report came. Each other host of the community is asked the same
    way, or looked up with `report_of`.

    What goes wrong on the other side is a finding, never an exception.
    """
    try:
        case = _gather(read_address(address), fetch, enrolled, ask, is_full)
        tls = (keys or {}).get(case.address, "")
        case = replace(case, nonce=case.nonce or nonce, is_saved=is_saved, tls=tls)
        case = add_others(case, report_of or report_at(case.address, fetch, ask, is_full))
    except ValueError:
        case = Case(address, None, problems=(_unverifiable("address", "This is no address."),))
    target = find_claimed_release(case.envelope, case.known)
    if target:
        refuse = partial(refuse_division, fetch=observe, keep=keep) if observe else _believe
        reference, problems = _look_up(target, releases, refuse)
        case = replace(case, reference=reference, problems=problems)
        if reference and is_behind(case.listed, reference.log.agents):
            case = _list_again(case, enrolled)
        if reference and observe:
            seen = gather_observations(case.address, reference.log.watchers, observe)
            case = replace(case, observations=seen)
    return appraise(case, now)


def published_at(control: str, fetch: Fetch) -> Enrolled:
    """The agents that the control plane at the address `control` publishes."""

    def enrolled() -> AgentList:
        raw = fetch(control, AGENTS_PATH)
        return read_agent_list(raw) if raw else AgentList()

    return enrolled


def get_report(
    address: str, fetch: Fetch, ask: Ask | None, is_full: bool
) -> tuple[bytes | None, str]:
    """(the envelope, the nonce that it has to bear: empty for the one that is there for all).

    Raises Unavailable.
    """
    if ask:
        with suppress(Unavailable):
            answer, nonce = _pose(address, CHALLENGE_PATH, ask, is_full)
            if answer is not None:
                return answer, nonce
    return fetch(address, EVIDENCE_PATH), ""


def report_at(
    address: str, fetch: Fetch, ask: Ask | None = None, is_full: bool = False
) -> ReportOf:
    """How the report of another host is had below the community's own address."""

    def report_of(host: str) -> Report:
        if ask:
            with suppress(Unavailable):
                answer, nonce = _pose(address, f"{CHALLENGE_PATH}/{host}", ask, is_full)
                if answer is not None:
                    return answer, nonce
        with suppress(Unavailable):
            return fetch(address, path_of(host)), ""
        return None, ""

    return report_of


def path_of(host: str) -> str:
    """Where a community serves what that one of its hosts reports."""
    return f"/.well-known/taarafo/evidence/{host}.dsse"


def _pose(address: str, path: str, ask: Ask, is_full: bool) -> Report:
    """Asks a question that nobody knew before; its nonce comes back beside the answer."""
    nonce = secrets.token_urlsafe(32)
    return ask(address, path, json.dumps({"nonce": nonce, "full": is_full}).encode()), nonce


def _gather(address: str, fetch: Fetch, enrolled: Enrolled, ask: Ask | None, is_full: bool) -> Case:
    try:
        envelope, nonce = get_report(address, fetch, ask, is_full)
    except Unavailable:
        return Case(address, None, problems=(_unverifiable("signature", _SILENT),))
    try:
        return with_agents(Case(address, envelope, nonce=nonce), enrolled())
    except ValueError:
        problem = _unverifiable("signature", "The list of agents cannot be read.")
    except Unavailable:
        problem = Finding("signature", Outcome.UNKNOWN, "The list of agents does not answer now.")
    return Case(address, envelope, problems=(problem,))


def with_agents(case: Case, listed: AgentList) -> Case:
    """The case with a published list of agents."""
    return replace(case, agents=listed.agents, enrolled=listed.enrolled, rotations=listed.rotations)


def _list_again(case: Case, enrolled: Enrolled) -> Case:
    """With the list as it is now: an agent's key was published between two of our questions."""
    with suppress(ValueError, Unavailable):
        return with_agents(case, enrolled())
    return case


def _believe(log: LogSeen) -> None:
    """Where no witness can be asked."""


def _look_up(
    target: str, releases: References, refuse: Callable[[LogSeen], None]
) -> tuple[Reference | None, tuple[Finding, ...]]:
    """The reference, or the finding that says why there is none.

    `refuse` raises LogDivided for a log that told two stories.
    """
    try:
        return _open_reference(target, releases, refuse), ()
    except ReleaseExpired as error:
        return None, (Finding("release", Outcome.STALE, error.explain()),)
    except ReleaseUnknown:
        detail = "The server reports a release that its publisher does not list."
        return None, (_unverifiable("release", detail),)
    except WitnessesMissing as error:
        return None, (Finding("log", Outcome.STALE, error.explain()),)
    except ReleaseUnlogged as error:
        return None, (Finding("log", Outcome.UNLOGGED, error.explain()),)
    except LogDivided as error:
        kept = tuple(filter(None, [str(error.facts.get("shown", ""))]))
        detail = f"{error.explain()} Both are kept." if kept else error.explain()
        return None, (Finding("log", Outcome.EQUIVOCATION, detail, kept),)
    except ReleaseRejected as error:
        return None, (Finding("release", Outcome.REJECTED, error.explain()),)
    except Unavailable:
        detail = "The list of releases does not answer now."
        return None, (Finding("release", Outcome.UNKNOWN, detail),)


def _open_reference(
    target: str, releases: References, refuse: Callable[[LogSeen], None]
) -> Reference:
    """Witnesses are asked also when too few of them have seen this log: perhaps that is why."""
    try:
        with releases.open() as published:
            reference = _read_reference(target, published)
    except WitnessesMissing as error:
        if isinstance(log := error.facts.get("log"), LogSeen):
            refuse(log)
        raise
    refuse(reference.log)
    return reference


def _read_reference(target: str, published: Published) -> Reference:
    release = published.get(target)
    newest = published.list(release.name, release.channel)[-1]
    newest_target = f"app/{release.name}/{release.channel}/{newest}/release.json"
    return Reference(
        release,
        manifests={name: published.get_manifest(each) for name, each in release.images.items()},
        newest=newest,
        floor=published.describe(newest_target).security_floor,
        is_self_built=published.describe(target).is_self_built,
        log=published.log,
    )


def _unverifiable(check: str, detail: str) -> Finding:
    return Finding(check, Outcome.UNVERIFIABLE, detail)
