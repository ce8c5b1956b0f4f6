"""The worker: carries operations, several side by side, and looks after what runs.

python3 -m provisioner.worker
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from provisioner.engine.backups.upkeep import keep_up
from provisioner.engine.chores import carry_chore
from provisioner.engine.context import Context
from provisioner.engine.machine.idle_images import clear_images
from provisioner.engine.machine.own_verdict import watch_control_plane
from provisioner.engine.machine.standby import is_standing_by, report_ready
from provisioner.engine.moves.move import erase_moved
from provisioner.engine.operations import run_operation, run_stranded
from provisioner.engine.releases.freshen import freshen_cosignatures, freshen_releases
from provisioner.engine.upgrades.forget import forget_kept
from provisioner.engine.upgrades.roll_out import roll_out
from provisioner.engine.watch import watch_communities
from provisioner.engine.weighing import look_after_room
from provisioner.errors import TaarafoError, Unavailable
from provisioner.jobs import QueueWaker, listen, reach_queue
from provisioner.settings import Settings
from provisioner.signals import when_asked

log = logging.getLogger(__name__)
AT_ONCE = 4  # operations that one worker carries side by side
FRESHEN_SECONDS = 600.0
IMAGES_SECONDS = 3600.0
FOLD_SECONDS = 30.0
WITNESS_SECONDS = 60.0  # how often is looked whether the witnesses are due to be asked
STANDBY_SECONDS = 0.2
LISTEN_SECONDS = 2.0  # how often a worker looks whether the queue is back
LOOK_SECONDS = 1.0  # how often is looked whether a round has to come before its time


def work(context: Context) -> None:
    """Work until SIGTERM. What is then under way is continued by the next worker."""
    ended, settings = threading.Event(), context.settings
    hands = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hand")
    carried: Counter[str] = Counter()
    taken: set[str] = set()  # what waits for a hand, or is in one

    def carry(operation_id: str) -> None:
        if operation_id in taken:
            return  # else every sweep would line up all that wait once more
        taken.add(operation_id)
        hands.submit(_carry, context, operation_id).add_done_callback(
            lambda _: put_down(operation_id)
        )

    def put_down(operation_id: str) -> None:
        taken.discard(operation_id)
        carried["operations"] += 1

    def sweep() -> None:
        for operation_id in context.store.list_stranded(context.clock.now()):
            carry(operation_id)

    def upkeep() -> None:
        keep_up(context)
        forget_kept(context)
        erase_moved(context)

    def room() -> None:
        look_after_room(context)

    def images() -> None:
        context.engine.clear_ended()
        clear_images(context)

    def spread() -> None:
        roll_out(context)

    def read_news() -> tuple[int, int]:
        """Another value when an upgrade may have ended, or something may be published."""
        return carried["operations"], read_change(settings.repository_dir)

    def every(
        seconds: float,
        name: str,
        call: Callable[[], object],
        news: Callable[[], object] = lambda: None,
    ) -> None:
        _every(seconds, ended, name, lambda: None if is_standing_by(settings) else call(), news)

    when_asked(ended.set)
    _stand_by(context, ended)
    every(settings.sweep_seconds, "sweep", sweep)
    every(FOLD_SECONDS, "fold", context.store.fold_log)
    every(settings.watch_seconds, "watch", lambda: watch_communities(context))
    every(settings.watch_seconds, "own check", lambda: watch_control_plane(context))
    every(settings.watch_seconds, "upkeep", lambda: carry_chore(context, "upkeep", upkeep))
    every(
        settings.watch_seconds,
        "rollout",
        lambda: carry_chore(context, "rollout", spread),
        read_news,
    )
    every(settings.watch_seconds, "room", lambda: carry_chore(context, "room", room))
    every(IMAGES_SECONDS, "images", lambda: carry_chore(context, "images", images))
    every(FRESHEN_SECONDS, "freshen", lambda: freshen_releases(context))
    every(WITNESS_SECONDS, "witnesses", lambda: freshen_cosignatures(context))
    while not ended.is_set():
        try:
            listen(settings, carry, ended)
        except Unavailable as error:
            log.warning("queue away: %s", error.detail)
            if not is_standing_by(settings):
                run_stranded(context)
            ended.wait(LISTEN_SECONDS)


def _stand_by(context: Context, ended: threading.Event) -> None:
    """Started in the middle of an upgrade: only say whether everything could be reached."""
    settings = context.settings
    while is_standing_by(settings) and not ended.is_set():
        try:
            reach_queue(settings)
            nodes = len(context.engine.list_nodes())
            report_ready(settings, {"open": context.store.count_open(), "nodes": nodes})
        except TaarafoError as error:
            log.warning("standing by: %s", error.detail or error.code)
        ended.wait(STANDBY_SECONDS)


def _carry(context: Context, operation_id: str) -> None:
    """Top of a job: whatever happens is logged, and the sweep tries again."""
    if is_standing_by(context.settings):  # the sweep finds it afterwards
        return
    try:
        run_operation(context, operation_id)
    except Exception:
        log.exception("operation %s stopped; the sweep continues it", operation_id[:8])


def read_change(repository: Path) -> int:
    """When the release list was last signed, in nanoseconds; 0 when there is none."""
    try:
        return (repository / "metadata" / "timestamp.json").stat().st_mtime_ns
    except OSError:
        return 0


def _every(
    seconds: float,
    ended: threading.Event,
    name: str,
    call: Callable[[], object],
    read_news: Callable[[], object] = lambda: None,
) -> threading.Thread:
    """Again and again, and at once when `read_news` gives another value than before the call."""

    def loop() -> None:
        while not ended.is_set():
            known = read_news()
            try:
                call()
            except TaarafoError as error:
                log.warning("%s: %s", name, error.detail or error.code)
            except Exception:
                log.exception("%s failed; it is tried again", name)
            due = time.monotonic() + seconds
            while not ended.wait(min(LOOK_SECONDS, seconds)):
                if time.monotonic() >= due or read_news() != known:
                    break

    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    settings = Settings()
    work(Context(settings, waker=QueueWaker(settings)))


if __name__ == "__main__":
    main()
