"""Wakes a worker; loads what that needs only when the first community is made."""

from __future__ import annotations

from functools import cached_property

from provisioner.ports import Waker
from provisioner.settings import Settings


class Bell:
    """The port `Waker`. The queue's client costs 10 MB that an idle web need not carry."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _waker(self) -> Waker:
        from provisioner.jobs import QueueWaker

        return QueueWaker(self._settings)

    def wake(self, operation_id: str) -> None:
        self._waker.wake(operation_id)
