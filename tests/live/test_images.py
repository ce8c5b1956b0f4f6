"""The images as Swarm services: read-only, non-root, and exactly the files their manifest says."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import requests

from provisioner.adapters.swarm import Swarm
from provisioner.models.manifest import FileEntry, read_manifest, write_manifest
from provisioner.models.service import FileRef, Mount, ServiceSpec, Tmpfs
from provisioner.publishing.manifest_of_image import measure_image
from provisioner.publishing.registry import push_image, temporary_registry
from tests.conftest import Engine
from tests.live.shelf import REGISTRY, Shelf, fill_shelf

pytestmark = pytest.mark.live
KINDS = {
    stat.S_IFREG: "f",
    stat.S_IFDIR: "d",
    stat.S_IFLNK: "l",
    stat.S_IFCHR: "c",
    stat.S_IFBLK: "b",
    stat.S_IFIFO: "p",
    stat.S_IFSOCK: "s",
}
SLEEP = ("--entrypoint=python3", "-c", "import time; time.sleep(600)")


@pytest.fixture(scope="module")
def shelf(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    storage = tmp_path_factory.mktemp("registry")
    return fill_shelf(engine, storage)


@pytest.fixture
def place(engine: Engine) -> Iterator[Path]:
    """A folder that containers of the engine can mount, with a short path."""
    folder = engine.folder / "img"
    folder.mkdir()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def running(engine: Engine, spec: ServiceSpec) -> Iterator[int]:
    """Run it as a Swarm service; yields the process id of its container."""
    swarm = Swarm(engine.docker_host)
    swarm.ensure_service(spec)
    try:
        yield find_pid(engine, swarm, spec.name)
    finally:
        swarm.remove_service(spec.name)


def find_pid(engine: Engine, swarm: Swarm, name: str) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        task = swarm.find_task(name)
        if task and task.state == "running" and task.container_id:
            shown = docker(engine, "inspect", "--format", "{{.State.Pid}}", task.container_id)
            if int(shown):
                return int(shown)
        assert not task or task.state not in ("failed", "rejected"), (task, logs(engine, name))
        time.sleep(0.1)
    raise TimeoutError(logs(engine, name))


def docker(engine: Engine, *arguments: str) -> str:
    command = ["docker", "--host", engine.docker_host, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def logs(engine: Engine, name: str) -> str:
    return "\n".join(Swarm(engine.docker_host).read_logs(name))


def spec(shelf: Shelf, name: str, image: str, **more: object) -> ServiceSpec:
    base = {"networks": ("host",), "tmpfs": (Tmpfs("/tmp"),)}
    return ServiceSpec(name=name, image=shelf.references[image], **(base | more))  # type: ignore[arg-type]


# -- the same files -----------------------------------------------------------------------------


def walk(pid: int) -> bytes:
    """The files of a running container, found by plain means, without what was mounted."""
    root = f"/proc/{pid}/root"
    lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    mounted = {line.split()[4] for line in lines} - {"/"}
    entries = []
    for folder, folders, files in os.walk(os.fsencode(root)):
        above = os.fsdecode(folder).removeprefix(root)
        for name in [*folders, *files]:
            path = f"{above}/{os.fsdecode(name)}"
            if path in mounted or path == "/.dockerenv":
                continue
            entries.append(describe(path, folder + b"/" + name))
        folders[:] = [name for name in folders if f"{above}/{os.fsdecode(name)}" not in mounted]
    return write_manifest(entries)


def describe(path: str, found: bytes) -> FileEntry:
    seen = os.lstat(found)
    kind = KINDS[stat.S_IFMT(seen.st_mode)]
    content = ""
    if kind == "f":
        content = hashlib.sha256(Path(os.fsdecode(found)).read_bytes()).hexdigest()
    elif kind == "l":
        content = os.fsdecode(os.readlink(found))  # noqa: PTH115 - a Path would tidy it up
    size = seen.st_size if kind == "f" else 0
    return FileEntry(
        path, kind, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid, size, content
    )


@pytest.mark.parametrize("image", ["base", "control", "taarafo", "edge", "registry", "queue"])
def test_a_running_container_has_the_files_of_the_manifest(
    engine: Engine, shelf: Shelf, place: Path, image: str
) -> None:
    known = read_manifest(measure_image(shelf.built[image]))
    with running_somehow(engine, shelf, place, image) as pid:
        seen = read_manifest(walk(pid))
    missing = {path for path in known.keys() - seen.keys() if not is_mounted_on(path)}
    assert missing == set()
    assert {path: seen[path] for path in seen if seen[path] != known.get(path)} == {}


def is_mounted_on(path: str) -> bool:
    """Paths of the image that a mount covers in these services."""
    covered = ("/proc", "/sys", "/dev", "/tmp", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf")
    return path in (*covered, "/run/gateway", "/run/secrets", "/run/secrets/queue_password")


@contextmanager
def running_somehow(engine: Engine, shelf: Shelf, place: Path, image: str) -> Iterator[int]:
    """As itself where it needs nothing else; where there is a Python, asleep."""
    if image not in ("edge", "registry", "queue"):
        with sleeping(engine, shelf.references[image]) as pid:
            yield pid
        return
    with running(engine, files_spec(engine, shelf, place, image)) as pid:
        yield pid


@contextmanager
def sleeping(engine: Engine, reference: str) -> Iterator[int]:
    entrypoint, *command = SLEEP
    options = ("--detach", "--read-only", "--tmpfs=/tmp", "--network=none", entrypoint)
    container = docker(engine, "run", *options, reference, *command).strip()
    try:
        yield int(docker(engine, "inspect", "--format", "{{.State.Pid}}", container))
    finally:
        docker(engine, "rm", "--force", container)


def files_spec(engine: Engine, shelf: Shelf, place: Path, image: str) -> ServiceSpec:
    name = f"img-files-{image}"
    if image == "edge":
        os.chown(place, 10002, 10002)
        mounts = (Mount(str(place), "/run/gateway"),)
        return spec(shelf, name, image, user="10002:10002", mounts=mounts)
    if image == "registry":
        settings = {"REGISTRY_HTTP_ADDR": "127.0.0.1:5078"}
        return spec(shelf, name, image, user="10004:10004", environment=settings)
    return queue_spec(engine, shelf, name)


# -- each does its work ---------------------------------------------------------------------------


def test_the_edge_listens_on_tcp_and_on_its_socket(
    engine: Engine, shelf: Shelf, place: Path
) -> None:
    for name in ("edge/localhost", "gateway", "evidence", "agent-door", "releases"):
        (place / name).mkdir(parents=True)
    (place / "releases" / "a.json").write_text("{}")
    os.chown(place / "gateway", 10002, 10002)
    mounts = tuple(
        Mount(str(place / name), f"/run/{name}", read_only=name != "gateway")
        for name in ("edge", "gateway", "evidence", "agent-door", "releases")
    )
    environment = {"PORT": "18088", "BIND": "127.0.0.1 [::1]", "BASE_HOST": "localhost"}
    wanted = spec(
        shelf, "img-edge", "edge", user="10002:10002", mounts=mounts, environment=environment
    )
    with running(engine, wanted):
        for address in ("127.0.0.1", "[::1]"):
            answer = ask(f"http://{address}:18088/releases/a.json", "localhost")
            assert (answer.status_code, answer.text) == (200, "{}")
        assert (place / "gateway" / "edge.sock").stat().st_mode & 0o777 == 0o666
        assert ask("http://127.0.0.1:18088/", "nobody.localhost").status_code == 404


def ask(url: str, host: str) -> requests.Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return requests.get(url, headers={"Host": host}, timeout=5)
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def queue_spec(engine: Engine, shelf: Shelf, name: str) -> ServiceSpec:
    Swarm(engine.docker_host).ensure_secret("img-password", b"open-sesame", {})
    password = FileRef("img-password", "/run/secrets/queue_password", 10003, 10003)
    return spec(shelf, name, "queue", user="10003:10003", secrets=(password,))


def test_the_queue_wants_its_password_and_tells_it_to_nobody(engine: Engine, shelf: Shelf) -> None:
    with running(engine, queue_spec(engine, shelf, "img-queue")) as pid:
        with redis.Redis(password="open-sesame", retry_on_timeout=True) as client:
            wait_until(client.ping)
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("save") == {"save": ""}
        with redis.Redis() as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        for name in ("cmdline", "environ"):
            assert b"open-sesame" not in Path(f"/proc/{pid}/{name}").read_bytes()
        assert b"redis-server" in Path(f"/proc/{pid}/cmdline").read_bytes()  # no shell is left


def wait_until(works: object) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            works()  # type: ignore[operator]
            return
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_the_registry_serves_what_its_stand_in_stored(
    engine: Engine, shelf: Shelf, place: Path
) -> None:
    storage = place / "registry"
    with temporary_registry(shelf.built["registry"], REGISTRY, storage):
        reference = push_image(shelf.built["queue"], REGISTRY)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{REGISTRY}/v2/", timeout=5)
    wanted = spec(
        shelf,
        "img-registry",
        "registry",
        user="10004:10004",
        mounts=(Mount(str(storage), "/var/lib/registry"),),
        environment={"REGISTRY_HTTP_ADDR": REGISTRY},
    )
    with running(engine, wanted):
        ask(f"http://{REGISTRY}/v2/", REGISTRY)
        assert push_image(shelf.built["queue"], REGISTRY) == reference
        tags = requests.get(f"http://{REGISTRY}/v2/taarafo/queue/tags/list", timeout=5)
        assert not tags.json().get("tags")


def test_every_module_of_the_control_plane_is_in_its_image(engine: Engine, shelf: Shelf) -> None:
    """Also those that are imported late. What runs Ansible, and what makes an S3 store's bucket,
    is left to the host."""
    command = (
        "import importlib, json, pathlib, sys, time\n"
        "failed = {}\n"
        "for path in sorted(pathlib.Path('/srv').glob('*/**/*.py')):\n"
        "    parts = path.relative_to('/srv').with_suffix('').parts\n"
        "    if parts[0] not in ('provisioner', 'web') or parts[-1] == '__main__': continue\n"
        "    if 'migrations' in parts: continue\n"
        "    try: importlib.import_module('.'.join(parts).removesuffix('.__init__'))\n"
        "    except ImportError as error: failed['.'.join(parts)] = str(error)\n"
        "print(json.dumps(failed))\n"
    )
    shown = docker(
        *(engine, "run", "--rm", "--read-only", "--tmpfs", "/tmp", "--network=none"),
        *(shelf.references["control"], "python3", "-c", command),
    )
    failed = json.loads(shown.splitlines()[-1])
    left = ("ansible", "boto")
    assert {n for n, why in failed.items() if not any(word in why for word in left)} == set(), (
        failed
    )


def test_python_starts_from_compiled_code_alone(engine: Engine, shelf: Shelf) -> None:
    """Nothing is compiled at start: every module that a request needs has its bytecode."""
    command = (
        "import sys, flask, sqlmodel, tuf.ngclient\n"
        "sources = [m for m in list(sys.modules.values()) if getattr(m, '__cached__', None)]\n"
        "import os\n"
        "print([m.__name__ for m in sources if not os.path.exists(m.__cached__)])\n"
    )
    shown = docker(
        *(engine, "run", "--rm", "--read-only", "--network=none"),
        *(shelf.references["control"], "python3", "-c", command),
    )
    assert shown.strip() == "[]"


def test_no_image_has_a_program_that_changes_its_user(shelf: Shelf) -> None:
    for image in shelf.built.values():
        entries = read_manifest(measure_image(image)).values()
        assert [e.path for e in entries if e.type == "f" and e.mode & 0o6000] == []
        assert [
            e.path for e in entries if e.type != "l" and e.mode & 0o002 and e.mode != 0o1777
        ] == []


def test_a_push_to_nowhere_says_that_it_waits(shelf: Shelf) -> None:
    from provisioner.errors import Unavailable

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable) as failed:
            push_image(shelf.built["queue"], nowhere)
    assert failed.value.explain() == "We are waiting for the registry."
