"""A community whose data, doors and attendant are real, in folders; its containers are not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from provisioner.core.place import door_dir, home_dir, host_of, name_of
from provisioner.core.promises import plan_promises
from provisioner.core.turn import BEGIN, READY, WAIT
from provisioner.engine.create import request_community
from provisioner.engine.operations import run_operation
from provisioner.errors import Unavailable
from provisioner.models.community import Community
from provisioner.models.promise import Preset
from provisioner.models.release import Release
from provisioner.node.attendant import SWAP, Attendant
from provisioner.node.doors import find_open
from tests.fakes import FakeContext, make_context, make_release

ME = {"uid": os.geteuid(), "gid": os.getegid()}
NOTES = "notes.txt"


class Town:
    """`break_app` says what a version answers, by path; `migrations` what it does to the notes."""

    def __init__(self, folder: Path) -> None:
        self.context: FakeContext = make_context(folder)
        self.migrations: dict[str, Callable[[Path], bool]] = {}
        self.break_app: dict[str, dict[str, int]] = {}
        self.never_load: set[str] = set()  # versions
        self.forgotten: list[str] = []  # folders that a job was to erase
        self.served: list[str] = []  # version that answered whoever came by the front
        engine, gateway = self.context.engine, self.context.gateway
        self._start_job = engine.start_job
        engine.start_job = self.start_job
        gateway.get_status, gateway.post = self.get_status, self.post
        self._attendant: Attendant | None = None
        self.community, operation = request_community(
            self.context,
            name="Smith",
            preset=Preset.FAMILY,
            promises=plan_promises(Preset.FAMILY),
            founder="Ann",
            requested_by="test",
        )
        run_operation(self.context, operation.id)

    # -- what people and tests see -----------------------------------------------------------------

    @property
    def now(self) -> Community:
        return self.context.store.get_community(self.community.id)

    @property
    def home(self) -> Path:
        return Path(home_dir(self.community, self.context.place))

    @property
    def door(self) -> Path:
        return Path(door_dir(self.community, self.context.place))

    @property
    def notes(self) -> Path:
        return self.home / "data" / NOTES

    def write(self, text: str) -> None:
        with self.notes.open("a") as file:
            file.write(text)

    def read(self) -> str:
        return self.notes.read_text()

    @property
    def name(self) -> str:
        return name_of(self.community, self.context.settings.stack)

    def list_running(self) -> dict[str, str]:
        """The version that serves in each slot, as the specs say; one that waits serves none.

        Two at a time would spoil the data: that is an error of whoever started them.
        """
        serving = {}
        for name, spec in self.context.engine.services.items():
            if name.startswith(self.name) and spec.replicas:
                door = Path(next(m.source for m in spec.mounts if m.target == "/run/edge"))
                version = spec.labels["org.taarafo.release"].split("/")[3]
                if self._has_its_turn(name, door, version):
                    serving[door.name] = version
        assert len(serving) <= 1, serving
        return serving

    def visit(self) -> str:
        """The version that a member meets by the front door; "" while she is held."""
        return self.list_running().get(find_open(self.door), "")

    # -- the world ---------------------------------------------------------------------------------

    def start_job(self, job):
        name = job.service.name
        is_new = name not in self.context.engine.jobs
        self._start_job(job)
        if not is_new:
            return
        if name.endswith("-prepare"):
            self._prepare()
        if name.endswith("-forget"):
            self.forgotten.append(job.service.command[-1])
        if name.endswith("-attendant"):
            self._attendant = Attendant(self.home, self.door, shared=("media",), **ME)
        if name.endswith("-migrate"):
            version = job.service.image.rpartition(":")[2][:1]
            if not self.migrations.get(version, lambda _: True)(self.notes):
                self.context.engine.failed.add(name)

    def _has_its_turn(self, name: str, door: Path, version: str) -> bool:
        """Does what an app does that takes turns: it loads, waits, and puts its data in order."""
        published = self.context.releases.published.values()
        if not next(each for each in published if each.version == version).recipe.app.takes_turns:
            return True
        if (door / WAIT).exists() and version not in self.never_load:
            (door / WAIT).rename(door / READY)
        if (door / BEGIN).exists() and name not in self.context.engine.crashed:
            if self.migrations.get(version[-1], lambda _: True)(self.notes):
                (door / BEGIN).unlink()
            else:
                self.context.engine.crashed.add(name)
        return not any((door / word).exists() for word in (WAIT, READY, BEGIN))

    def _prepare(self) -> None:
        (self.home / "data" / "media").mkdir(parents=True, exist_ok=True)
        (self.door / "a").mkdir(parents=True, exist_ok=True)
        (self.door / "http.sock").symlink_to("a/http.sock")
        self.notes.write_text("first. ")

    def get_status(self, host: str, path: str, *, door: str = "") -> int:
        if self.context.gateway.is_away:
            raise Unavailable("away", part="the front door")
        version = self.list_running().get(door or find_open(self.door))
        if version is None:
            return 502
        if not door:
            self.served.append(version)
        plain = {"/healthz": 200}.get(path, 404)
        return self.break_app.get(version, {}).get(path, plain)

    def post(
        self, host: str, path: str, body: bytes, headers: Mapping[str, str], *, door: str = ""
    ) -> tuple[int, bytes]:
        assert host == host_of(self.community)
        if door != SWAP or f"{self.name}-attendant" not in self.context.engine.jobs:
            return 502, b""
        assert self._attendant is not None
        self.list_running()
        status, answer = self._attendant.answer(path.strip("/"), json.loads(body))
        return status, json.dumps(answer).encode()


def make_version(version: str, *, takes_turns: bool | None = None, **changed: object) -> Release:
    """Its image's digest begins with its last number."""
    plain = make_release()
    commands = {**plain.recipe.commands, "migrate": ("migrate",)}
    told = {
        "version": version,
        "service": plain.recipe.app.model_copy(update={"takes_turns": takes_turns}),
        "commands": commands,
        "immutable": ("media",),
        **changed,
    }
    recipe = plain.recipe.model_copy(update=told)
    digest = "sha256:" + version[-1] * 64
    image = plain.images["taarafo"].model_copy(update={"digest": digest})
    return make_release(recipe=recipe, images={"taarafo": image})
