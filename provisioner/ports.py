"""What the engine needs from the outside world, as Protocols. Adapters keep these promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from provisioner.core.tlog.division import Division
from provisioner.core.tlog.note import NoteSignature
from provisioner.core.tlog.policy import Policy
from provisioner.models.log import LogSeen
from provisioner.models.release import Image, Listing, Release
from provisioner.models.saved_check import ReleaseCopy
from provisioner.models.service import JobSpec, JobState, LocalImage, Node, ServiceSpec, TaskStatus


class Clock(Protocol):
    def now(self) -> datetime:
        """The time in UTC, with a time zone."""

    def sleep(self, seconds: float) -> None: ...


class Engine(Protocol):
    """Docker Swarm. Every call is idempotent; raises Unavailable while it does not answer."""

    def ensure_swarm(self, address: str) -> bool:
        """Make this machine a Swarm of one, unless it is in one; True when it was made now."""

    def leave_swarm(self) -> None: ...

    def get_root_dir(self) -> str:
        """Docker's data-root on this host."""

    def remove_images(self, prefix: str) -> None: ...

    def list_images(self) -> list[LocalImage]:
        """Everything that this node's engine keeps."""

    def list_service_images(self) -> set[str]:
        """References of the images of all services and jobs, as they were asked for."""

    def remove_image(self, reference: str) -> bool:
        """One name of an image, and the image with its last one. False when it is in use."""

    def clear_ended(self) -> int:
        """Remove what jobs left on this node that ended and were removed; how many there were."""

    def list_nodes(self) -> list[Node]:
        """The machines of the Swarm."""

    def name_host(self, node_id: str, host_id: str) -> None:
        """Keep with a node which host's agent looks after it."""

    def ensure_network(
        self, name: str, *, internal: bool, labels: Mapping[str, str], is_shared: bool = False
    ) -> None: ...

    def ensure_secret(self, name: str, value: bytes, labels: Mapping[str, str]) -> None:
        """Secrets are immutable: one that exists by that name is left as it is."""

    def ensure_config(self, name: str, value: bytes, labels: Mapping[str, str]) -> None: ...

    def ensure_service(self, spec: ServiceSpec) -> None:
        """Create it, or update it where it differs from the spec."""

    def stop_service(self, spec: ServiceSpec) -> None:
        """End its containers, as they end by themselves when asked to; its name stays."""

    def has_stopped(self, name: str) -> bool:
        """Whether no container of a service or job runs any more, nor is about to."""

    def is_starting(self, name: str) -> bool:
        """Whether a container of a service or job is about to run on some node. Who removes a job
        then does not stop it."""

    def start_job(self, job: JobSpec) -> None:
        """Start it unless a job by that name exists already."""

    def get_job_state(self, name: str) -> JobState: ...

    def read_logs(self, name: str, *, lines: int = 50) -> list[str]:
        """The newest lines that a service or job printed."""

    def find_task(self, name: str) -> TaskStatus | None:
        """The newest task of a service, or None when there is no such service."""

    def has_crashed(self, name: str) -> bool:
        """Whether a program of the service ended with an error of its own, or was killed twice."""

    def remove_service(self, name: str) -> None:
        """Also jobs. Returns once its containers are gone. Missing is fine."""

    def remove_network(self, name: str) -> None: ...

    def remove_secret(self, name: str) -> None: ...

    def remove_config(self, name: str) -> None: ...

    def list_named(self, prefix: str) -> list[str]:
        """`kind:name` of every service, network, secret and config whose name starts so."""

    def get_memory_mb(self) -> dict[str, int]:
        """Memory in use by service name, on this node."""

    def list_pids(self, name: str) -> list[int]:
        """Processes of a service on this host, as the host numbers them."""


class Reference(Protocol):
    """What a check asks of one verified state of the published releases."""

    @property
    def log(self) -> LogSeen:
        """The public log, as it was seen while this state was verified."""

    def list(self, recipe: str, channel: str = "stable") -> list[str]:
        """Versions, oldest first."""

    def get(self, target: str) -> Release: ...

    def describe(self, target: str) -> Listing:
        """What the signed entry of a release says of it: channel, security floor, self-built."""

    def get_manifest(self, image: Image) -> bytes: ...


class References(Protocol):
    """Where a check opens what it compares with: what is published now, or a saved copy."""

    def open(self) -> AbstractContextManager[Reference]: ...


class Reading(Reference, Protocol):
    """All questions to one verified state of the published releases."""

    def newest(self, recipe: str, channel: str = "stable") -> Release: ...

    def copy(self, target: str) -> ReleaseCopy:
        """Everything that a release was verified with, to be judged again elsewhere."""

    def get_provenance(self, release: Release, image: str) -> bytes:
        """The signed envelope how an image was made, as its builder sealed it."""


class Releases(Protocol):
    """Published releases, read only through verified TUF metadata; each call looks anew."""

    def open(self) -> AbstractContextManager[Reading]:
        """Several questions to one state."""

    def keep_shown(self, division: Division) -> Path:
        """Keep two checkpoints of the log that cannot both be true. Returns where."""

    def list(self, recipe: str, channel: str = "stable") -> list[str]: ...

    def get(self, target: str) -> Release: ...

    def newest(self, recipe: str, channel: str = "stable") -> Release: ...

    def describe(self, target: str) -> Listing: ...

    def get_manifest(self, image: Image) -> bytes: ...

    def get_provenance(self, release: Release, image: str) -> bytes: ...


class Gateway(Protocol):
    """The public front door, asked like a member would."""

    def get_status(self, host: str, path: str, *, door: str = "") -> int:
        """HTTP status through the edge. Raises Unavailable when the edge does not answer.

        `door` is the slot of the community that is asked, though another one may be open.
        """

    def get_bytes(self, host: str, path: str) -> bytes | None:
        """Body of a 200, None for anything else."""

    def post(
        self, host: str, path: str, body: bytes, headers: Mapping[str, str], *, door: str = ""
    ) -> tuple[int, bytes]:
        """Status and body of the answer to a JSON request."""


class Fetcher(Protocol):
    """Anybody's way over the network, with one deadline and a limit of size."""

    def __call__(self, address: str, path: str) -> bytes | None:
        """Body of a 200, None for any other answer. Raises Unavailable when there is none."""

    def post(self, address: str, path: str, body: bytes) -> bytes | None:
        """The same for a question in JSON."""


class Room(Protocol):
    def free_mb(self) -> int:
        """Free disk space in the state folder."""

    def total_mb(self) -> int:
        """Size of that disk."""

    def free_memory_mb(self) -> int:
        """Memory of this machine that could be used without swapping."""


class Waker(Protocol):
    def wake(self, operation_id: str) -> None:
        """Tell a worker that there is something to do. Losing this call loses nothing."""


class Vault(Protocol):
    """Seals small secrets with the master key before they reach the database."""

    def seal(self, plain: bytes) -> bytes: ...

    def unseal(self, sealed: bytes) -> bytes: ...

    def derive(self, purpose: str) -> bytes:
        """32 bytes that only this master key gives for this purpose."""


class Playbooks(Protocol):
    """Ansible on this machine."""

    def run(
        self, playbook: str, variables: Mapping[str, object], say: Callable[[str], None]
    ) -> int:
        """Run `playbooks/<playbook>.yml`; returns how many tasks changed something.

        Raises HostNotPrepared with the task that failed.
        """


class Witnesses(Protocol):
    """The independent witnesses of a log, asked over the network."""

    def __call__(
        self,
        checkpoint: bytes,
        policy: Policy,
        prove: Callable[[int], tuple[bytes, ...]],
        *,
        seconds: float = 5.0,
        say: Callable[[str], None] = ...,
    ) -> dict[str, NoteSignature]:
        """Verified cosignatures of a signed checkpoint, by the policy's names of the witnesses.

        `prove` gives the proof that an older size is a prefix of the checkpoint's tree. Returns
        after `seconds` at the latest, with what came; the caller judges whether it is enough.
        `say` gets a sentence for each witness that said no.
        """
