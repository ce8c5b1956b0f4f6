"""One look at the public log: fetched whole, held against what was seen before, and judged.

The log of a publisher is small (a line for each release and key), so a reader takes all of it and
computes the root itself. Then inclusion needs no proof, a log that forgot something is noticed,
and so is a version that is newer than the one that was served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tuf.api.exceptions import DownloadHTTPError

from provisioner.adapters.kept_log import Kept
from provisioner.core.log_entries import find_newest_version, list_rivals
from provisioner.core.tlog.checkpoint import Checkpoint, open_checkpoint
from provisioner.core.tlog.entry import Entry, read_entry
from provisioner.core.tlog.merkle import hash_leaf, root_of
from provisioner.core.tlog.note import Note, write_vkey
from provisioner.core.tlog.policy import Policy, count_witnesses, is_satisfied
from provisioner.core.tlog.tiles import path_of_entries, read_entries
from provisioner.errors import (
    LogDivided,
    OlderLog,
    ReleaseRejected,
    ReleaseUnlogged,
    WitnessesMissing,
)
from provisioner.models.log import LogSeen

# The second is there while something is being published: its entries become visible to readers
# only together with what they are about, and a writer that is stopped in between hides nothing.
SERVED, NEXT = "checkpoint", "next"
CHECKPOINT_BYTES = 64 * 1024
BUNDLE = 256
BUNDLE_BYTES = BUNDLE * 1024
MOST_ENTRIES = 1_000_000
FRESH_FOR = timedelta(hours=24)  # a cosignature older than this says nothing of today
CLOCK_SKEW = timedelta(minutes=5)  # that a witness may be ahead of this reader

Read = Callable[[str, int], bytes]  # (path below the log, most bytes) -> content


@dataclass(frozen=True)
class LogView:
    """A verified state of the log."""

    entries: tuple[Entry, ...]
    seen: LogSeen
    is_served: bool = True

    def require(self, entry: Entry) -> None:
        """Raises ReleaseUnlogged unless the log has exactly this."""
        if entry not in self.entries:
            raise ReleaseUnlogged(reason=f"{entry.name} is not in it")

    def is_behind(self, versions: Mapping[str, int]) -> bool:
        """Whether something newer is published than this view has: it is being published now."""
        return any(find_newest_version(self.entries, r) < v for r, v in versions.items())

    def refuse_older(self, versions: Mapping[str, int]) -> None:
        """Raises ReleaseRejected when the log has seen a newer version of a role's metadata.

        This holds also for a reader that has never been here before.
        """
        for role, version in versions.items():
            newest = find_newest_version(self.entries, role)
            if newest > version:
                reason = f"version {version} of {role} was offered, and the log has seen {newest}"
                raise ReleaseRejected(reason=reason)


def look_at_log(read: Read, policy: Policy, kept: Kept, now: datetime, name: str) -> LogView:
    """Fetch the checkpoint called `name` and its entries, verify, and remember them.

    Raises LogDivided, ReleaseRejected or WitnessesMissing; an older log than the one that is
    remembered is OlderLog.
    """
    raw = read(name, CHECKPOINT_BYTES)
    checkpoint, note = _open(raw, policy)
    before = kept.find_checkpoint(policy.logs[0].key)
    if before and before.size > checkpoint.size:
        raise OlderLog(reason="an older public log was offered than the one we have seen")
    lines = _gather(read, checkpoint, kept)
    if before and root_of([hash_leaf(line) for line in lines[: before.size]]) != before.root:
        folder = kept.keep_divided(raw)
        raise LogDivided(reason=f"its first {before.size} entries have changed", folder=folder)
    entries = tuple(_understand(line) for line in lines)
    if rivals := list_rivals(entries):
        raise LogDivided(reason=f"{rivals[0]} is in it twice, differently", folder=kept.folder)
    fresh = _read_witnesses(note, policy, now)
    seen = _describe(checkpoint, policy, fresh, entries)
    if not is_satisfied(policy, set(fresh)):
        names = ", ".join(sorted(fresh)) or "nobody"
        raise WitnessesMissing(found=len(fresh), names=names, log=seen)
    kept.keep(raw, lines)
    return LogView(entries, seen, name == SERVED)


def find_view(look: Callable[[str], LogView], versions: Mapping[str, int]) -> LogView:
    """The view that covers the published `versions` by role: mostly the one that is served.

    Raises OlderLog when both are older than what this reader remembers.
    """
    try:
        view = look(SERVED)
    except OlderLog:
        try:
            return look(NEXT)
        except DownloadHTTPError:  # it has just taken that one's place, or there is none
            return look(SERVED)
    if not view.is_behind(versions):
        return view
    try:
        return look(NEXT)
    except ReleaseRejected:
        return view  # what it does not have is named when it is needed
    except DownloadHTTPError:
        return look(SERVED)  # it has just taken that one's place, or there is none


def _open(raw: bytes, policy: Policy) -> tuple[Checkpoint, Note]:
    try:
        return open_checkpoint(raw, policy.logs[0].key)
    except ValueError as error:
        raise ReleaseRejected(str(error), reason=f"the public log: {error}") from error


def _gather(read: Read, checkpoint: Checkpoint, kept: Kept) -> list[bytes]:
    """Every entry under the checkpoint, from what is kept as far as that fits."""
    if checkpoint.size > MOST_ENTRIES:
        raise ReleaseRejected(reason="the public log is longer than it may be")
    known = kept.list_lines()[: checkpoint.size]
    for start in (known, []):
        lines = _fetch_rest(read, checkpoint.size, list(start))
        if root_of([hash_leaf(line) for line in lines]) == checkpoint.root:
            return lines
    raise ReleaseRejected(reason="the public log is not the one that was signed")


def _fetch_rest(read: Read, size: int, known: list[bytes]) -> list[bytes]:
    if len(known) == size:
        return known
    lines = known[: len(known) // BUNDLE * BUNDLE]
    for index in range(len(lines) // BUNDLE, -(-size // BUNDLE)):
        width = min(BUNDLE, size - index * BUNDLE)
        lines += _open_bundle(read(path_of_entries(index, width), BUNDLE_BYTES), width)
    return lines


def _open_bundle(raw: bytes, width: int) -> tuple[bytes, ...]:
    try:
        found = read_entries(raw)
    except ValueError as error:
        raise ReleaseRejected(str(error), reason=f"the public log: {error}") from error
    if len(found) < width:
        raise ReleaseRejected(reason="a part of the public log is missing")
    return found[:width]


def _read_witnesses(note: Note, policy: Policy, now: datetime) -> dict[str, datetime]:
    """Who cosigned lately. One from the future, by a wrong clock, would stay new for ever."""
    try:
        seen = {n: _read_moment(time) for n, time in count_witnesses(note, policy).items()}
    except ValueError as error:
        raise ReleaseRejected(str(error), reason=f"the public log: {error}") from error
    ages = {name: now - moment for name, moment in seen.items()}
    return {name: seen[name] for name, age in ages.items() if -CLOCK_SKEW <= age <= FRESH_FOR}


def _read_moment(seconds: int) -> datetime:
    """Raises ValueError also for what the system's own calendar does not reach."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OSError, OverflowError):
        raise ValueError("not a timestamp") from None


def _understand(line: bytes) -> Entry:
    try:
        return read_entry(line)
    except ValueError as error:
        raise ReleaseRejected(str(error), reason=f"the public log: {error}") from error


def _describe(
    checkpoint: Checkpoint,
    policy: Policy,
    witnesses: dict[str, datetime],
    entries: tuple[Entry, ...],
) -> LogSeen:
    agents: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if entry.kind == "agent":
            agents[entry.name] = (*agents.get(entry.name, ()), entry.sha256)
    return LogSeen(
        checkpoint.origin,
        checkpoint.size,
        checkpoint.root.hex(),
        policy.quorum,
        witnesses,
        agents,
        tuple((each.name, write_vkey(each.key), each.url) for each in policy.witnesses),
        write_vkey(policy.logs[0].key),
    )
