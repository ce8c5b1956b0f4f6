"""From the form's submit to the founder's first page, beside a bare service of the same image."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median, quantiles
from typing import Any

from provisioner.core.place import host_of
from provisioner.engine.benchmarks.guest import remove_guest
from provisioner.engine.context import Context
from provisioner.engine.keys import get_keys
from provisioner.engine.operators import make_api_token, revoke_api_token_by_secret
from provisioner.engine.work import Work
from provisioner.errors import OperationFailed
from provisioner.models.community import Community
from provisioner.models.operation import Operation, OperationKind
from provisioner.models.service import ServiceSpec

LOOK_SECONDS = 0.01
PATIENCE = 60.0


def bench_create(context: Context, *, times: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Each round makes one community by the web and one bare service, in turn, and removes both."""
    token = make_api_token(context, "bench")
    ours: list[float] = []
    bare: list[float] = []
    try:
        for round_ in range(times):
            seconds, community = _create_by_web(context, token)
            ours.append(seconds)
            bare.append(_create_bare(context, community))
            remove_guest(context, community)
            say(f"{round_ + 1}/{times}: {ours[-1]:.2f} s beside {bare[-1]:.2f} s")
    finally:
        revoke_api_token_by_secret(context, token)
    return {
        "p50_seconds": round(median(ours), 3),
        "p95_seconds": round(_p95(ours), 3),
        "bare_p50_seconds": round(median(bare), 3),
        "ratio": round(median(o / b for o, b in zip(ours, bare, strict=True)), 3),
        "times": times,
        "compared": "POST /api/v1/communities until the founder's sign-in page is served, beside "
        "one Swarm service of the same image and limits until its health path answers 200",
    }


def _create_by_web(context: Context, token: str) -> tuple[float, Community]:
    """The whole way: edge, web, queue, worker, Swarm, edge."""
    host, began = context.settings.base_host, time.monotonic()
    asked = {"name": f"Bench {secrets.token_hex(4)}", "preset": "family", "founder": "Ann"}
    status, body = context.gateway.post(
        host,
        "/api/v1/communities",
        json.dumps(asked).encode(),
        {"Authorization": f"Bearer {token}"},
    )
    if status not in (200, 201, 202):
        raise OperationFailed(body.decode(), reason=f"The wizard answered {status}.")
    community = context.store.get_community(json.loads(body)["community"]["id"])
    while time.monotonic() - began < PATIENCE:
        community = context.store.get_community(community.id)
        if community.ready_at is not None and _first_page_is_served(context, community):
            return time.monotonic() - began, community
        time.sleep(LOOK_SECONDS)
    raise OperationFailed(community.state, reason="The community did not open in a minute.")


def _first_page_is_served(context: Context, community: Community) -> bool:
    path = get_keys(context, community).signin_url.split(community.address, 1)[1]
    return context.gateway.get_status(host_of(community), path) == 200


def _create_bare(context: Context, community: Community) -> float:
    """The same image, limits, data and configuration, without anything of ours around it."""
    spec, engine, gateway = _bare_spec(context, community), context.engine, context.gateway
    engine.remove_service(_service_of(context, community).name)  # its socket is free again
    began = time.monotonic()
    engine.ensure_service(spec)
    while gateway.get_status(host_of(community), "/healthz") != 200:
        time.sleep(LOOK_SECONDS)
    seconds = time.monotonic() - began
    engine.remove_service(spec.name)
    return seconds


def _bare_spec(context: Context, community: Community) -> ServiceSpec:
    service = _service_of(context, community)
    return replace(service, name=f"{service.name}-bare", networks=(), labels={})


def _service_of(context: Context, community: Community) -> ServiceSpec:
    operation = Operation(
        kind=OperationKind.CREATE, community_id=community.id, created_at=context.clock.now()
    )
    return Work(context, operation, community, log=lambda _: None).plan.service


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]
