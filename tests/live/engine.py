"""The tests' own Docker engine: own network namespace, folders, cgroup and containerd.

It never meets the operator's engine, and 127.0.0.1 inside its namespace is its own. Everything
it leaves on the machine is written down in `run.json` before it is made, so that the next run
can remove what a killed one left behind.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from provisioner.files import write_atomically
from tests.live.processes import Process, get_process

PROGRAMS = ("dockerd", "containerd", "ip", "nsenter", "setpriv")
PLACES = (Path("/var/tmp"), Path("/var/cache/taarafo"), Path("/tmp"), Path("/dev/shm"))
START_SECONDS = 60.0


@dataclass
class TestEngine:
    """A running engine and all it takes to end it."""

    folder: Path
    runner: Process
    daemons: list[Process] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def namespace(self) -> Path:
        return Path("/run/netns") / self.name

    @property
    def socket(self) -> Path:
        return self.folder / "docker.sock"

    @property
    def docker_host(self) -> str:
        return f"unix://{self.socket}"

    def enter(self, *command: str) -> list[str]:
        """The command, run inside the engine's network."""
        return ["nsenter", f"--net={self.namespace}", "--", *command]

    def write_down(self) -> None:
        note = {
            "runner": asdict(self.runner),
            "daemons": [asdict(daemon) for daemon in self.daemons],
        }
        write_atomically(self.folder / "run.json", json.dumps(note).encode(), mode=0o600)


# -- begin --------------------------------------------------------------------------------------


def reserve_engine(number: int = 0) -> TestEngine:
    """A name and a folder of its own; nothing runs yet. The name is short: sockets live below.

    `number` tells the engines of one process apart.
    """
    folder = choose_place() / f"tt.{os.getpid()}.{number}"
    folder.mkdir(mode=0o755)
    engine = TestEngine(folder, get_process(os.getpid()))
    engine.write_down()
    return engine


def start_engine(engine: TestEngine) -> None:
    """Raises TimeoutError with the engine's last words when it does not come up."""
    subprocess.run(["ip", "netns", "add", engine.name], check=True)
    subprocess.run(["ip", "-n", engine.name, "link", "set", "lo", "up"], check=True)
    write_settings(engine)
    start_daemon(engine, "containerd", "--config", str(engine.folder / "containerd.toml"))
    wait_for(engine, engine.folder / "containerd.sock")
    start_daemon(engine, "dockerd", "--config-file", str(engine.folder / "daemon.json"))
    wait_for(engine, engine.socket)


def choose_place() -> Path:
    """A folder that is not on overlayfs, on which no engine can stack another overlay."""
    usable = [place for place in PLACES if place.is_dir()]
    return next((p for p in usable if find_filesystem(p) != "overlay"), usable[0])


def find_filesystem(path: Path) -> str:
    """Type of the file system that holds `path`, from the longest mount point above it."""
    best, kind = "", ""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = line.partition(" - ")
        point = left.split()[4]
        if path.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, right.split()[0]
    return kind


def write_settings(engine: TestEngine) -> None:
    folder = engine.folder
    (folder / "containerd.toml").write_text(
        f'version = 2\nroot = "{folder}/containerd"\nstate = "{folder}/containerd-run"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{folder}/containerd.sock"\n'
        f'[plugins."io.containerd.internal.v1.opt"]\npath = "{folder}/opt"\n'
    )
    settings = {
        "data-root": f"{folder}/root",
        "exec-root": f"{folder}/exec",
        "pidfile": f"{folder}/docker.pid",
        "hosts": [engine.docker_host],
        "containerd": f"{folder}/containerd.sock",
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "cgroup-parent": f"/{engine.name}",
        "shutdown-timeout": 3,
        "no-new-privileges": True,
    }
    (folder / "daemon.json").write_text(json.dumps(settings))


def start_daemon(engine: TestEngine, *command: str) -> None:
    """In a session of its own, so that Ctrl-C reaches the tests first; it dies with the runner."""
    with (engine.folder / f"{command[0]}.log").open("wb") as log:
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *engine.enter(*command)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    engine.daemons.append(get_process(child.pid))
    engine.write_down()


def wait_for(engine: TestEngine, address: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers(address, is_docker=address == engine.socket):
        if time.monotonic() > deadline or not engine.daemons[-1].is_running:
            raise TimeoutError(read_last_words(engine))
        time.sleep(0.05)


def answers(address: Path, *, is_docker: bool) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(5)
        try:
            line.connect(str(address))
            if not is_docker:
                return True
            line.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
            answer = http.client.HTTPResponse(line)
            answer.begin()
        except OSError:
            return False
        return answer.status == http.HTTPStatus.OK


def read_last_words(engine: TestEngine) -> str:
    logs = [engine.folder / "containerd.log", engine.folder / "dockerd.log"]
    text = "\n".join(log.read_text(errors="replace") for log in logs if log.exists())
    return "\n".join(text.splitlines()[-20:])


# -- end ----------------------------------------------------------------------------------------


def stop_engine(engine: TestEngine) -> None:
    """Remove every process, mount, namespace, cgroup and file of the engine. May be repeated.

    Nothing in it is worth a goodbye, so everything is killed, the one that restarts others first.
    """
    for daemon in reversed(engine.daemons):
        daemon.kill()
    groups = list(find_cgroups(engine.name))
    for process in find_processes(engine, groups):
        process.kill()
    for mount in find_mounts(engine.folder):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "delete", engine.name], check=False, capture_output=True)
    for leftover in find_shim_sockets(engine):
        leftover.unlink(missing_ok=True)
    for group in groups:
        remove_cgroup(group)
    shutil.rmtree(engine.folder)


def remove_cgroup(group: Path) -> None:
    """The kernel lets go of a cgroup a moment after its last process has gone."""
    deadline = time.monotonic() + 5
    for folder in [*sorted(group.rglob("*/"), reverse=True), group]:
        while folder.is_dir():
            try:
                folder.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def find_shim_sockets(engine: TestEngine) -> list[Path]:
    """Shims listen outside the engine's folder, at the address their bundle names."""
    notes = (engine.folder / "containerd-run").glob("*/*/*/address")
    return [Path(note.read_text().strip().removeprefix("unix://")) for note in notes]


def find_cgroups(name: str) -> Iterator[Path]:
    """The engine's cgroup: one in version 2, one for each controller in version 1."""
    top = Path("/sys/fs/cgroup")
    yield from (p for p in (top / name, *top.glob(f"*/{name}")) if p.is_dir())


def find_processes(engine: TestEngine, groups: list[Path]) -> list[Process]:
    """What outlived the daemons: the containers' programs, then the shims that held them."""
    listed = [p for group in groups for p in group.rglob("cgroup.procs")]
    pids = {int(pid) for members in listed for pid in members.read_text().split()}
    pids |= {int(p.parent.name) for p in Path("/proc").glob("[0-9]*/cmdline") if is_ours(p, engine)}
    found = []
    for pid in pids:
        try:
            found.append(get_process(pid))
        except ProcessLookupError:
            continue
    return found


def is_ours(cmdline: Path, engine: TestEngine) -> bool:
    """A shim of this engine, or the Docker that a test started again."""
    try:
        words = cmdline.read_bytes().split(b"\0")
    except OSError:
        return False
    if b"shim" in words[0]:
        return str(engine.folder / "containerd.sock").encode() in words
    return words[0] == b"dockerd" and str(engine.folder / "daemon.json").encode() in words


def find_mounts(folder: Path) -> list[str]:
    """Mount points below the folder, the deepest first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[4] for line in lines]
    return sorted((p for p in points if Path(p).is_relative_to(folder)), key=len, reverse=True)


# -- what a killed run left ----------------------------------------------------------------------


def remove_leftovers() -> list[str]:
    """End the engines whose run is over; returns their names. One run at a time does this."""
    turn = os.open(PLACES[0], os.O_RDONLY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        left = [engine for engine in map(read_note, find_notes()) if not engine.runner.is_running]
        for engine in left:
            stop_engine(engine)
        return [engine.name for engine in left]
    finally:
        os.close(turn)


def find_notes() -> list[Path]:
    return [note for place in PLACES for note in place.glob("tt.*/run.json")]


def read_note(note: Path) -> TestEngine:
    told = json.loads(note.read_text())
    daemons = [Process(**daemon) for daemon in told["daemons"]]
    return TestEngine(note.parent, Process(**told["runner"]), daemons)
