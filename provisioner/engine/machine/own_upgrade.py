"""Put another control plane in the place of the one that runs: prove it, or put everything back.

Each phase is written down before it begins, and may be repeated. Killed anywhere, the next `up`
goes on, puts back or finishes, as `plan_next` says.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from provisioner.core.own_upgrade import Journal, Phase, is_decided
from provisioner.core.versions import version_of
from provisioner.engine.context import Context
from provisioner.engine.machine.own_journal import (
    close_journal,
    copy_of,
    forget_kept,
    keep_lineup,
    leave_way_back,
    record_journal,
    record_standing,
)
from provisioner.engine.machine.own_loss import refuse_loss
from provisioner.engine.machine.own_proof import Unproved, prove
from provisioner.engine.machine.parts import (
    await_that,
    hand_over,
    is_healthy,
    start_parts,
    stop_writers,
)
from provisioner.engine.machine.standby import begin_standby, close_door, end_standby, open_door
from provisioner.errors import PutBack, TaarafoError, TookTooLong, Unavailable
from provisioner.files import locked
from provisioner.models.lineup import Lineup

REST_WITHIN = 30.0  # seconds that operations have to come to their end
BACK_WITHIN = 20.0  # seconds in which an engine that went away has to answer again
Say = Callable[[str], None]


@dataclass
class OwnUpgrade:
    """One of them, at one phase."""

    context: Context
    journal: Journal
    say: Say
    _steps: dict[Phase, Callable[[], None]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._steps = {
            Phase.RESTING: self._rest,
            Phase.STOPPING: self._stop_old,
            Phase.KEEPING: self._keep,
            Phase.MIGRATING: self._migrate,
            Phase.STARTING: self._start_new,
            Phase.PROVING: self._prove,
        }

    def run(self) -> None:
        """From the beginning, or from where it was interrupted. Raises PutBack."""
        self._say_what()
        with self._alone():
            try:
                self._walk()
            except Exception as error:  # whatever it was, it is not this version that stays
                self._put_back(_tell(error, self.journal.phase))
                raise PutBack(repr(error), reason=self.journal.reason) from error
            self._record(Phase.COMMITTED)
            self._finish()

    def put_back(self, reason: str) -> None:
        """What was there runs again afterwards, unless that did not run before either."""
        with self._alone():
            self._put_back(reason)

    def finish(self) -> None:
        """It was decided that the new one stays: let people in."""
        with self._alone():
            self._finish()

    # -- forward ---------------------------------------------------------------------------------

    def _walk(self) -> None:
        if self.journal.has_copy:  # somebody began to change the database: begin again with that
            self._stop(self.journal.new)
            self._restore()
        begin = Phase.MIGRATING if self.journal.has_copy else Phase.RESTING
        order = list(self._steps)
        for phase in order[order.index(begin) :]:
            self._record(phase)
            self._steps[phase]()

    def _rest(self) -> None:
        begin_standby(self.context.settings)
        clock, store = self.context.clock, self.context.store
        ends = clock.now().timestamp() + REST_WITHIN
        while store.count_held(clock.now()) and clock.now().timestamp() < ends:
            clock.sleep(0.1)

    def _stop_old(self) -> None:
        close_door(self.context.settings)
        self._stop(self.journal.old)

    def _keep(self) -> None:
        settings, journal = self.context.settings, self.journal
        copy = copy_of(settings, journal.id)
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.context.store.keep_copy(copy)
        if journal.is_back:
            refuse_loss(self.context, journal, copy)
        else:
            keep_lineup(settings, journal.id, journal.old)
        rows = self.context.store.count_rows()
        self._record(Phase.KEEPING, has_copy=True, rows=rows)

    def _migrate(self) -> None:
        store, wanted = self.context.store, self.journal.new.revision
        if self.journal.is_back and store.find_revision() != wanted:
            store.take_back(wanted)
        else:
            store.migrate(wanted)
        self._hand_over()

    def _start_new(self) -> None:
        begin_standby(self.context.settings)
        self._start(self.journal.new)

    def _prove(self) -> None:
        self.say("Trying the new one behind a closed door")
        self._patiently(lambda: prove(self.context, self.journal))
        self._hand_over()

    def _finish(self) -> None:
        settings, journal = self.context.settings, self.journal
        record_standing(settings, journal.new)
        end_standby(settings)
        open_door(settings)
        with suppress(TookTooLong):  # the check that follows says so
            await_that("The control plane", lambda: is_healthy(self.context))
        if journal.is_back:
            leave_way_back(settings, journal.new)
        close_journal(settings)

    # -- back ------------------------------------------------------------------------------------

    def _put_back(self, reason: str) -> None:
        """Once the database is restored that is written down: people may write from then on."""
        self.say("Putting back what was there")
        context, journal = self.context, self.journal
        reason = journal.reason or reason
        if not is_decided(journal):
            self._record(Phase.PUTTING_BACK, reason=reason)
            self._stop(journal.old)
            if journal.has_copy:
                self._restore()
            self._record(Phase.RESTORED)
        end_standby(context.settings)
        self._start(journal.old)
        try:
            await_that("The control plane", lambda: is_healthy(context))
        except TookTooLong:
            more = " It does not answer yet, and perhaps it did not before."
            self.journal = self.journal.at(Phase.RESTORED, reason=reason + more)
        close_journal(context.settings)
        forget_kept(context.settings, journal.id)

    def _restore(self) -> None:
        self.context.store.put_back(copy_of(self.context.settings, self.journal.id))
        self._hand_over()

    # -- within ----------------------------------------------------------------------------------

    def _alone(self) -> AbstractContextManager[None]:
        """No command of this machine writes meanwhile. Raises Unavailable while one does."""
        part = "a command that still runs on this machine"
        return locked(self.context.settings.db_dir, part=part, seconds=REST_WITHIN)

    def _stop(self, lineup: Lineup) -> None:
        self._patiently(lambda: stop_writers(self.context, lineup))

    def _start(self, lineup: Lineup) -> None:
        self._patiently(lambda: start_parts(self.context, lineup))

    def _patiently(self, change: Callable[[], None]) -> None:
        """What may be repeated, also when half of it was done. Raises Unavailable when the engine
        stays away."""
        clock = self.context.clock
        ends = clock.now() + timedelta(seconds=BACK_WITHIN)
        while True:
            try:
                return change()
            except Unavailable:
                if clock.now() > ends:
                    raise
            clock.sleep(0.1)

    def _record(self, phase: Phase, **more: object) -> None:
        self.journal = self.journal.at(phase, **more)
        record_journal(self.context.settings, self.journal)

    def _hand_over(self) -> None:
        """What was written here as root belongs to the user that the services run as."""
        self.context.store.close()
        hand_over(self.context.settings)

    def _say_what(self) -> None:
        old, new = (_name(each) for each in (self.journal.old, self.journal.new))
        self.say(f"Putting the control plane {new} in the place of {old}")


def _tell(error: Exception, phase: Phase) -> str:
    if isinstance(error, Unproved):
        return str(error)
    if isinstance(error, TaarafoError):
        return error.explain()
    if phase is Phase.MIGRATING:
        return "The migration of the database ended with an error."
    return f"Something unexpected happened ({type(error).__name__})."


def _name(lineup: Lineup) -> str:
    return version_of(lineup.release) or lineup.release
