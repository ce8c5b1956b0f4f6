"""restic as a program: its repository, its answers as values. It moves and encrypts the data."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.errors import BackupFailed

NO_REPOSITORY = "Is there a repository at the following location?"
DAMAGED = "what was written could not be read back whole"
CARD, OF = "card", "of-"  # the tags of a card: what it is, and of which snapshot
INCOMPLETE = 3  # a snapshot was made, and some files could not be read
SAID = 400  # letters of what restic said that a reason takes along
_TIME = re.compile(r"(.{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)").fullmatch
_SNAPSHOT = re.compile(r"[0-9a-f]{64}").fullmatch


@dataclass(frozen=True)
class Repository:
    """Where it is, in restic's words, and the files that hold what opens it."""

    where: str
    phrase: Path
    scratch: Path  # for restic's own unfinished packs, which are encrypted
    s3_keys: Path | None = None
    is_ours: bool = True  # nothing is written into another's, not even a lock

    def run(self, *words: str, fine: Sequence[int] = (0,), given: str = "") -> str:
        """What restic printed. Raises BackupFailed with what it said."""
        done = self._start(*words, given=given)
        if done.returncode not in fine:
            raise BackupFailed(_tell(words[0], done), reason=_explain(words[0], done))
        return done.stdout

    def bring_back(
        self,
        snapshot: str,
        target: Path,
        *,
        only: Sequence[Path] = (),
        but: Sequence[Path] = (),
    ) -> None:
        """Restore below `target`: `only` these paths with all below, or all `but` such patterns."""
        words = [word for path in only for word in ("--include", str(path))]
        words += [word for path in but for word in ("--exclude", str(path))]
        self.run("restore", "--no-lock", snapshot, "--target", str(target), *words)

    def dump(self, snapshot: str, path: str, to: Path) -> None:
        """Write one file of a snapshot to `to`. Raises BackupFailed."""
        with to.open("wb") as file:
            done = subprocess.run(
                self._command("dump", snapshot, path),
                env=self._environment(),
                stdout=file,
                stderr=subprocess.PIPE,
                check=False,
            )
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace")
            raise BackupFailed(said[-SAID:], reason=DAMAGED)

    def ensure(self) -> None:
        """Make it when there is none; one that another phrase opens is left as it is."""
        done = self._start("cat", "config")
        if done.returncode == 0:
            return
        if NO_REPOSITORY not in done.stderr:
            raise BackupFailed(_tell("cat", done), reason=_explain("cat", done))
        self.run("init")

    def unlock(self) -> None:
        """Take away the locks of jobs that were killed: only one works on it at a time."""
        self.run("unlock", "--remove-all")

    def back_up(self, folder: str, host: str, left_out: Sequence[str]) -> str:
        """The id of the new snapshot of `folder`."""
        excludes = [word for path in left_out for word in ("--exclude", f"{folder}/{path}")]
        words = ("backup", "--json", "--host", host, *excludes, "--", folder)
        for line in self.run(*words, fine=(0, INCOMPLETE)).splitlines():
            told = json.loads(line)
            if told.get("message_type") == "summary":
                return self._find_whole_id(str(told["snapshot_id"]))
        raise BackupFailed("no summary", reason="restic did not say what it copied")

    def list_snapshots(self) -> dict[str, datetime]:
        """Copies of the data, whether they count or not."""
        return {
            str(each["id"]): read_time(each["time"])[0]
            for each in self._list()
            if CARD not in (each.get("tags") or ())
        }

    def keep_card(self, snapshot: str, host: str, text: str) -> None:
        """Put a card beside a snapshot that counts, and read it back. Raises BackupFailed."""
        tags = ("--tag", f"{CARD},{OF}{snapshot}")
        self.run("backup", "--host", host, *tags, "--stdin", "--stdin-filename", CARD, given=text)
        kept = self.list_cards().get(snapshot)
        if kept is None or self.read_card(kept) != text:
            raise BackupFailed("its card", reason=DAMAGED)

    def list_cards(self) -> dict[str, str]:
        """The newest card of each snapshot; of the snapshot that was made last it comes last."""
        cards: dict[str, str] = {}
        for each in sorted(self._list(), key=lambda each: read_time(each["time"])[1]):
            tags = each.get("tags") or ()
            if CARD in tags:
                (of,) = (tag.removeprefix(OF) for tag in tags if tag.startswith(OF))
                cards[of] = str(each["id"])
        return cards

    def read_card(self, card: str) -> str:
        return self.run("dump", card, f"/{CARD}")

    def list_files(self, snapshot: str, folder: str) -> dict[str, tuple[int, int]]:
        """Regular files by their path below `folder`, as `listing.list_files` gives them."""
        return dict(_read_nodes(self.run("ls", "--json", snapshot), f"{folder}/"))

    def get_stored_bytes(self) -> int:
        return int(json.loads(self.run("stats", "--json", "--mode", "raw-data"))["total_size"])

    def forget(self, snapshots: Sequence[str], *, prunes: bool = True) -> None:
        """And their cards."""
        if snapshots:
            of = {f"{OF}{snapshot}" for snapshot in snapshots}
            cards = [str(e["id"]) for e in self._list() if of & set(e.get("tags") or ())]
            self.run("forget", *(("--prune",) if prunes else ()), *snapshots, *cards)

    def _list(self) -> list[dict[str, Any]]:
        return json.loads(self.run("snapshots", "--json")) or []

    def _find_whole_id(self, short: str) -> str:
        found = [each for each in self.list_snapshots() if each.startswith(short)]
        if len(found) != 1 or not _SNAPSHOT(found[0]):
            raise BackupFailed(short, reason="restic does not know the copy that it just made")
        return found[0]

    def _start(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*words),
            input=given,
            env=self._environment(),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )

    def _command(self, *words: str) -> list[str]:
        return ["restic", "--no-cache", *(() if self.is_ours else ("--no-lock",)), *words]

    def _environment(self) -> dict[str, str]:
        """No secret is in it: only the paths of the files that hold them."""
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.scratch),
            "TMPDIR": str(self.scratch),
            "RESTIC_REPOSITORY": self.where,
            "RESTIC_PASSWORD_FILE": str(self.phrase),
        }
        if self.s3_keys:
            environment["AWS_SHARED_CREDENTIALS_FILE"] = str(self.s3_keys)
        return environment


def read_time(text: str) -> tuple[datetime, int]:
    """A time of RFC 3339 with up to nine digits: to the second, and in ns since 1970."""
    found = _TIME(text)
    if not found:
        raise ValueError(f"not a time: {text!r}")
    whole, fraction, zone = found.groups()
    moment = datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).astimezone(UTC)
    nanoseconds = int((fraction or "").ljust(9, "0"))
    return moment, int(moment.timestamp()) * 10**9 + nanoseconds


def _read_nodes(text: str, prefix: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for line in text.splitlines():
        told: dict[str, Any] = json.loads(line)
        if told.get("struct_type") == "node" and told.get("type") == "file":
            path = str(told["path"]).removeprefix(prefix)
            yield path, (int(told.get("size", 0)), read_time(told["mtime"])[1])


def _tell(verb: str, done: subprocess.CompletedProcess[str]) -> str:
    said = (done.stderr or done.stdout).strip()
    return f"restic {verb} ended with {done.returncode}: {said[-SAID:]}"


def _explain(verb: str, done: subprocess.CompletedProcess[str]) -> str:
    said = done.stderr + done.stdout
    if "wrong password" in said:
        return "the words do not open this repository"
    if NO_REPOSITORY in said:
        return "there are no backups at that place"
    if "no space left" in said:
        return "the place for backups is full"
    if verb in ("check", "dump", "ls") or "ciphertext verification failed" in said:
        return DAMAGED
    return "the place for backups does not answer as it should"
