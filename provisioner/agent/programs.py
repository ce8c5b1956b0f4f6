"""Tells which programs run in a container, by the hash of what really runs."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from dataclasses import dataclass, field

from provisioner.agent.hash_file import FLAGS, hash_open_file
from provisioner.agent.hashes import Recall
from provisioner.agent.members import Members, Visitor
from provisioner.agent.processes import Vanished, read_link, read_small
from provisioner.models.evidence import TOO_LARGE, UNREADABLE, ProcessSeen

_PROGRAM_BYTES = 1 << 29  # that are read for one measurement: programs of an image fit well
_REMEMBERED = 1000
_LOOKS, _PAUSE_SECONDS = 25, 0.002  # at a process that is becoming another program


@dataclass
class Programs:
    """Hashes programs, and each of those that it may remember only once.

    `known` holds digests by mark, as in `hashes.py`; it is added to. `left` is how many bytes may
    still be read: what runs in a container must not keep the agent from all others.
    """

    recall: Recall = field(default_factory=Recall)
    known: dict[bytes, str] = field(default_factory=dict)
    left: int = _PROGRAM_BYTES

    def hash(self, fd: int) -> str:
        """SHA-256 in hex of the open program, or a word for why not. Closes `fd`."""
        mark = self.recall.mark(os.fstat(fd))
        if mark in self.known:
            os.close(fd)
            return self.known[mark]
        seen, content = hash_open_file(fd, self.left)
        self.left -= seen.st_size if content != TOO_LARGE else 0
        if self.recall.mark(seen) and len(self.known) < _REMEMBERED:
            self.known[self.recall.mark(seen)] = content
        return content


def read_programs(
    members: Members, programs: Programs
) -> tuple[tuple[ProcessSeen, ...], set[Visitor]]:
    """What the members run, and who of them came in. Those that ended meanwhile are not in it."""
    visits = list(members.visit(lambda process: _describe(process, programs)))
    counts = Counter((*what, visitor is not None) for what, visitor in visits)
    seen = tuple(ProcessSeen(*what, count) for what, count in sorted(counts.items()))
    return seen, {visitor for _, visitor in visits if visitor}


def read_links(members: Members) -> tuple[list[tuple[str, bool]], set[Visitor]]:
    """The paths of their programs and whether they were entered, each once: quick to read."""
    visits = list(members.visit(lambda process: read_link(process, "exe")))
    links = {(path, visitor is not None) for path, visitor in visits}
    return sorted(links), {visitor for _, visitor in visits if visitor}


def _describe(process: int, programs: Programs) -> tuple[str, str, str]:
    """(path, SHA-256 of the program that really runs, SHA-256 of its arguments).

    All of one program: a process that becomes another meanwhile is looked at again. One that stays
    between two is told as it is. Raises Vanished.
    """
    for _ in range(_LOOKS):
        before = _find_code(process)
        seen = _look(process, programs)
        if before[0] and before == _find_code(process):
            break
        time.sleep(_PAUSE_SECONDS)
    return seen


def _find_code(process: int) -> tuple[int, int]:
    """Where its code and its arguments are in its memory: in each program at other places.

    While it becomes another program (execve(2)) the link leads to the new one already, and the
    arguments are not there yet. The start of the code, 0 until then, is written down last.
    proc_pid_stat(5): the 26th and 48th field; 1 for who may not know the first. Raises Vanished.
    """
    fields = read_small(process, "stat").rpartition(b")")[2].split()
    return int(fields[23]), int(fields[45])


def _look(process: int, programs: Programs) -> tuple[str, str, str]:
    arguments = hashlib.sha256(read_small(process, "cmdline")).hexdigest()
    path = read_link(process, "exe")
    if not path:
        raise Vanished("exe")
    try:
        # This link is the kernel's: it leads to the running program itself, also when its path
        # is gone or hidden. So it is followed on purpose.
        fd = os.open("exe", FLAGS & ~os.O_NOFOLLOW, dir_fd=process)
    except OSError:
        return path, UNREADABLE, arguments
    return path, programs.hash(fd), arguments
