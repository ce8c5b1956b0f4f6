"""Keep everything a check rests on in one file, and judge such a file without a network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from provisioner.core.appraisal.address import read_address
from provisioner.core.appraisal.agents import AgentList, read_agent_list
from provisioner.core.appraisal.case import Case
from provisioner.core.appraisal.report import find_claimed_release
from provisioner.core.appraisal.saved import read_saved, write_saved
from provisioner.engine.checks.check import (
    AGENTS_PATH,
    EVIDENCE_PATH,
    Ask,
    Fetch,
    check,
    get_report,
    report_at,
    with_agents,
)
from provisioner.engine.checks.other_hosts import ReportOf, add_others
from provisioner.engine.context import Context
from provisioner.errors import NothingToSave, SavedUnreadable
from provisioner.files import write_atomically
from provisioner.models.evidence import parse_moment, write_moment
from provisioner.models.saved_check import SavedCheck, SavedReport
from provisioner.models.verdict import Verdict
from provisioner.ports import Releases


@dataclass(frozen=True)
class SavedFile:
    """A saved check, and `raw`, the very bytes of its file that it was read from or written as."""

    path: Path
    raw: bytes
    saved: SavedCheck


def open_saved(path: Path) -> SavedFile:
    """Read the file, once; nothing in it is verified yet. Raises SavedUnreadable."""
    try:
        raw = path.read_bytes()
        saved = read_saved(raw)
        parse_moment(saved.saved_at)
    except (OSError, ValueError) as error:
        raise SavedUnreadable(str(error), file=path, reason=str(error)) from error
    return SavedFile(path, raw, saved)


def save_check(
    address: str,
    control: str,
    *,
    now: datetime,
    fetch: Fetch,
    ask: Ask,
    is_full: bool,
    releases: Releases,
    to: Path,
) -> SavedFile:
    """Ask what a check of `address` rests on and write it to a file.

    The agent has to answer a question of this file's own, which is saved with the answer. Where it
    takes none, the report for everybody is saved, with an empty nonce. Raises NothingToSave when
    there is no report of an enrolled agent, and what reading raises.
    """
    try:
        address = read_address(address)
    except ValueError as error:
        raise NothingToSave(str(error), address=address) from error
    envelope, nonce = get_report(address, fetch, ask, is_full)
    listed = fetch(control, AGENTS_PATH)
    case = with_agents(Case(address, envelope, nonce=nonce), _read_agents(listed))
    target = find_claimed_release(envelope, case.known)
    if envelope is None or listed is None or not target:
        raise NothingToSave(address=address)
    with releases.open() as published:
        copy = published.copy(target)
    others = add_others(case, report_at(address, fetch, ask, is_full)).others
    saved = SavedCheck(
        address,
        write_moment(now),
        nonce,
        envelope.decode(),
        listed.decode(),
        copy,
        tuple(SavedReport(e.host, e.envelope.decode("utf-8", "replace"), e.nonce) for e in others),
    )
    raw = write_saved(saved)
    write_atomically(to, raw)
    return SavedFile(to, raw, saved)


def replay(saved: SavedCheck) -> Fetch:
    """What was asked for a saved check, answered as it was then; nothing else."""
    texts = {EVIDENCE_PATH: saved.envelope.encode(), AGENTS_PATH: saved.agents.encode()}
    return lambda _, path: texts.get(path)


def recall_others(saved: SavedCheck) -> ReportOf:
    """The reports of the community's other hosts, as they were given then."""
    others = {each.host: (each.envelope.encode(), each.nonce) for each in saved.others}
    return lambda host: others.get(host, (None, ""))


def judge_saved(context: Context, saved: SavedCheck, root: Path | None = None) -> Verdict:
    """The verdict for the moment at which the file says it was saved.

    With a nonce in the file, the report has to be the answer to that question. All of it is
    believed as far as the root of trust goes: `root`, or the one of this control plane.
    """
    now = parse_moment(saved.saved_at)
    return check(
        saved.address,
        now=now,
        fetch=replay(saved),
        releases=context.releases_in(saved.published, root, now),
        enrolled=lambda: read_agent_list(saved.agents.encode()),
        nonce=saved.nonce,
        is_saved=True,
        report_of=recall_others(saved),
    )


def _read_agents(raw: bytes | None) -> AgentList:
    try:
        return read_agent_list(raw) if raw else AgentList()
    except ValueError:
        return AgentList()
