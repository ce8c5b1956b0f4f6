"""A lease on an Operation, kept alive by a heartbeat; losing it stops the work at once."""

from __future__ import annotations

import logging
import threading
from types import TracebackType

from provisioner.engine.context import Context
from provisioner.store.holding import Hold, LeaseLost

log = logging.getLogger(__name__)


class Lease:
    """Context manager. The heartbeat runs three times within the lease's length."""

    def __init__(self, context: Context, operation_id: str, worker: str) -> None:
        self._context, self._id, self.worker = context, operation_id, worker
        self._ended, self._lost = threading.Event(), threading.Event()
        self._seconds = context.settings.lease_seconds
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    @property
    def hold(self) -> Hold:
        """What a write for this Operation has to claim."""
        return Hold(self._id, self.worker)

    def take(self) -> bool:
        now = self._context.clock.now()
        return self._context.store.lease(self._id, self.worker, now, self._seconds)

    def check(self) -> None:
        """Raises LeaseLost."""
        if self._lost.is_set():
            raise LeaseLost(self._id)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        missed = 0
        while not self._ended.wait(self._seconds / 3):
            try:
                kept = self._context.store.extend_lease(
                    self._id, self.worker, self._context.clock.now(), self._seconds
                )
                missed = 0
            except Exception:  # whatever it was, the lease was not extended
                log.warning("a lease was not extended", exc_info=True)
                missed += 1
                kept = missed < 3
            if not kept:
                self._lost.set()
                return
