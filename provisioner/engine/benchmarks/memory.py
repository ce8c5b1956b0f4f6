"""Idle memory, as the sum of resident pages (RSS) of each service's processes."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from provisioner.core.place import service_of
from provisioner.engine.context import Context
from provisioner.engine.machine.status import SERVICES
from provisioner.models.community import CommunityState

PEERS = {"coolify_mb": "500-1200", "mastodon_mb": 930}  # design numbers, not measured here


def bench_memory(context: Context) -> dict[str, Any]:
    """RSS counts pages shared between processes once for each; PSS shares them out."""
    settings = context.settings
    rows = {name: measure_service(context, f"{settings.stack}-{name}") for name in SERVICES}
    running = context.store.list_communities(state=CommunityState.RUNNING, limit=50).rows
    found = [measure_service(context, service_of(c, settings.stack)) for c in running]
    communities = [(rss, pss) for rss, pss in found if rss]  # one that is down weighs nothing
    return {
        "control_plane_mb": round(sum(rss for rss, _ in rows.values()), 1),
        "control_plane_pss_mb": round(sum(pss for _, pss in rows.values()), 1),
        "community_mb": round(median(rss for rss, _ in communities), 1) if communities else None,
        "communities_measured": len(communities),
        "services_mb": {name: round(rss, 1) for name, (rss, _) in rows.items()},
        "compared": "sum of RSS of all processes of each service, idle",
        "beside": PEERS,
    }


def measure_service(context: Context, service: str) -> tuple[float, float]:
    """RSS and PSS in MB of every process in the service's newest container."""
    pids = context.engine.list_pids(service)
    sizes = [_read_rollup(pid) for pid in pids]
    return sum(rss for rss, _ in sizes) / 1024, sum(pss for _, pss in sizes) / 1024


def _read_rollup(pid: int) -> tuple[int, int]:
    """RSS and PSS in kB (proc_pid_smaps_rollup); zero for a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
    except OSError:
        return 0, 0
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return tuple(int(fields[key].split()[0]) for key in ("Rss", "Pss"))  # type: ignore[return-value]
