"""Evidence: what one host's agent reports of one community. Signed bytes, never edited after.

The agent writes these values and anybody's verifier reads them, so this module imports nothing
but the standard library. The fields are described in `docs/checking.md`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://taarafo.example/runtime-evidence/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
LIFETIME_SECONDS = 300
CONTROL_PLANE = "control-plane"  # what stands for a community's id in the control plane's own
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"

# Contents of an entry that could not be hashed. None of them is ever equal to a reference.
UNREADABLE = "!unreadable"
CHANGING = "!changing"
TOO_LARGE = "!too-large"
TOO_MANY = "!too-many"  # in place of the names that were too many to tell
UNMEASURED = frozenset(("", UNREADABLE, CHANGING, TOO_LARGE))


@dataclass(frozen=True)
class LeftOut:
    """A path that was not measured, with everything below it, and why.

    One that ends in a slash was measured itself, only not what is below it.
    """

    path: str
    why: str


@dataclass(frozen=True)
class Tree:
    """The measured files, told as differences from a reference manifest.

    Take the manifest whose root is `base` (nothing if empty), drop every path at or below a
    `left_out` one and every `missing` one, put the `changed` manifest lines in: the SHA-256 of
    that text is `root`. `unlisted` counts differences that did not fit; they make it unequal.

    `full_pass` is when every byte was last read (UTC). Since then only files whose inode, size,
    times, mode or owner had changed were read again. Empty: whoever wrote this always read all.
    """

    root: str
    base: str
    count: int
    changed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unlisted: int = 0
    left_out: tuple[LeftOut, ...] = ()
    full_pass: str = ""


@dataclass(frozen=True)
class MountSeen:
    """One line of mountinfo(5). `source` is the root of the mount within its file system."""

    path: str
    kind: str
    source: str
    read_only: bool


@dataclass(frozen=True)
class ProcessSeen:
    """All processes that run one program with the same arguments.

    `entered` says that one was started from outside, e.g. by `docker exec`, or lives in another
    mount namespace than the container's first process.
    """

    program: str
    program_sha256: str
    arguments_sha256: str
    entered: bool
    count: int


@dataclass(frozen=True)
class ContainerSeen:
    """Everything that was measured of one running container.

    `execs` counts the processes that came in from outside since the container started, also
    those that are gone, as far as the agent saw them.
    """

    service: str
    container: str
    image: str
    image_id: str
    command_sha256: str
    started: str
    tree: Tree
    mounts: tuple[MountSeen, ...]
    processes: tuple[ProcessSeen, ...]
    capabilities: str  # hexadecimal, all sets of all processes together
    seccomp: int  # prctl(2) PR_GET_SECCOMP: 2 only if every process has a filter
    no_new_privileges: bool  # of every process
    read_only_root: bool
    environment: dict[str, str]  # name -> sha256 hex of the value
    settings: dict[str, str] = field(default_factory=dict)  # rendered config path -> sha256 hex
    declared: dict[str, str] = field(default_factory=dict)  # the same, as the engine labelled it
    users: tuple[int, ...] = ()  # every user id that any process has, real or effective
    groups: tuple[int, ...] = ()  # the same of groups, with the supplementary ones
    workdir: str = ""  # where the first process is (proc_pid_cwd(5)); empty: not told
    ways_out: int = -1  # default routes of its network (route(8)); below zero: not told
    execs: int = 0


@dataclass(frozen=True)
class Evidence:
    """One statement: community, host, time and containers. Times are UTC ISO 8601.

    `nonce` is what a challenge asked with; empty in the report that is there for everybody.
    `hosts` are the hosts that must all report of this community; empty: whoever reports.
    """

    community: str
    origin: str
    host: str
    release: str
    issued: str
    expires: str
    containers: tuple[ContainerSeen, ...]
    nonce: str = ""
    hosts: tuple[str, ...] = ()

    def statement(self) -> bytes:
        """The in-toto Statement v1 as the JSON bytes that get signed."""
        subject = [
            {"name": c.service, "digest": {"sha256": c.tree.root.removeprefix("sha256:")}}
            for c in self.containers
        ]
        return json.dumps(
            {
                "_type": STATEMENT,
                "subject": subject,
                "predicateType": PREDICATE,
                "predicate": asdict(self),
            },
            separators=(",", ":"),
        ).encode("ascii")


def write_moment(moment: datetime) -> str:
    """`2026-11-23T23:52:16Z`, as all times in evidence are told."""
    return moment.astimezone(UTC).strftime(_MOMENT)


def parse_moment(text: str) -> datetime:
    """The other way round. Raises ValueError for any other form."""
    try:
        moment = datetime.strptime(text, _MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("not a moment") from None
    if moment.strftime(_MOMENT) != text:
        raise ValueError("not a moment")
    return moment


def hash_value(value: str) -> str:
    """SHA-256 of a variable's value, in hex."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()


def hash_bytes(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def hash_command(command: tuple[str, ...]) -> str:
    """SHA-256 of a command with its arguments, each ended by a NUL as in /proc/<pid>/cmdline."""
    return hash_value("".join(f"{part}\0" for part in command))
