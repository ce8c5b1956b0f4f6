"""The composition root: builds each adapter when it is first needed, and nowhere else.

Imports of adapters are inside the properties on purpose: a web process that never touches
Docker never loads it (docs/decisions).
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioner.errors import OperatorError, ReleaseRejected
from provisioner.models.inspection import Inspection
from provisioner.models.saved_check import ReleaseCopy
from provisioner.ports import (
    Clock,
    Engine,
    Fetcher,
    Gateway,
    References,
    Releases,
    Room,
    Vault,
    Waker,
    Witnesses,
)
from provisioner.settings import Settings

if TYPE_CHECKING:  # both load the database's tools, which `check` has no use for
    from provisioner.core.place import Place
    from provisioner.store import Store


class NoWaker:
    """For a process that runs its operations itself, as the CLI does."""

    def wake(self, operation_id: str) -> None:
        return


class Context:
    """Everything a verb may need. Attributes are made on first use."""

    def __init__(self, settings: Settings, *, waker: Waker | None = None) -> None:
        self.settings = settings
        self.waker: Waker = waker or NoWaker()
        self.turn: int | None = None  # what a command holds for as long as it may write

    @cached_property
    def store(self) -> Store:
        from provisioner.store import Store

        return Store(self.settings.database)

    @cached_property
    def clock(self) -> Clock:
        from provisioner.adapters.machine import SystemClock

        return SystemClock()

    @cached_property
    def room(self) -> Room:
        from provisioner.adapters.machine import DiskRoom

        return DiskRoom(self.settings.db_dir)

    @cached_property
    def vault(self) -> Vault:
        from provisioner.adapters.vault import FernetVault

        return FernetVault(self.settings.read_secret("master.key"))

    @cached_property
    def engine(self) -> Engine:
        from provisioner.adapters.swarm import Swarm

        return Swarm(self.settings.docker_host)

    @cached_property
    def gateway(self) -> Gateway:
        from provisioner.adapters.gateway import EdgeGateway

        return EdgeGateway(self.settings.gateway_socket)

    @cached_property
    def releases(self) -> Releases:
        from provisioner.adapters.releases import open_releases

        return open_releases(self.settings)

    def releases_at(self, control: str, root: Path) -> Releases:
        """The releases of another control plane, believed only as far as `root` goes."""
        from provisioner.adapters.releases import open_releases_at

        return open_releases_at(control, root)

    def read_root(self) -> bytes:
        """The root of trust that this control plane ships. Raises ReleaseRejected."""
        path = self.settings.trust_dir / "root.json"
        try:
            return path.read_bytes()
        except OSError as error:
            raise ReleaseRejected(str(error), reason=f"{path} cannot be read") from error

    def releases_in(self, copy: ReleaseCopy, root: Path | None, now: datetime) -> References:
        """One release in a saved check, judged for the moment `now`."""
        from provisioner.adapters.saved_releases import SavedReleases

        trusted = root or self.settings.trust_dir / "root.json"
        try:
            return SavedReleases(copy, trusted.read_bytes(), now)
        except OSError as error:
            raise ReleaseRejected(str(error), reason=f"{trusted} cannot be read") from error

    def inspect_releases(self) -> Inspection:
        """Everything published here, walked as a stranger would."""
        from provisioner.adapters.release_inspection import verify_repository
        from provisioner.adapters.release_sources import FolderSource

        root = (self.settings.trust_dir / "root.json").read_bytes()
        return verify_repository(FolderSource(self.settings.repository_dir), root=root)

    @cached_property
    def fetch(self) -> Fetcher:
        """Over the network, as anybody would."""
        from provisioner.adapters.fetch import Fetch

        return Fetch()

    def fetch_noting(self, keys: dict[str, str]) -> Fetcher:
        """The same, noting in `keys` which key the newest TLS connection to an address had."""
        from provisioner.adapters.fetch import Fetch

        return Fetch(keys=keys)

    @cached_property
    def fetch_soon(self) -> Fetcher:
        """The same for what a check can do without: it does not wait long."""
        from provisioner.adapters.fetch import Fetch

        return Fetch(deadline_seconds=3.0)

    @property
    def witnesses(self) -> Witnesses:
        """Of the public log, over the network."""
        from provisioner.adapters.witnesses import ask_witness, gather_cosignatures

        more = self.settings.authorities_file
        ask = partial(ask_witness, authorities=more if more.is_file() else None)
        return partial(gather_cosignatures, ask=ask)

    @cached_property
    def place(self) -> Place:
        """Raises OperatorError before `up`."""
        from provisioner.core.place import Place

        settings, outside = self.settings, self._outside
        return Place(
            stack=settings.stack,
            registry=settings.registry,
            tools_image=self.images["base"],
            node_image=self.images["control"],
            state=str(outside.state),
            edge_dir=str(outside.edge_dir),
            evidence_dir=str(outside.evidence_dir),
            communities_dir=str(outside.communities_dir),
            control_url=settings.url,
            keeper_image=self.images.get("keeper", ""),  # an earlier `up` knew of no backups
            backup_dir=self._deployed.get("backup_dir", str(outside.backups_dir)),
            backup_s3=self._deployed.get("backup_s3", ""),
            backup_s3_secret=self._deployed.get("backup_s3_secret", ""),
        )

    def look_again(self) -> None:
        """`up` may have written down another place since."""
        self.__dict__.pop("place", None)

    @property
    def images(self) -> dict[str, str]:
        """Image references of the control plane, by name. Raises OperatorError before `up`."""
        images: dict[str, str] = self._deployed["images"]
        return images

    @property
    def _outside(self) -> Settings:
        """The same settings with the state folder where the host has it, for who is inside."""
        state = Path(self._deployed.get("state", self.settings.state))
        return self.settings.model_copy(update={"state": state})

    @property
    def _deployed(self) -> dict[str, Any]:
        """What `up` wrote down. Raises OperatorError when there is nothing."""
        try:
            deployed: dict[str, Any] = json.loads(self.settings.control_plane_file.read_bytes())
        except FileNotFoundError as error:
            raise OperatorError("nothing is set up yet: run ./taarafo up") from error
        return deployed
