"""Ask for a verdict, gently: the same address within a few seconds is judged once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from flask import current_app

from provisioner.core.appraisal.address import read_address
from provisioner.engine.checks.attest import check_community
from provisioner.engine.context import Context
from provisioner.errors import TooMany
from provisioner.models.verdict import Verdict
from provisioner.settings import Settings

EXTENSION: Final = "taarafo-verdicts"
FRESH_FOR: Final = timedelta(seconds=5)
AT_ONCE: Final = 3  # of the 32 threads that serve everybody
PATIENCE_SECONDS: Final = 3.0
MOST_KEPT: Final = 256


class RecentVerdicts:
    """At most `AT_ONCE` checks run side by side; what was just found is given again."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[datetime, Verdict]] = OrderedDict()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def get(self, address: str, now: datetime, judge: Callable[[], Verdict]) -> Verdict:
        """Raises TooMany when no place came free in time."""
        if verdict := self._find(address, now):
            return verdict
        if not self._places.acquire(timeout=PATIENCE_SECONDS):
            raise TooMany("too many checks at once")
        try:
            verdict = self._find(address, now) or judge()
            self._keep(address, now, verdict)
        finally:
            self._places.release()
        return verdict

    def _find(self, address: str, now: datetime) -> Verdict | None:
        with self._lock:
            found = self._kept.get(address)
        return found[1] if found and now - found[0] < FRESH_FOR else None

    def _keep(self, address: str, now: datetime, verdict: Verdict) -> None:
        with self._lock:
            self._kept[address] = now, verdict
            self._kept.move_to_end(address)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def ask_for_verdict(context: Context, typed: str) -> Verdict:
    """The verdict on what a person typed. Raises TooMany under a crowd."""
    address = complete_address(context.settings, typed)
    recent: RecentVerdicts = current_app.extensions[EXTENSION]
    return recent.get(
        address, context.clock.now(), lambda: check_community(context, address, is_asked=True)
    )


def complete_address(settings: Settings, typed: str) -> str:
    """`smith-family` and `http://smith-family.localhost/` → `smith-family.localhost:8080`.

    The host name of the control plane leads to the control plane itself. What is no address
    stays as it was typed: the check says so.
    """
    try:
        address = read_address(typed)
    except ValueError:
        return typed.strip()[:300]
    if address == settings.base_host:
        return settings.address
    if "." not in address and ":" not in address:
        return settings.address_of(address)
    if address.endswith("." + settings.base_host):
        return address + settings.port_suffix
    return address
