"""A whole witness: its parts put together on one folder, ready to run."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provisioner.adapters.machine import SystemClock
from provisioner.adapters.releases import open_releases_at
from provisioner.core.appraisal.address import read_address
from provisioner.errors import Conflict, SettingWrong, Unavailable
from provisioner.files import locked
from provisioner.signals import when_asked
from provisioner.witness.allowance import Allowance
from provisioner.witness.cosigning import Cosigner
from provisioner.witness.identity import Identity, load_key
from provisioner.witness.listed import find_listed
from provisioner.witness.probing import SETTLE_SECONDS, Prober
from provisioner.witness.register import open_register
from provisioner.witness.rounds import MEAN_SECONDS, Rounds, Schedule
from provisioner.witness.routes import Routes
from provisioner.witness.server import WitnessServer
from provisioner.witness.shelf import Shelf


@dataclass(frozen=True)
class WitnessOptions:
    """What its operator says. `logs` are verifier keys, `probes` addresses of communities.

    `control` is the address of the control plane that publishes their releases, `root` the file
    with its publisher's root; `url` is where others reach this witness, if not where it listens.
    """

    folder: Path
    name: str = ""
    logs: tuple[str, ...] = ()
    listen: str = "127.0.0.1:8090"
    url: str = ""
    probes: tuple[str, ...] = ()
    control: str = ""
    root: Path | None = None
    mean_seconds: float = MEAN_SECONDS


@dataclass(frozen=True)
class Witness:
    """An open witness, which listens already and answers once it runs."""

    identity: Identity
    url: str
    _server: WitnessServer
    _stop: threading.Event

    @property
    def policy_line(self) -> str:
        """For a policy file (C2SP tlog-policy, “Defining a witness”)."""
        return f"witness {self.identity.name} {self.identity.vkey} {self.url}"

    def run(self) -> None:
        """Answer until SIGTERM or SIGINT, then finish at once: nothing is ever half done."""
        when_asked(self._stop.set)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._stop.wait()
        self._server.shutdown()


@contextmanager
def open_witness(options: WitnessOptions) -> Iterator[Witness]:
    """Raises SettingWrong, Conflict (its folder is in use) or ReleaseRejected."""
    logging.basicConfig(stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(options.folder):
        stop = threading.Event()
        addresses = _read_addresses(options.probes)
        identity, routes = _open_parts(options)
        rounds = _open_rounds(options, identity, routes.shelf, stop)
        server = _listen(options.listen, routes)
        try:
            if rounds:
                rounds.start(addresses)
            host = options.listen.rpartition(":")[0]
            url = options.url or f"http://{host}:{server.port}"
            yield Witness(identity, url, server, stop)
        finally:
            stop.set()
            server.server_close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process a folder: two would make its observations and its key twice."""
    try:
        with locked(folder, part=str(folder), seconds=0):
            yield
    except Unavailable as error:
        raise Conflict(str(error), name=str(folder)) from error


def _open_parts(options: WitnessOptions) -> tuple[Identity, Routes]:
    register = open_register(options.folder, name=options.name, logs=options.logs)
    try:
        identity = Identity(register.name, load_key(options.folder / "key.pem"))
        vkey = identity.vkey
    except (OSError, ValueError) as error:
        raise SettingWrong(str(error), name="--name or key.pem", reason=str(error)) from error
    cosigner = Cosigner(options.folder, identity, register.logs, SystemClock())
    return identity, Routes(options.folder, vkey, cosigner, Shelf(options.folder))


def _open_rounds(
    options: WitnessOptions, identity: Identity, shelf: Shelf, stop: threading.Event
) -> Rounds | None:
    if not options.probes:
        return None
    if not options.control or options.root is None:
        reason = "visits need --control and --root, to know what should be there"
        raise SettingWrong(name="--probe", reason=reason)
    releases = open_releases_at(options.control, options.root)
    prober = Prober(
        partial(find_listed, releases),
        SystemClock(),
        stop.wait,
        settle_seconds=min(SETTLE_SECONDS, options.mean_seconds),
    )
    return Rounds(prober, identity, shelf, Schedule(options.mean_seconds), stop.wait)


def _read_addresses(typed: Iterable[str]) -> list[str]:
    try:
        return list(dict.fromkeys(map(read_address, typed)))
    except ValueError as error:
        raise SettingWrong(str(error), name="--probe", reason=str(error)) from error


def _listen(listen: str, routes: Routes) -> WitnessServer:
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise SettingWrong(name="--listen", reason="it is not HOST:PORT")
    try:
        return WitnessServer(host.strip("[]"), int(port), routes, Allowance())
    except OSError as error:
        raise SettingWrong(name="--listen", reason=error.strerror or str(error)) from error
