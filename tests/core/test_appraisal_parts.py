"""A release of several services: each is held to what the release says of it, and of no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from provisioner.core.appraisal.appraise import STEPS, appraise
from provisioner.core.appraisal.case import Case, Reference
from provisioner.core.appraisal.contract import read_contract
from provisioner.core.appraisal.dsse import seal
from provisioner.core.appraisal.rights import find_excess
from provisioner.models.evidence import (
    CONTROL_PLANE,
    PAYLOAD_TYPE,
    ContainerSeen,
    Evidence,
    MountSeen,
    ProcessSeen,
    Tree,
    hash_command,
    hash_value,
)
from provisioner.models.manifest import FileEntry, find_lines, root_of
from provisioner.models.release import RecipePart
from provisioner.models.verdict import Outcome, Verdict
from tests.core.own_release import PYTHON, make_own_release, write_files
from tests.core.test_appraisal import LOG
from tests.core.test_appraisal_dsse import KEY, public_of

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
ADDRESS = "localhost:8080"
RELEASE = make_own_release()
PARTS = RELEASE.recipe.services or {}
FILES = {name: write_files(name) for name in RELEASE.images}
REFERENCE = Reference(RELEASE, FILES, "1.0.0", "0.0.0", is_self_built=True, log=LOG)
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens here
CAP_OF_AGENT = f"{1 << 19 | 1 << 2:016x}"
DECIDED = {
    "BASE_HOST": "localhost", "PORT": "8080", "BIND": "127.0.0.1 [::1]",
    "TAARAFO_DOMAIN": "", "TAARAFO_PORT": "8080", "TAARAFO_REGISTRY_PORT": "5000",
    "TAARAFO_STACK": "mine", "TAARAFO_QUOTA_MB": "0", "REGISTRY_HTTP_ADDR": "127.0.0.1:5000",
}  # fmt: skip


def seen(name: str, **changes: object) -> ContainerSeen:
    """The part as the agent sees it when all is well."""
    part, image = PARTS[name], RELEASE.images[PARTS[name].image]
    text, container = write_files(part.image), name[0] * 64
    values = {
        "LANG": "C.UTF-8",
        **part.environment,
        **{each: DECIDED[each] for each in part.choices},
    }
    mounts = [MountSeen("/", "overlay", "/", True), MountSeen("/proc", "proc", "/", False)]
    mounts += [MountSeen(each.path, "ext4", "/x", each.read_only) for each in part.mounts]
    mounts += [MountSeen(f"/run/secrets/{s}", "tmpfs", "/", True) for s in part.secrets]
    honest = ContainerSeen(
        service=name,
        container=container,
        image=f"127.0.0.1:5000/{image.repository}@{image.digest}",
        image_id=image.config_digest,
        command_sha256=hash_command(part.becomes or part.command),
        started="",
        tree=Tree(root_of(text), root_of(text), 2),
        mounts=tuple(mounts),
        processes=(ProcessSeen(PYTHON, "bb", "00", False, 1),),
        capabilities=CAP_OF_AGENT if name == "agent" else "0" * 16,
        seccomp=2,
        no_new_privileges=True,
        read_only_root=True,
        environment={each: hash_value(value) for each, value in values.items()},
        users=(part.uid,),
        groups=(part.uid,),
        workdir="/srv",
        ways_out=1,
    )
    return replace(honest, **changes)  # type: ignore[arg-type]


HONEST = {name: seen(name) for name in PARTS}


def judge(*, without: str = "", address: str = ADDRESS, **parts: ContainerSeen) -> Verdict:
    containers = HONEST | parts
    containers.pop(without, None)
    evidence = Evidence(
        CONTROL_PLANE, address, "h1", RELEASE.target, "2026-05-01T11:59:00Z",
        "2026-05-01T12:04:00Z", tuple(containers.values()),
    )  # fmt: skip
    envelope = seal(PAYLOAD_TYPE, evidence.statement(), KEY)
    return appraise(Case(address, envelope, (public_of(KEY),), REFERENCE), NOW)


def bad(verdict: Verdict) -> list[tuple[str, Outcome, str]]:
    """(check, outcome, the service that the finding begins with)."""
    return [
        (each.check, each.outcome, each.detail.partition(":")[0])
        for each in verdict.findings
        if each.outcome is not Outcome.GENUINE
    ]


def with_mounts(name: str, *more: MountSeen) -> ContainerSeen:
    return seen(name, mounts=(*HONEST[name].mounts, *more))


def with_variable(name: str, variable: str, value: str) -> ContainerSeen:
    return seen(name, environment=HONEST[name].environment | {variable: hash_value(value)})


def test_all_parts_as_released_are_genuine() -> None:
    verdict = judge()
    assert bad(verdict) == []
    assert verdict.outcome is Outcome.GENUINE
    of_each = sum(step.is_of_each for step in STEPS)
    assert len(verdict.findings) == 9 + len(PARTS) * (1 + of_each)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_does_not_run_is_named(name: str) -> None:
    verdict = judge(without=name)
    assert verdict.outcome is Outcome.UNVERIFIABLE
    (finding,) = (f for f in verdict.findings if f.outcome is not Outcome.GENUINE)
    assert finding.detail == f"The service {name} of the release is not in the report."


def test_nothing_running_is_said_once() -> None:
    verdict = judge(**{name: replace(HONEST[name], service="x") for name in PARTS})
    assert verdict.outcome is Outcome.MODIFIED
    assert sum(f.outcome is Outcome.UNVERIFIABLE for f in verdict.findings) == 1


@pytest.mark.parametrize("service", ["spy", "", "app", "Web"])
def test_a_service_that_the_release_does_not_have_is_modified(service: str) -> None:
    verdict = judge(more=replace(HONEST["web"], service=service, container="9" * 64))
    assert bad(verdict) == [
        ("service", Outcome.MODIFIED, f"The service {service} is not in the release.")
    ]


@pytest.mark.parametrize(("name", "other"), [("web", "edge"), ("queue", "agent")])
def test_a_part_from_another_parts_image_is_modified(name: str, other: str) -> None:
    """Both images are in the release, but not for each other's service."""
    verdict = judge(**{name: replace(HONEST[other], service=name, container="9" * 64)})
    assert verdict.outcome is Outcome.MODIFIED
    assert any(f"The service {name} runs an image" in f.detail for f in verdict.findings)


def test_one_part_cannot_pass_for_another_that_has_the_same_image() -> None:
    verdict = judge(web=replace(HONEST["agent"], service="web", container="9" * 64))
    found = {check for check, outcome, name in bad(verdict) if name == "web"}
    assert {"service", "mounts", "confinement"} <= found
    assert verdict.outcome is Outcome.MODIFIED


def test_a_file_that_differs_is_told_with_its_service() -> None:
    text = write_files("control")
    changed = FileEntry("/srv/control.py", "f", 0o644, 0, 0, 2, "ff").line()
    lines = {**dict(find_lines(text)), "/srv/control.py": changed}
    tree = Tree(root_of(b"".join(lines.values())), root_of(text), 2, (changed.decode(),))
    verdict = judge(web=seen("web", tree=tree))
    assert bad(verdict) == [("files", Outcome.MODIFIED, "web")]
    assert {path for f in verdict.findings for path in f.paths} == {"/srv/control.py"}


# -- mounts ----------------------------------------------------------------------------------------

PLANTED = [
    ("web", MountSeen("/run/docker.sock", "tmpfs", "/docker.sock", False)),
    ("web", MountSeen("/srv/control.py", "ext4", "/x", True)),
    ("web", MountSeen("/data", "ext4", "/x", False)),
    ("web", MountSeen("/run/edge", "ext4", "/x", False)),
    ("web", MountSeen("/run/taarafo/db/inner", "tmpfs", "/", True)),
    ("web", MountSeen("/run/taarafo", "ext4", "/x", True)),
    ("web", MountSeen("/run/web", "ext4", "/y", False)),
    ("agent", MountSeen("/run/secrets/master.key", "tmpfs", "/", True)),
    ("worker", MountSeen("/run/secrets/session.key", "tmpfs", "/", True)),
    ("agent", MountSeen("/host/proc/x", "ext4", "/", True)),
    ("agent", MountSeen("/host/procedure", "tmpfs", "/", True)),
    ("agent", MountSeen("/host/proc", "proc", "/", True)),
    ("agent", MountSeen("/run/taarafo/evidence/inner", "tmpfs", "/", False)),
]


@pytest.mark.parametrize(("name", "mount"), PLANTED)
def test_a_mount_that_is_not_this_parts_is_modified(name: str, mount: MountSeen) -> None:
    verdict = judge(**{name: with_mounts(name, mount)})
    assert ("mounts", Outcome.MODIFIED, name) in bad(verdict)
    assert mount.path in next(f.paths for f in verdict.findings if f.paths)


def test_what_must_be_read_only_may_not_be_written() -> None:
    mounts = tuple(replace(mount, read_only=False) for mount in HONEST["edge"].mounts)
    verdict = judge(edge=seen("edge", mounts=mounts))
    paths = {path for f in verdict.findings for path in f.paths}
    assert paths == {"/run/agent-door", "/run/edge", "/run/evidence", "/run/releases"}


def test_what_may_be_written_may_be_read_only() -> None:
    mounts = tuple(replace(mount, read_only=True) for mount in HONEST["web"].mounts)
    assert judge(web=seen("web", mounts=mounts)).outcome is Outcome.GENUINE


def test_what_the_host_has_mounted_in_a_folder_that_is_looked_at_comes_along() -> None:
    """A recursive mount brings it: the memory of other containers, and two at one path."""
    agent = with_mounts(
        "agent",
        MountSeen("/host/containers/ab/mounts/shm", "tmpfs", "/", False),
        MountSeen("/host/proc/sys/fs/binfmt_misc", "autofs", "/", False),
        MountSeen("/host/proc/sys/fs/binfmt_misc", "binfmt_misc", "/", False),
    )
    assert judge(agent=agent).outcome is Outcome.GENUINE


# -- rights ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("web", {"capabilities": CAP_OF_AGENT}, "CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE"),
        ("agent", {"capabilities": f"{1 << 19 | 1 << 21:016x}"}, "CAP_SYS_ADMIN"),
        ("agent", {"capabilities": "8000000000000000"}, "right 63"),
        ("agent", {"capabilities": "none"}, "unreadable"),
        ("web", {"users": (0,)}, "root"),
        ("web", {"users": (10001, 10002)}, "user 10002"),
        ("agent", {"users": (10001,)}, "user 10001"),
        ("agent", {"read_only_root": False}, "its own files"),
    ],
)
def test_rights_that_the_release_does_not_grant_are_named(
    name: str, changes: dict[str, object], said: str
) -> None:
    verdict = judge(**{name: seen(name, **changes)})
    assert bad(verdict) == [("confinement", Outcome.MODIFIED, name)]
    assert any(said in finding.detail for finding in verdict.findings)


def test_rights_that_the_release_grants_are_told() -> None:
    (said,) = (
        f.detail
        for f in judge().findings
        if f.check == "confinement" and f.detail.startswith("agent")
    )
    assert said.startswith("agent: It runs as root with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH")


def test_fewer_rights_than_granted_are_no_fault() -> None:
    assert judge(agent=seen("agent", capabilities="0" * 16)).outcome is Outcome.GENUINE


def test_every_right_has_its_kernels_number() -> None:
    assert find_excess("1", ()) == ("CAP_CHOWN",)
    assert find_excess(f"{1 << 40:x}", ()) == ("CAP_CHECKPOINT_RESTORE",)
    assert find_excess(CAP_OF_AGENT, ("CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH")) == ()
    for hostile in ("", "-1", "0x4", "F" * 16, "0" * 17, "0_0", " 0"):
        assert find_excess(hostile, ()) == ("unreadable rights",)


# -- what the operator decides ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("web", "TAARAFO_STACK", "another"),
        ("web", "TAARAFO_PORT", "9000"),
        ("registry", "REGISTRY_HTTP_ADDR", "127.0.0.1:9"),
        ("web", "TAARAFO_DOMAIN", "localhost"),
        ("edge", "BIND", EVERYWHERE),
        ("edge", "PORT", "8080"),
    ],
)
def test_the_operator_decides_what_the_release_leaves_open(
    name: str, variable: str, value: str
) -> None:
    assert judge(**{name: with_variable(name, variable, value)}).outcome is Outcome.GENUINE


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("web", "TAARAFO_STATE", "/elsewhere"),
        ("web", "TAARAFO_DOMAIN", "other.example"),
        ("web", "PYTHONPATH", "/run/taarafo/db"),
        ("web", "REGISTRY_HTTP_ADDR", "127.0.0.1:5000"),
        ("worker", "TAARAFO_DOCKER_HOST", "tcp://away"),
        ("edge", "BIND", "127.0.0.1\n}\nrespond hello"),
        ("edge", "PORT", "9000"),
        ("edge", "BASE_HOST", "other.localhost"),
        ("queue", "TAARAFO_STACK", "mine"),
    ],
)
def test_and_nothing_else(name: str, variable: str, value: str) -> None:
    verdict = judge(**{name: with_variable(name, variable, value)})
    assert bad(verdict) == [("environment", Outcome.MODIFIED, name)]
    assert any(variable in finding.detail for finding in verdict.findings)


def test_what_was_not_compared_is_said() -> None:
    said = [f.detail for f in judge().findings if f.check == "environment"]
    assert any("The operator decides the value of REGISTRY_HTTP_ADDR." in each for each in said)
    assert not any("BIND" in each for each in said), "that one is compared"


def test_the_address_decides_what_the_edge_may_be_told() -> None:
    """With a domain: no port in the address, and the domain is the host."""
    parts = {
        "edge": seen(
            "edge",
            environment={
                "LANG": hash_value("C.UTF-8"),
                "BASE_HOST": hash_value("example.org"),
                "PORT": hash_value("8080"),
                "BIND": hash_value(EVERYWHERE),
            },
        ),
        **{
            name: with_variable(name, "TAARAFO_DOMAIN", "example.org") for name in ("web", "worker")
        },
    }
    assert judge(address="example.org", **parts).outcome is Outcome.GENUINE
    assert judge(address="other.example", **parts).outcome is Outcome.MODIFIED


def test_a_start_script_is_known_by_what_it_becomes() -> None:
    started = hash_command(("/bin/sh", "/usr/bin/start-queue"))
    verdict = judge(queue=seen("queue", command_sha256=started))
    assert bad(verdict) == [("service", Outcome.MODIFIED, "queue")]


@pytest.mark.parametrize(
    ("name", "groups", "outcome"),
    [
        ("web", (0,), Outcome.MODIFIED),
        ("worker", (10001, 0), Outcome.MODIFIED),
        ("worker", (10001, 997), Outcome.GENUINE),
        ("agent", (0,), Outcome.GENUINE),
    ],
)
def test_only_root_is_in_the_group_of_root(
    name: str, groups: tuple[int, ...], outcome: Outcome
) -> None:
    """Which group may use Docker's socket is the machine's, so no release says it."""
    assert judge(**{name: seen(name, groups=groups)}).outcome is outcome


# -- the contract, read by the agent and by the verifier -------------------------------------------


def test_a_contract_of_what_the_release_says_of_a_part() -> None:
    contract = read_contract(PARTS["agent"].model_dump(mode="json"))
    assert contract.user == 0
    assert contract.mounts is not None
    assert contract.mounts["/host/proc"] is True
    assert contract.mounts["/run/taarafo/evidence"] is False
    assert read_contract({"image": "app"}).mounts is None


@pytest.mark.parametrize("uid", [1, 999, -1])
def test_a_part_is_root_or_a_user_of_its_own(uid: int) -> None:
    with pytest.raises(ValueError, match="uid"):
        RecipePart(image="x", uid=uid)
