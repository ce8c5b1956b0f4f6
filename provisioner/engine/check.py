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
from provisioner.core.appraisal.agents import AgentKey, read_agents
from provisioner.core.appraisal.appraise import appraise
from provisioner.core.appraisal.case import Case, Reference
from provisioner.core.appraisal.report import find_claimed_release
from provisioner.engine.divisions import Keep, refuse_division
from provisioner.engine.observations import gather_observations
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
# (address, body) -> the same for a question that is posted to the agent.
Ask = Callable[[str, bytes], bytes | None]
# The agents whose signatures count; raises Unavailable, or ValueError for a list that is none.
Enrolled = Callable[[], tuple[AgentKey, ...]]


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
    is_saved: bool = False,
    keys: Mapping[str, str] | None = None,
    keep: Keep = lambda division: "",
) -> Verdict:
    """The verdict on the community at `address` (host name, with the port in local mode).

    With `ask` the agent has to answer a question that nobody knew before; `is_full` asks it to
    read every byte anew. With `observe` the log's witnesses are asked what they saw, and whether
    the log told two stories: `keep` keeps the proof of that. An agent
    that takes no questions now is judged by what it tells everybody. `nonce` is what the report
    that `fetch` has was asked with; without `ask` it has to bear that. `is_saved` says that
    somebody else may have asked it. `keys` is where `ask` and `fetch` note the key of each TLS
    connection by its address; it is read after the report came.

    What goes wrong on the other side is a finding, never an exception.
    """
    try:
        case = _gather(read_address(address), fetch, enrolled, ask, is_full)
        tls = (keys or {}).get(case.address, "")
        case = replace(case, nonce=case.nonce or nonce, is_saved=is_saved, tls=tls)
    except ValueError:
        case = Case(address, None, problems=(_unverifiable("address", "This is no address."),))
    target = find_claimed_release(case.envelope, case.agents)
    if target:
        refuse = partial(refuse_division, fetch=observe, keep=keep) if observe else _believe
        reference, problems = _look_up(target, releases, refuse)
        case = replace(case, reference=reference, problems=problems)
        if reference and observe:
            seen = gather_observations(case.address, reference.log.watchers, observe)
            case = replace(case, observations=seen)
    return appraise(case, now)


def published_at(control: str, fetch: Fetch) -> Enrolled:
    """The agents that the control plane at the address `control` publishes."""

    def enrolled() -> tuple[AgentKey, ...]:
        raw = fetch(control, AGENTS_PATH)
        return read_agents(raw) if raw else ()

    return enrolled


def get_report(
    address: str, fetch: Fetch, ask: Ask | None, is_full: bool
) -> tuple[bytes | None, str]:
    """(the envelope, the nonce that it has to bear: empty for the one that is there for all).

    Raises Unavailable.
    """
    if ask:
        nonce = secrets.token_urlsafe(32)
        with suppress(Unavailable):
            answer = ask(address, json.dumps({"nonce": nonce, "full": is_full}).encode())
            if answer is not None:
                return answer, nonce
    return fetch(address, EVIDENCE_PATH), ""


def _gather(address: str, fetch: Fetch, enrolled: Enrolled, ask: Ask | None, is_full: bool) -> Case:
    try:
        envelope, nonce = get_report(address, fetch, ask, is_full)
    except Unavailable:
        return Case(address, None, problems=(_unverifiable("signature", _SILENT),))
    try:
        return Case(address, envelope, enrolled(), nonce=nonce)
    except ValueError:
        problem = _unverifiable("signature", "The list of agents cannot be read.")
    except Unavailable:
        problem = Finding("signature", Outcome.UNKNOWN, "The list of agents does not answer now.")
    return Case(address, envelope, problems=(problem,))


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
