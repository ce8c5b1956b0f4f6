"""Speak with the attendant that stands beside a community's data during an upgrade."""

from __future__ import annotations

import hmac
import json
from http import HTTPStatus
from typing import Any

from provisioner.core.node_jobs import plan_attendant
from provisioner.core.swap import read_swap
from provisioner.engine.work import Work
from provisioner.errors import AppFailed, Unavailable
from provisioner.models.service import JobSpec, JobState
from provisioner.node.attendant import HEADER, SWAP

PART = "a hand beside your things"


def call_attendant(work: Work) -> None:
    """Start it unless it is there; one that has gone is called anew."""
    job, engine = _plan(work), work.context.engine
    engine.ensure_secret(_secret(work), _token(work), {"org.taarafo.of": work.community.id})
    state = engine.get_job_state(job.service.name)
    if state in (JobState.FAILED, JobState.SUCCEEDED):
        engine.remove_service(job.service.name)
    engine.start_job(job)


def give_order(work: Work, verb: str, **said: object) -> dict[str, Any]:
    """Its answer, once it has carried it out. An order may be given again and again, and is
    refused when the upgrade has gone on without this worker (provisioner/node/attendant.py).

    Raises Unavailable until then, and AppFailed when it cannot be carried out.
    """
    status, body = work.context.gateway.post(
        work.community_host,
        f"/{verb}",
        json.dumps({**said, "step": work.step}, sort_keys=True).encode(),
        {HEADER: _token(work).decode()},
        door=SWAP,
    )
    if status == HTTPStatus.OK:
        answer: dict[str, Any] = json.loads(body)
        return answer
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise AppFailed(f"{verb}: {body[:300].decode(errors='replace')}")
    if status not in (HTTPStatus.ACCEPTED, HTTPStatus.CONFLICT):
        call_attendant(work)  # it is not there yet, or not any more
    raise Unavailable(f"the attendant answers {status} to {verb}", part=PART)


def dismiss_attendant(work: Work) -> None:
    work.context.engine.remove_service(_plan(work).service.name)
    work.context.engine.remove_secret(_secret(work))


def _plan(work: Work) -> JobSpec:
    release = work.read_release(read_swap(work.operation.asked).release)
    return plan_attendant(work.community, release, work.place_on_nodes, _secret(work))


def _secret(work: Work) -> str:
    return f"{work.name}-t{work.operation.id[:10]}"


def _token(work: Work) -> bytes:
    """The same for every worker that continues this Operation, and for no other Operation."""
    key, text = work.secrets["console"].encode(), f"attendant {work.operation.id}".encode()
    return hmac.new(key, text, "sha256").hexdigest().encode()
