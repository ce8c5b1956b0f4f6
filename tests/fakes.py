"""In-memory outsides for fast tests. They obey the contract suite of the real adapters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from provisioner.core.place import Place
from provisioner.engine.context import Context
from provisioner.errors import OperatorError, ReleaseUnknown, Unavailable
from provisioner.models.release import Image, Listing, Recipe, RecipeService, Release, Source
from provisioner.models.service import JobSpec, JobState, LocalImage, Node, ServiceSpec, TaskStatus
from provisioner.settings import Settings
from provisioner.store import Store

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class FakeClock:
    """Sleeping moves it; nothing waits."""

    def __init__(self) -> None:
        self.moment = START
        self.slept = 0.0

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.moment += timedelta(seconds=seconds)


class FakeEngine:
    """A Swarm in dictionaries. `failing_jobs`, `lasting_jobs` and `is_away` cause what a real
    one can do."""

    def __init__(self) -> None:
        self.networks: dict[str, bool] = {}
        self.secrets: dict[str, bytes] = {}
        self.configs: dict[str, bytes] = {}
        self.services: dict[str, ServiceSpec] = {}
        self.jobs: dict[str, ServiceSpec] = {}
        self.failing_jobs: set[str] = set()
        self.lasting_jobs: set[str] = set()
        self.failed: set[str] = set()
        self.crashed: set[str] = set()
        self.starting: set[str] = set()  # what is about to run, whatever Swarm was told since
        self.said: list[str] = []  # which service was started or stopped, in order
        self.nodes = {"node-1": Node("node-1", "one", is_here=True)}
        self.is_away = False
        self.images: list[LocalImage] = []
        self.reports: dict[str, str] = {}  # what a job prints, by the end of its name

    def list_images(self) -> list[LocalImage]:
        self._answer()
        return list(self.images)

    def list_service_images(self) -> set[str]:
        return {spec.image for spec in (self.services | self.jobs).values()}

    def remove_image(self, reference: str) -> bool:
        self._answer()
        held = next((each for each in self.images if reference in each.references), None)
        if held and held.is_used:
            return False
        self.images = [
            replace(each, references=tuple(r for r in each.references if r != reference))
            for each in self.images
        ]
        self.images = [each for each in self.images if each.references]
        return True

    def _answer(self) -> None:
        if self.is_away:
            raise Unavailable("away", part="this machine's engine")

    def ensure_swarm(self, address: str) -> bool:
        self._answer()
        return False

    def clear_ended(self) -> int:
        self._answer()
        return 0

    def list_nodes(self) -> list[Node]:
        self._answer()
        return list(self.nodes.values())

    def name_host(self, node_id: str, host_id: str) -> None:
        self._answer()
        self.nodes[node_id] = replace(self.nodes[node_id], host_id=host_id)

    def ensure_network(self, name, *, internal, labels, is_shared=False):
        self._answer()
        self.networks.setdefault(name, internal)

    def ensure_secret(self, name, value, labels):
        self._answer()
        self.secrets.setdefault(name, value)

    def ensure_config(self, name, value, labels):
        self._answer()
        self.configs.setdefault(name, value)

    def ensure_service(self, spec):
        self._answer()
        self._refuse_missing(spec)
        self.services[spec.name] = spec
        self.said.append(f"{spec.name} × {spec.replicas}")

    def start_job(self, job: JobSpec) -> None:
        self._answer()
        self._refuse_missing(job.service)
        name = job.service.name
        if name not in self.jobs and any(name.endswith(word) for word in self.failing_jobs):
            self.failed.add(name)  # for good: a job that ended is not started by itself
        self.jobs.setdefault(name, job.service)

    def _refuse_missing(self, spec: ServiceSpec) -> None:
        for ref in spec.secrets:
            if ref.name not in self.secrets:
                raise OperatorError(f"secret {ref.name} is missing")
        for ref in spec.configs:
            if ref.name not in self.configs:
                raise OperatorError(f"config {ref.name} is missing")

    def get_job_state(self, name: str) -> JobState:
        self._answer()
        if name not in self.jobs:
            return JobState.MISSING
        if name in self.failed:
            return JobState.FAILED
        if name in self.lasting_jobs:
            return JobState.RUNNING
        return JobState.SUCCEEDED

    def read_logs(self, name, *, lines=50):
        for end, line in self.reports.items():
            if name in self.jobs and name.endswith(end):
                return [line]
        return ["a line it printed"] if name in self.jobs | self.services else []

    def find_task(self, name: str) -> TaskStatus | None:
        self._answer()
        return TaskStatus("running") if name in self.services | self.jobs else None

    def has_crashed(self, name: str) -> bool:
        self._answer()
        return name in self.crashed

    def remove_service(self, name: str) -> None:
        self._answer()
        self.crashed.discard(name)
        self.services.pop(name, None)
        self.jobs.pop(name, None)
        self.failed.discard(name)

    def remove_network(self, name: str) -> None:
        self._answer()
        self.networks.pop(name, None)

    def remove_secret(self, name: str) -> None:
        self._answer()
        self.secrets.pop(name, None)

    def remove_config(self, name: str) -> None:
        self._answer()
        self.configs.pop(name, None)

    def list_named(self, prefix: str) -> list[str]:
        self._answer()
        kinds = {
            "service": self.services | self.jobs,
            "network": self.networks,
            "secret": self.secrets,
            "config": self.configs,
        }
        return sorted(
            f"{kind}:{name}"
            for kind, all_ in kinds.items()
            for name in all_
            if name.startswith(prefix)
        )

    def stop_service(self, spec: ServiceSpec) -> None:
        self.ensure_service(replace(spec, replicas=0))

    def is_starting(self, name: str) -> bool:
        self._answer()
        return name in self.starting

    def has_stopped(self, name: str) -> bool:
        self._answer()
        has_none = name not in self.services or self.services[name].replicas == 0
        return has_none and name not in self.starting

    def get_memory_mb(self) -> dict[str, int]:
        return dict.fromkeys(self.services, 42)


class FakeGateway:
    """Answers `status` for every host that has a service."""

    def __init__(self) -> None:
        self.status = 200
        self.is_away = False

    def get_status(self, host: str, path: str, *, door: str = "") -> int:
        if self.is_away:
            raise Unavailable("away", part="the front door")
        return self.status

    def get_bytes(self, host: str, path: str) -> bytes | None:
        self.get_status(host, path)
        return None

    def post(
        self, host: str, path: str, body: bytes, headers: Mapping[str, str], *, door: str = ""
    ) -> tuple[int, bytes]:
        self.get_status(host, path)
        return 404, b""


class FakeReleases:
    """One release, `taarafo` 1.0.0, and those that a test publishes besides."""

    def __init__(self, release: Release) -> None:
        self.release = release  # the newest
        self.published = {release.target: release}
        self.floor = "1.0.0"
        self.error: Exception | None = None

    def publish(self, release: Release) -> Release:
        self.release = self.published[release.target] = release
        return release

    @contextmanager
    def open(self) -> Iterator[FakeReleases]:
        if self.error:
            raise self.error
        yield self

    def list(self, recipe: str, channel: str = "stable") -> list[str]:
        return [
            each.version
            for each in self.published.values()
            if (each.name, each.channel) == (recipe, channel)
        ]

    def get(self, target: str) -> Release:
        if self.error:
            raise self.error
        if target not in self.published:
            raise ReleaseUnknown(name=target)
        return self.published[target]

    def newest(self, recipe: str, channel: str = "stable") -> Release:
        return self.get(self.release.target)

    def describe(self, target: str) -> Listing:
        release = self.get(target)
        return Listing(
            target=target,
            version=release.version,
            channel=release.channel,
            security_floor=self.floor,
            is_self_built=True,
        )

    def get_manifest(self, image: Image) -> bytes:
        return b""


class FakeRoom:
    def __init__(self) -> None:
        self.free = 50_000
        self.total = 100_000
        self.free_memory = 4_000

    def free_mb(self) -> int:
        return self.free

    def total_mb(self) -> int:
        return self.total

    def free_memory_mb(self) -> int:
        return self.free_memory


class PlainVault:
    """Marks what it sealed, so that a test sees what never went through it."""

    name = "first"

    def seal(self, plain: bytes) -> bytes:
        return b"sealed:" + plain[::-1]

    def unseal(self, sealed: bytes) -> bytes:
        return sealed.removeprefix(b"sealed:")[::-1]

    def derive(self, purpose: str) -> bytes:
        return hashlib.sha256(f"{self.name} {purpose}".encode()).digest()


def make_release(**changes: object) -> Release:
    digest = "sha256:" + "a" * 64
    recipe = Recipe(
        name="taarafo",
        version="1.0.0",
        title="Taarafo",
        service=RecipeService(
            image="taarafo",
            command=("serve",),
            configs={"community.toml.j2": "/etc/taarafo/community.toml"},
            secrets=("app_key",),
        ),
        secrets={"app_key": 32},
        commands={"create-owner": ("create-owner",)},
    )
    values: dict[str, object] = {
        "recipe": recipe,
        "images": {
            "taarafo": Image(
                repository="taarafo/taarafo",
                digest=digest,
                config_digest=digest,
                layers=(digest,),
                files_root=digest,
                files_count=1,
                files_target="files/aa.jsonl",
            )
        },
        "templates": {"community.toml.j2": "name = {{ community.name | tojson }}\n"},
        "source": Source(swhid="swh:1:dir:" + "b" * 40),
    }
    return Release(**{**values, **changes})


class FakeContext(Context):
    """A Context whose outsides are the fakes; the database is real SQLite."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.clock = FakeClock()
        self.engine = FakeEngine()
        self.gateway = FakeGateway()
        self.releases = FakeReleases(make_release())
        self.room = FakeRoom()
        self.vault = PlainVault()
        self.place = Place(
            stack=settings.stack,
            registry=settings.registry,
            tools_image="base@sha256:" + "c" * 64,
            node_image="control@sha256:" + "d" * 64,
            keeper_image="keeper@sha256:" + "e" * 64,
            backup_dir="/backups",
            state=str(settings.state),
            edge_dir=str(settings.edge_dir),
            evidence_dir=str(settings.evidence_dir),
            communities_dir=str(settings.communities_dir),
            control_url=settings.url,
        )

    def look_again(self) -> None:
        """It has no other place than the one it was given."""


def make_context(folder) -> FakeContext:
    database = folder / "test.sqlite3"
    if not database.exists():  # a second context is one that comes back to what is there
        database.write_bytes(make_tables())
    return FakeContext(Settings(state=folder, database_url=f"sqlite:///{database}"))


@cache
def make_tables() -> bytes:
    """A migrated database with nothing in it. To migrate one takes far longer than a copy."""
    with TemporaryDirectory() as folder:
        database = Path(folder) / "empty.sqlite3"
        store = Store(f"sqlite:///{database}")
        store.migrate()
        store.close()
        return database.read_bytes()
