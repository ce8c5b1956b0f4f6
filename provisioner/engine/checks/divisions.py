"""Ask the witnesses of the log whether it told two stories, and believe only what is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from provisioner.core.tlog.division import Division, find_division
from provisioner.core.tlog.note import NoteKey, read_vkey
from provisioner.errors import LogDivided, Unavailable
from provisioner.models.log import LogSeen

# (address, path) -> body of a 200, None for any other answer; raises Unavailable.
Fetch = Callable[[str, str], bytes | None]
Keep = Callable[[Division], str]
Watcher = tuple[str, str, str]


def refuse_division(log: LogSeen, fetch: Fetch, keep: Keep) -> None:
    """Raises LogDivided when a witness shows two checkpoints that cannot both be true.

    Both are kept before that: `keep` says where, or "". A witness that is away, or that accuses
    the log without its signature on both, changes nothing.
    """
    asked = [watcher for watcher in log.watchers if watcher[2]]
    if not asked:
        return
    key = read_vkey(log.vkey)
    with ThreadPoolExecutor(len(asked)) as pool:
        told = list(pool.map(lambda watcher: _ask(watcher, key, fetch), asked))
    _refuse(zip(asked, told, strict=True), keep)


def _refuse(told: Iterable[tuple[Watcher, Division | None]], keep: Keep) -> None:
    for (name, _, _), division in told:
        if division:
            reason = (
                f"the witness {name} shows two lists of {division.size} entries that differ, "
                "and the log has signed both"
            )
            kept = keep(division)
            raise LogDivided(reason=reason, folder=kept, shown=kept)


def _ask(watcher: Watcher, key: NoteKey, fetch: Fetch) -> Division | None:
    parts = urlsplit(watcher[2])
    try:
        raw = fetch(parts.netloc, f"{parts.path.rstrip('/')}/equivocations")
        return find_division(raw, key) if raw else None
    except (Unavailable, ValueError):
        return None
