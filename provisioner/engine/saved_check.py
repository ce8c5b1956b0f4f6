"""Keep everything a check rests on in one file, and judge such a file without a network."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from provisioner.core.appraisal.agents import AgentKey, read_agent_list
from provisioner.core.appraisal.case import Case
from provisioner.core.appraisal.report import find_claimed_release
from provisioner.core.appraisal.saved import read_saved, write_saved
from provisioner.engine.check import AGENTS_PATH, EVIDENCE_PATH, Fetch, check, report_at
from provisioner.engine.context import Context
from provisioner.engine.other_hosts import add_others
from provisioner.errors import NothingToSave, SavedUnreadable
from provisioner.files import write_atomically
from provisioner.models.evidence import parse_moment
from provisioner.models.saved_check import SavedCheck, SavedReport
from provisioner.models.verdict import Verdict
from provisioner.ports import Releases


def save_check(
    address: str, control: str, *, now: datetime, fetch: Fetch, releases: Releases, to: Path
) -> None:
    """Fetch what a check of `address` rests on and write it to a file.

    Raises NothingToSave when there is no report of an enrolled agent, and what reading raises.
    """
    envelope, listed = fetch(address, EVIDENCE_PATH), fetch(control, AGENTS_PATH)
    target = find_claimed_release(envelope, _read_agents(listed))
    if envelope is None or listed is None or not target:
        raise NothingToSave(address=address)
    with releases.open() as published:
        copy = published.copy(target)
    saved_at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    others = _fetch_others(Case(address, envelope, _read_agents(listed)), fetch)
    saved = SavedCheck(address, saved_at, "", envelope.decode(), listed.decode(), copy, others)
    write_atomically(to, write_saved(saved))


def judge_saved(context: Context, file: Path, root: Path | None = None) -> Verdict:
    """The verdict for the moment at which the file says it was saved.

    With a nonce in the file, the report has to be the answer to that question. All of it is
    believed as far as the root of trust goes: `root`, or the one of this control plane.
    Raises SavedUnreadable.
    """
    try:
        saved = read_saved(file.read_bytes())
        now = parse_moment(saved.saved_at)
    except (OSError, ValueError) as error:
        raise SavedUnreadable(str(error), file=file, reason=str(error)) from error
    texts = {EVIDENCE_PATH: saved.envelope.encode(), AGENTS_PATH: saved.agents.encode()}
    others = {each.host: (each.envelope.encode(), each.nonce) for each in saved.others}
    return check(
        saved.address,
        now=now,
        fetch=lambda _, path: texts.get(path),
        releases=context.releases_in(saved.published, root, now),
        enrolled=lambda: read_agent_list(saved.agents.encode()),
        nonce=saved.nonce,
        report_of=lambda host: others.get(host, (None, "")),
    )


def _fetch_others(case: Case, fetch: Fetch) -> tuple[SavedReport, ...]:
    """What each other host of the community reports to everybody."""
    found = add_others(case, report_at(case.address, fetch))
    return tuple(
        SavedReport(each.host, each.envelope.decode("utf-8", "replace"), each.nonce)
        for each in found.others
    )


def _read_agents(raw: bytes | None) -> tuple[AgentKey, ...]:
    try:
        return read_agent_list(raw).agents if raw else ()
    except ValueError:
        return ()
