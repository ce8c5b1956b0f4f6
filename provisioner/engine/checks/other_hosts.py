"""Ask for the reports of a community's other hosts, all at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from provisioner.core.appraisal.case import Case, HostReport
from provisioner.core.appraisal.several import list_others

# host id -> (the report that was served of it, or None; the nonce that it was asked with)
Report = tuple[bytes | None, str]
ReportOf = Callable[[str], Report]
_AT_ONCE = 8


def add_others(case: Case, report_of: ReportOf) -> Case:
    """The case with every report that came. A host that sent none is found by its absence."""
    hosts = list_others(case.envelope, case.known)
    if not hosts:
        return case
    with ThreadPoolExecutor(min(len(hosts), _AT_ONCE)) as pool:
        came = zip(hosts, pool.map(report_of, hosts), strict=True)
        others = [HostReport(host, raw, nonce) for host, (raw, nonce) in came if raw is not None]
    return replace(case, others=tuple(others))
