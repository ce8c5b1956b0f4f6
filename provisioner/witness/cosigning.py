"""`add-checkpoint` (C2SP tlog-witness): checks what a log sends, remembers it, and cosigns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from provisioner.core.tlog.checkpoint import Checkpoint, read_checkpoint
from provisioner.core.tlog.note import Note, NoteKey, check_signature, read_note
from provisioner.core.tlog.submission import Submission, read_submission
from provisioner.ports import Clock
from provisioner.witness.answer import Answer, refuse
from provisioner.witness.identity import Identity
from provisioner.witness.judgement import judge_submission
from provisioner.witness.memory import LogMemory


class Cosigner:
    """Cosigns for the logs with these keys. Threads may share it."""

    def __init__(
        self, folder: Path, identity: Identity, log_keys: Iterable[NoteKey], clock: Clock
    ) -> None:
        self._identity = identity
        self._clock = clock
        self._keys: dict[str, list[NoteKey]] = defaultdict(list)
        for key in log_keys:
            self._keys[key.name].append(key)
        self._memories = {origin: LogMemory(folder, origin) for origin in self._keys}

    def add_checkpoint(self, raw: bytes) -> Answer:
        """The answer to the body of one request.

        Raises Unavailable, NotEnoughRoom or WitnessMemoryBroken; nothing was signed then.
        """
        try:
            submission = read_submission(raw)
            note = read_note(submission.checkpoint)
            checkpoint = read_checkpoint(note.text)
        except ValueError as error:
            return refuse(400, str(error))
        memory = self._memories.get(checkpoint.origin)
        if memory is None:
            return refuse(404, "this log is not watched here")
        if not _is_signed(note, self._keys[checkpoint.origin]):
            return refuse(403, "no known key of this log signed it")
        if submission.old_size > checkpoint.size:
            return refuse(400, "the old size is larger than the new one")
        return self._cosign(memory, submission, checkpoint, note)

    def _cosign(
        self, memory: LogMemory, submission: Submission, checkpoint: Checkpoint, note: Note
    ) -> Answer:
        """The memory is on the disk before a cosignature exists, and one lock is held for both.

        So whatever is killed in between, no cosignature is ever ahead of the memory.
        """
        with memory.held():
            memory.record_seen(submission.checkpoint, checkpoint)
            refusal = judge_submission(submission, checkpoint, memory.find_latest())
            if refusal:
                return refusal
            memory.record_latest(submission.checkpoint)
            now = int(self._clock.now().timestamp())
            return Answer(200, self._identity.cosign(note.text, now))


def _is_signed(note: Note, keys: Iterable[NoteKey]) -> bool:
    """By one of the keys, and by none of them wrongly (C2SP signed-note, “Signatures”)."""
    try:
        checked = [check_signature(note, key) for key in keys]
        return any(checked)
    except ValueError:
        return False
