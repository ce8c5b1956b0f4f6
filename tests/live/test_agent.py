"""The agent on a real engine: honest containers are GENUINE, every tampering is named."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.agent.door import PATH
from provisioner.agent.rotate import is_requested, list_rotations, request_rotation
from provisioner.core.appraisal.agents import AgentKey, AgentList, write_agent_list
from provisioner.core.appraisal.report import open_envelope, read_statement
from provisioner.core.appraisal.rotation import follow_rotations
from provisioner.engine.checks.check import check
from provisioner.models.evidence import ContainerSeen, Evidence, parse_moment
from provisioner.models.verdict import Outcome, Verdict
from provisioner.settings import ROOT
from tests.conftest import Engine
from tests.live.little_release import COMMAND, LittleReleases, make_release, make_rootfs

pytestmark = pytest.mark.live
NAME = "t-agent-little"
HOST = "t-little.localhost"
ADDRESS = f"{HOST}:8080"
SETTINGS = b"name = 'little'\n"
CAPABILITIES = "+sys_ptrace,+dac_read_search"
PATIENCE = 60.0  # seconds; a machine that is busy with something else measures late


class Place:
    """One little community on the engine, and the folders of its agent."""

    agent: subprocess.Popen[bytes]

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.manifest = make_rootfs(folder / "rootfs.tar")
        self.image = self.docker(
            "import", "--change", "ENV LANG=C.UTF-8", str(folder / "rootfs.tar"), f"{NAME}:1"
        ).strip()
        self.releases = LittleReleases(make_release(self.manifest, self.image), self.manifest)
        self.releases.write(folder / "releases")
        self.docker_root = Path(self.docker("info", "-f", "{{.DockerRootDir}}").strip())

    def docker(self, *words: str, given: bytes = b"") -> str:
        done = subprocess.run(
            ["docker", "-H", self.engine.docker_host, *words],
            input=given,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def labels(self) -> list[str]:
        """As words of a command line, without the option's name."""
        digest = hashlib.sha256(SETTINGS).hexdigest()
        labels = {
            "community": "c0ffee",
            "host": HOST,
            "address": ADDRESS,
            "release": self.releases.release.target,
            "service": "app",
            "configs": json.dumps({"/etc/app/app.toml": digest}),
        }
        return [f"label=org.taarafo.{k}={v}" for k, v in labels.items()]

    def start(self, *options: str) -> None:
        self.docker("config", "create", f"{NAME}-settings", "-", given=SETTINGS)
        self.docker("secret", "create", f"{NAME}-secret", "-", given=b"secret")
        for name in ("data", "door"):
            (self.folder / name).mkdir(exist_ok=True)
        self.docker(
            "service", "create", "--detach", "--quiet", "--name", NAME,
            "--stop-grace-period", "1s", "--user", "10100:10002", "--cap-drop", "ALL",
            "--env", "KIND=little",
            *(f"--container-{label}" for label in self.labels()),
            "--mount", f"type=bind,src={self.folder}/data,dst=/data",
            "--mount", f"type=bind,src={self.folder}/door,dst=/run/edge",
            "--mount", "type=tmpfs,dst=/tmp",
            "--config", f"source={NAME}-settings,target=/etc/app/app.toml",
            "--secret", f"source={NAME}-secret,target=secret",
            *options, "--entrypoint", COMMAND[0], f"{NAME}:1", *COMMAND[1:],
        )  # fmt: skip

    def stop(self) -> None:
        for words in (
            ("service", "rm", NAME),
            ("config", "rm", f"{NAME}-settings"),
            ("secret", "rm", f"{NAME}-secret"),
        ):
            subprocess.run(
                ["docker", "-H", self.engine.docker_host, *words], capture_output=True, check=False
            )
        await_that(lambda: not self.containers())

    def containers(self) -> list[str]:
        return self.docker("ps", "-q", "--no-trunc", "-f", f"name={NAME}").split()

    def container(self) -> str:
        await_that(lambda: bool(self.containers()))
        return self.containers()[0]

    def pid(self) -> str:
        return self.docker("inspect", "-f", "{{.State.Pid}}", *self.containers()).strip()

    def agent_keys(self) -> tuple[AgentKey, ...]:
        row = json.loads((self.folder / "agent" / "agent.json").read_bytes())
        return (AgentKey(**row),)

    def fetch(self, address: str, path: str) -> bytes | None:
        served = self.folder / "evidence" / HOST / Path(path).name
        return served.read_bytes() if served.is_file() else None

    def challenge(self, **question: object) -> tuple[int, bytes]:
        """Status and body, as the edge would ask."""
        body = json.dumps(question).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: {ADDRESS}\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(10)
            line.connect(str(self.folder / "http.sock"))
            line.sendall(head.encode() + body)
            answer = b""
            while more := line.recv(65536):
                answer += more
        return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]

    def ask(self, **question: object) -> Evidence:
        """The answer to a challenge, by an enrolled key. Waits when there were too many."""
        answers: list[tuple[int, bytes]] = []
        nonce = secrets.token_urlsafe(32)

        def is_answered() -> bool:
            answers.append(self.challenge(nonce=nonce, **question))
            return answers[-1][0] not in (429, 503)

        await_that(is_answered, 40, lambda: answers[-1])
        assert answers[-1][0] == 200
        evidence = read_statement(open_envelope(answers[-1][1], self.agent_keys())[1])
        assert evidence.nonce == nonce
        return evidence

    def judge(self, envelope: bytes) -> Verdict:
        """As a check would, had the address served this."""
        return check(
            ADDRESS,
            now=datetime.now(UTC),
            fetch=lambda *_: envelope,
            releases=replace(self.releases, agents=self.agent_keys()),
            enrolled=lambda: AgentList(self.agent_keys()),
        )

    def check(self, now: datetime | None = None) -> Verdict:
        return check(
            ADDRESS,
            now=now or datetime.now(UTC),
            fetch=self.fetch,
            releases=replace(self.releases, agents=self.agent_keys()),
            enrolled=lambda: AgentList(self.agent_keys()),
        )

    def await_outcome(self, outcome: Outcome, seconds: float = PATIENCE) -> Verdict:
        await_that(lambda: self.check().outcome == outcome, seconds, lambda: self.check())
        return self.check()


def await_that(
    is_so: Callable[[], bool], seconds: float = PATIENCE, what: Callable[[], object] = lambda: ""
) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, what()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def place(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(engine, tmp_path_factory.mktemp("agent"))
    place.agent = agent = start_agent(place, place.docker_root / "containers")
    await_that((place.folder / "agent" / "agent.json").exists)
    yield place
    agent.terminate()
    assert agent.wait(10) == 0
    place.docker("image", "rm", "-f", f"{NAME}:1")


def start_agent(place: Place, containers: Path) -> subprocess.Popen[bytes]:
    """As root with no other right than the two that the service is given, and as its image says."""
    drop = ["setpriv", f"--bounding-set=-all,{CAPABILITIES}", f"--inh-caps=-all,{CAPABILITIES}"]
    return subprocess.Popen(
        [
            *drop, sys.executable, "-m", "provisioner.agent", "--proc", "/proc",
            "--containers", containers,
            "--evidence", place.folder / "evidence", "--agent", place.folder / "agent",
            "--repository", place.folder / "releases", "--door", place.folder,
        ],
        cwd=ROOT,
        env=os.environ | memory_settings(),
    )  # fmt: skip


def memory_settings() -> dict[str, str]:
    """How the image that the agent runs in has its memory kept small."""
    (line,) = re.findall(
        r"^ENV (MALLOC_.*)$", (ROOT / "images/control/Containerfile").read_text(), re.MULTILINE
    )
    return dict(pair.split("=") for pair in line.split())


@pytest.fixture
def community(place: Place, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Runs with the options of `@pytest.mark.parametrize(..., indirect=True)`."""
    place.start(*getattr(request, "param", ("--read-only",)))
    yield place
    place.stop()
    await_that(lambda: not (place.folder / "evidence" / HOST).exists())


def paths_of(verdict: Verdict, check: str) -> set[str]:
    return {path for each in verdict.findings if each.check == check for path in each.paths}


def details_of(verdict: Verdict) -> str:
    return " ".join(f.detail for f in verdict.findings if f.outcome != Outcome.GENUINE)


@pytest.mark.attack("an expired report", "STALE")
def test_untouched_is_genuine_then_stale(community: Place) -> None:
    verdict = community.await_outcome(Outcome.GENUINE)
    assert verdict.release == community.releases.release.target
    assert {f.outcome for f in verdict.findings} == {Outcome.GENUINE}
    later = datetime.now(UTC) + timedelta(minutes=6)
    assert community.check(later).outcome == Outcome.STALE


def test_a_community_is_noticed_and_measured_at_once(place: Place) -> None:
    place.start("--read-only")
    try:
        await_that(lambda: bool(place.containers()))
        begun = time.monotonic()
        await_that((place.folder / "evidence" / HOST / "evidence.dsse").exists)
        assert time.monotonic() - begun < 1.0
        instance = json.loads((place.folder / "evidence" / HOST / "instance").read_bytes())
        assert instance["address"] == ADDRESS
        assert instance["agent"]["keyid"] == place.agent_keys()[0].keyid
    finally:
        place.stop()


def test_a_restarted_container_is_measured_anew(community: Place) -> None:
    community.await_outcome(Outcome.GENUINE)
    before = community.container()
    community.docker("kill", before)
    await_that(lambda: community.containers() not in ([], [before]))
    served = community.folder / "evidence" / HOST / "evidence.dsse"
    await_that(lambda: served.exists() and community.containers()[0].encode() in payload(served))
    assert community.check().outcome == Outcome.GENUINE


WRITABLE = pytest.mark.parametrize("community", [()], indirect=True)


@WRITABLE
@pytest.mark.attack("a writable root", "MODIFIED")
def test_a_root_that_can_be_written_is_modified(community: Place) -> None:
    verdict = community.await_outcome(Outcome.MODIFIED)
    assert paths_of(verdict, "confinement") == {"/"}
    assert not paths_of(verdict, "files")


@WRITABLE
@pytest.mark.attack("a file changed in the root", "MODIFIED")
def test_docker_cp_is_seen(community: Place, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("print('altered')\n")
    (tmp_path / "main.py").chmod(0o755)
    community.docker("cp", str(tmp_path / "main.py"), f"{community.container()}:/app/main.py")
    await_that(lambda: paths_of(community.check(), "files") == {"/app/main.py"})


@WRITABLE
@pytest.mark.attack("files changed by a shell", "MODIFIED")
def test_docker_exec_is_seen_in_files(community: Place) -> None:
    script = "echo more > /app/extra; rm /app/out; chmod 4755 /app/big; echo x > '/app/line\nbreak'"
    community.docker("exec", "-u", "0", community.container(), "sh", "-c", script)
    wanted = {"/app/extra", "/app/out", "/app/big", "/app/line\\nbreak"}
    await_that(
        lambda: paths_of(community.check(), "files") == wanted, what=lambda: community.check()
    )


@pytest.mark.attack("a file changed in a lower layer", "MODIFIED")
def test_an_edited_lower_layer_is_seen(community: Place) -> None:
    community.await_outcome(Outcome.GENUINE)
    template = "{{.GraphDriver.Data.LowerDir}}"
    layers = community.docker("inspect", "-f", template, *community.containers()).strip()
    target = Path(layers.split(":")[-1]) / "app" / "main.py"
    honest = target.read_bytes()
    try:
        target.write_bytes(honest.replace(b"hello", b"hacks"))
        await_that(lambda: paths_of(community.check(), "files") == {"/app/main.py"})
    finally:
        target.write_bytes(honest)
    community.await_outcome(Outcome.GENUINE)


@pytest.mark.parametrize("target", ["/app/main.py", "/app/empty", "/etc/app/app.toml", "/data"])
@pytest.mark.attack("a hidden mount", "MODIFIED")
def test_a_mount_moved_into_its_namespace_is_seen(
    community: Place, tmp_path: Path, target: str
) -> None:
    """`docker inspect` shows nothing of it. A second mount over a permitted one counts too."""
    community.await_outcome(Outcome.GENUINE)
    source = tmp_path / "planted"
    if target in ("/app/empty", "/data"):
        source.mkdir()
        (source / "inner").write_text("planted")
    else:
        source.write_text("planted")
    plant(community.pid(), source, target)
    verdict = community.await_outcome(Outcome.MODIFIED)
    assert paths_of(verdict, "mounts") == {target}
    if target == "/app/empty":
        assert "/app/empty/inner" in paths_of(verdict, "files")
    if target == "/app/main.py":
        assert target in paths_of(verdict, "files")


@pytest.mark.attack("a shell by exec", "MODIFIED")
def test_a_program_started_from_outside_is_seen_and_not_forgotten(community: Place) -> None:
    community.await_outcome(Outcome.GENUINE)
    before = community.container()
    community.docker("exec", "-d", before, "sleep", "4")
    verdict = community.await_outcome(Outcome.MODIFIED)
    assert "Programs run that somebody started from outside." in details_of(verdict)
    await_that(lambda: not seen_of(community).execs - count_entered(community))
    await_that(
        lambda: (
            details_of(community.check())
            == "Somebody was inside since it started: 1 program was started from outside."
        ),
        what=lambda: community.check(),
    )
    community.docker("kill", before)
    await_that(lambda: community.containers() not in ([], [before]))
    community.await_outcome(Outcome.GENUINE)


@pytest.mark.attack("a shell that came and went", "MODIFIED")
def test_who_was_inside_for_a_moment_is_not_forgotten(community: Place) -> None:
    community.await_outcome(Outcome.GENUINE)
    community.docker("exec", community.container(), "sleep", "0.6")
    said = "Somebody was inside since it started: 1 program was started from outside."
    await_that(lambda: details_of(community.check()) == said, what=lambda: community.check())


def seen_of(place: Place) -> ContainerSeen:
    raw = (place.folder / "evidence" / HOST / "evidence.dsse").read_bytes()
    return read_statement(open_envelope(raw, place.agent_keys())[1]).containers[0]


def count_entered(place: Place) -> int:
    return sum(each.count for each in seen_of(place).processes if each.entered)


# -- challenges ---------------------------------------------------------------------------------


def test_a_challenge_is_answered_with_what_is_there_now(community: Place) -> None:
    community.await_outcome(Outcome.GENUINE)
    begun = datetime.now(UTC).replace(microsecond=0)
    evidence = community.ask()
    assert begun <= parse_moment(evidence.issued) <= datetime.now(UTC)
    (seen,) = evidence.containers
    assert parse_moment(seen.tree.full_pass) <= parse_moment(evidence.issued)
    assert (seen.execs, seen.seccomp, seen.no_new_privileges) == (0, 2, True)
    served = community.folder / "evidence" / HOST / "evidence.dsse"
    assert b'"nonce":""' in payload(served)
    status, answer = community.challenge(nonce="n" * 32)
    assert status == 200
    assert {each.outcome for each in community.judge(answer).findings} == {Outcome.GENUINE}


def test_every_byte_is_read_when_a_challenge_asks_for_it(community: Place) -> None:
    community.await_outcome(Outcome.GENUINE)
    time.sleep(1.1)  # times are told in seconds
    first = community.ask().containers[0].tree
    full = community.ask(full=True)
    assert full.containers[0].tree.full_pass == full.issued > first.full_pass
    assert replace(full.containers[0].tree, full_pass="") == replace(first, full_pass="")
    assert community.ask().containers[0].tree.full_pass == full.issued


@WRITABLE
def test_a_change_is_in_the_next_answer(community: Place) -> None:
    community.await_outcome(Outcome.MODIFIED)
    community.docker("exec", "-u", "0", community.container(), "sh", "-c", "echo > /app/big")
    changed = "".join(community.ask().containers[0].tree.changed)
    assert '"/app/big"' in changed


def test_questions_that_are_none_and_communities_that_are_gone(place: Place) -> None:
    assert place.challenge(nonce="n" * 32)[0] == 404
    place.start("--read-only")
    try:
        await_that(lambda: place.challenge(nonce="short")[0] == 422)
        place.await_outcome(Outcome.GENUINE)
        answers = [place.challenge(nonce="n" * 32)[0] for _ in range(12)]
        assert answers[-1] == 429
    finally:
        place.stop()
    await_that(lambda: place.challenge(nonce="n" * 32)[0] == 404)


def test_hosts_that_must_report_are_told(place: Place) -> None:
    place.start("--read-only", "--container-label", "org.taarafo.hosts=h2,h1")
    try:
        said = "There is no report of h1, h2, where this community runs too."
        await_that(lambda: details_of(place.check()) == said, what=place.check)
        assert place.ask().hosts == ("h1", "h2")
    finally:
        place.stop()


def test_without_the_kernels_filter_it_is_modified(place: Place) -> None:
    """Swarm gives every service the filter, so this one is started by hand."""
    labels = [f"--{label}" for label in place.labels()]
    common = ["-d", "--rm", "--read-only", "--cap-drop", "ALL", *labels]
    command = ["--entrypoint", COMMAND[0], f"{NAME}:1", *COMMAND[1:]]
    started = place.docker("run", *common, "--security-opt", "seccomp=unconfined", *command)
    try:
        await_that(lambda: "The filter on what it may ask" in details_of(place.check()))
    finally:
        place.docker("kill", started.strip())


def test_a_new_key_signs_beside_the_old_one_until_it_is_published(community: Place) -> None:
    community.await_outcome(Outcome.GENUINE)
    keys, before = community.folder / "agent", community.agent_keys()
    request_rotation(keys)
    await_that(lambda: not is_requested(keys))
    after = follow_rotations(before, list_rotations(keys))
    assert after != before
    assert community.agent_keys() == before
    for known in (before, after):
        assert open_envelope(community.fetch(ADDRESS, "evidence.dsse") or b"", known)
    community.ask()
    published = community.folder / "evidence" / "control.localhost" / "agents.json"
    published.parent.mkdir()
    published.write_bytes(write_agent_list(AgentList(after)))
    await_that(lambda: community.agent_keys() == after)
    community.await_outcome(Outcome.GENUINE)
    community.ask()
    with pytest.raises(ValueError, match="no enrolled agent"):
        open_envelope(community.fetch(ADDRESS, "evidence.dsse") or b"", before)


@pytest.mark.parametrize(
    ("community", "said"),
    [
        (("--read-only", "--cap-add", "NET_ADMIN"), "has rights on this machine"),
        (("--read-only", "--env", "LD_PRELOAD=/data/x.so"), "LD_PRELOAD"),
        (("--read-only", "--workdir", "/data"), "in another folder"),
        (("--read-only", "--group", "0"), "root's group"),
        (("--read-only", "--env", "KIND=other"), "KIND"),
        (("--read-only", "--mount", "type=tmpfs,dst=/app/empty"), "mounted"),
        (
            ("--read-only", "--container-label", 'org.taarafo.configs={"/etc/app/app.toml":"0"}'),
            "Settings",
        ),
    ],
    indirect=["community"],
)
@pytest.mark.attack("capabilities, environment, command, mounts", "MODIFIED")
def test_started_otherwise_is_modified(community: Place, said: str) -> None:
    assert said in details_of(community.await_outcome(Outcome.MODIFIED))


@pytest.mark.parametrize(
    ("community", "outcome"),
    [
        (
            ("--read-only", "--container-label", f"org.taarafo.address=other{ADDRESS}"),
            Outcome.RELAY,
        ),
        (
            (
                "--read-only",
                "--container-label",
                "org.taarafo.release=app/little/stable/9.9.9/release.json",
            ),
            Outcome.UNVERIFIABLE,
        ),
        (("--read-only", "--container-label", "org.taarafo.job=x"), Outcome.UNVERIFIABLE),
    ],
    indirect=["community"],
)
def test_other_claims(community: Place, outcome: Outcome) -> None:
    community.await_outcome(outcome)


def test_the_agent_stays_lean(community: Place, tmp_path: Path) -> None:
    """One that sees this community alone; what else runs on the engine takes memory of its own."""
    (tmp_path / "containers").mkdir()
    container = community.container()
    inside = community.docker_root / "containers" / container
    (tmp_path / "containers" / container).symlink_to(inside)
    lone = copy(community)
    lone.folder = tmp_path
    lone.releases.write(tmp_path / "releases")
    lone.agent = start_agent(lone, tmp_path / "containers")
    try:
        await_that((tmp_path / "evidence" / HOST / "evidence.dsse").exists)
        lone.ask()
        lone.ask(full=True)
        status = Path(f"/proc/{lone.agent.pid}/status").read_text()
    finally:
        lone.agent.terminate()
        assert lone.agent.wait(10) == 0
    rows = dict(line.split(":\t", 1) for line in status.splitlines())
    assert int(rows["VmHWM"].split()[0]) < 35 * 1024, rows["VmHWM"]
    assert int(rows["CapBnd"], 16) == (1 << 19) | (1 << 2)


def payload(served: Path) -> bytes:
    return base64.b64decode(json.loads(served.read_bytes())["payload"])


def plant(pid: str, source: Path, target: str) -> None:
    """open_tree(2), setns(2), move_mount(2): a mount that appears only in that namespace."""
    script = """
import ctypes, os, sys
pid, source, target = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
def ok(value):
    assert value >= 0, os.strerror(ctypes.get_errno())
    return value
tree = ok(libc.syscall(428, -100, source.encode(), 1 | 0x8000))
ok(libc.setns(os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY), 0))
ok(libc.syscall(429, tree, b"", -100, target.encode(), 4))
"""
    subprocess.run([sys.executable, "-c", script, pid, str(source), target], check=True)
