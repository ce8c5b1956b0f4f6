"""Judge the facts of a machine: what is well, what is not, and what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.models.machine import (
    ClockFacts,
    DockerFacts,
    FolderFacts,
    MachineFacts,
    PortFacts,
)

OLDEST_PYTHON = (3, 11)
OLDEST_API = (1, 41)
OLDEST_SYSTEM = {"debian": (12,), "ubuntu": (24, 4)}
ARCHITECTURES = ("x86_64", "aarch64")
SMALLEST_MEMORY_MB = 900
NEARLY_FULL = 80  # percent of a disk
CLOCK_TOLERANCE = 300.0  # seconds
TIME_ZONE_STEP = 900.0  # seconds: a hardware clock may show local time
TIME_ZONE_SLACK = 30.0


@dataclass(frozen=True)
class Diagnosis:
    """One finding about a machine. `advice` is what to do; empty when there is nothing to do."""

    ok: bool
    title: str
    sentence: str
    advice: str = ""


def diagnose(facts: MachineFacts) -> list[Diagnosis]:
    """Every check, in the order in which a person would put things right."""
    return [
        judge_system(facts),
        judge_python(facts.python),
        judge_root(facts.is_root),
        judge_memory(facts.memory_mb),
        judge_folder("State folder", facts.state, facts.needed_mb),
        judge_folder("Cache folder", facts.cache, facts.needed_mb),
        *judge_docker(facts),
        judge_ability("Layered files", "stack layers of files", facts.can_stack, "overlay"),
        judge_ability("Private networks", "make private networks", facts.can_tunnel, "vxlan"),
        *(judge_port(port) for port in facts.ports),
        judge_clock(facts.clock),
        judge_local_names(finds=facts.finds_local_names),
    ]


# -- the machine --------------------------------------------------------------------------------


def judge_system(facts: MachineFacts) -> Diagnosis:
    title, name = "System", f"{facts.system.capitalize()} {facts.system_version}".strip()
    oldest = OLDEST_SYSTEM.get(facts.system)
    if facts.architecture not in ARCHITECTURES:
        return Diagnosis(
            False,
            title,
            f"This machine's processor type is {facts.architecture}.",
            "Use a machine with a 64-bit Intel, AMD or ARM processor.",
        )
    if oldest is None or read_version(facts.system_version) < oldest:
        return Diagnosis(
            False,
            title,
            f"This is {name}, which we have not tried.",
            "Use Debian 12 or newer, or Ubuntu 24.04 or newer.",
        )
    return Diagnosis(True, title, f"This is {name} on {facts.architecture}.")


def judge_python(version: tuple[int, int]) -> Diagnosis:
    said = f"Python {version[0]}.{version[1]}"
    if version < OLDEST_PYTHON:
        return Diagnosis(
            False, "Python", f"{said} is too old.", "Install Python 3.11 or newer, then try again."
        )
    return Diagnosis(True, "Python", f"{said} is new enough.")


def judge_root(is_root: bool) -> Diagnosis:
    if not is_root:
        return Diagnosis(
            False,
            "Rights",
            "We are not running as root, so some things cannot be seen or done.",
            "Run the command again with `sudo`.",
        )
    return Diagnosis(True, "Rights", "We run as root.")


def judge_memory(memory_mb: int) -> Diagnosis:
    said = f"This machine has {memory_mb} MB of memory"
    if memory_mb < SMALLEST_MEMORY_MB:
        return Diagnosis(
            False, "Memory", f"{said}, which is too little.", "Use a machine with 1 GB or more."
        )
    return Diagnosis(True, "Memory", f"{said}.")


def judge_folder(title: str, folder: FolderFacts, needed_mb: int) -> Diagnosis:
    if not folder.can_write:
        return Diagnosis(
            False,
            title,
            f"We may not write to {folder.path}.",
            "Run as root, or see whether the disk is mounted read-only.",
        )
    if folder.free_mb < needed_mb:
        return Diagnosis(
            False,
            title,
            f"There are {folder.free_mb} MB free at {folder.path}, and {needed_mb} MB are needed.",
            "Make room on this disk. Nothing new is started until then.",
        )
    said = f"There are {folder.free_mb} MB free at {folder.path}."
    used = 100 - folder.free_mb * 100 // folder.total_mb if folder.total_mb else 0
    if used >= NEARLY_FULL:
        return Diagnosis(
            True,
            title,
            f"{said} The disk is {used} % full.",
            "Make room on it soon, or move to a larger one.",
        )
    return Diagnosis(True, title, said)


# -- Docker -------------------------------------------------------------------------------------


def judge_docker(facts: MachineFacts) -> Iterator[Diagnosis]:
    if facts.docker is not None:
        yield judge_engine(facts.docker)
        yield judge_swarm(facts.docker)
    elif facts.has_docker:
        yield Diagnosis(
            False,
            "Docker",
            f"Docker is installed, but it does not answer at {facts.docker_address}.",
            "Run `./taarafo up`: it starts Docker. If that fails, look at Docker's log.",
        )
    else:
        yield Diagnosis(
            False,
            "Docker",
            "Docker is not installed yet.",
            "Run `./taarafo up`: it installs Docker.",
        )


def judge_engine(docker: DockerFacts) -> Diagnosis:
    said = f"Docker {docker.version} (API {docker.api})"
    if read_version(docker.api) < OLDEST_API:
        return Diagnosis(
            False, "Docker", f"{said} is too old.", "Install Docker 20.10 or newer, then try again."
        )
    return Diagnosis(True, "Docker", f"{said} is running.")


def judge_swarm(docker: DockerFacts) -> Diagnosis:
    if docker.live_restore:
        return Diagnosis(
            False,
            "Swarm",
            "Docker's setting “live-restore” is on, and Swarm cannot work with it.",
            "Take it out of /etc/docker/daemon.json and restart Docker.",
        )
    if docker.swarm == "active" and not docker.is_manager:
        return Diagnosis(
            False,
            "Swarm",
            "This machine is a worker of somebody's Swarm.",
            "Run Taarafo on a manager of it, or leave it with `docker swarm leave`.",
        )
    if docker.swarm in ("error", "locked", "pending"):
        return Diagnosis(
            False,
            "Swarm",
            f"Docker's Swarm is in the state “{docker.swarm}”.",
            "Look at `docker info` and `docker swarm unlock`, then try again.",
        )
    if docker.swarm == "active":
        return Diagnosis(True, "Swarm", "This machine manages a Swarm.")
    return Diagnosis(True, "Swarm", "There is no Swarm yet; `./taarafo up` makes one.")


def judge_ability(title: str, ability: str, works: bool | None, module: str) -> Diagnosis:
    if works is None:
        return Diagnosis(True, title, f"We could not try whether this machine can {ability}.")
    if not works:
        return Diagnosis(
            False,
            title,
            f"This machine's kernel cannot {ability}.",
            f"Load the kernel module `{module}`, or use a machine whose kernel has it.",
        )
    return Diagnosis(True, title, f"This machine can {ability}; we tried.")


# -- around it ----------------------------------------------------------------------------------


def judge_port(facts: PortFacts) -> Diagnosis:
    title = f"Port {facts.port}"
    if facts.is_ours:
        return Diagnosis(True, title, f"Taarafo itself answers on port {facts.port}.")
    if facts.holder is None:
        return Diagnosis(True, title, f"Port {facts.port} is free.")
    program = facts.holder.program if facts.holder.pid else "it"
    return Diagnosis(
        False,
        title,
        f"Port {facts.port} is already used by {facts.holder}.",
        f"Stop {program}, or choose another port with TAARAFO_PORT.",
    )


def judge_clock(facts: ClockFacts) -> Diagnosis:
    """Only a clock that is certainly or probably wrong is named: one clock proves little."""
    advice = "Set the clock, best with `timedatectl set-ntp true`. Signatures depend on it."
    said = f"The clock says {facts.now:%Y-%m-%d %H:%M} UTC"
    if facts.not_before and (facts.not_before - facts.now).total_seconds() > CLOCK_TOLERANCE:
        sentence = f"{said}, but releases were signed here after that. It is behind."
        return Diagnosis(False, "Clock", sentence, advice)
    offset = facts.hardware_offset
    if offset is not None and abs(offset) > CLOCK_TOLERANCE and not is_time_zone(offset):
        sentence = f"{said}. The clock in the hardware differs by {abs(offset) / 60:.0f} minutes."
        return Diagnosis(False, "Clock", sentence, advice)
    return Diagnosis(True, "Clock", f"{said}, and nothing here speaks against that.")


def is_time_zone(offset: float) -> bool:
    """Whether a difference is that of a time zone: whole quarter hours, at most 14 hours."""
    rest = abs(offset) % TIME_ZONE_STEP
    return abs(offset) <= 14 * 3600 + TIME_ZONE_SLACK and (
        min(rest, TIME_ZONE_STEP - rest) <= TIME_ZONE_SLACK
    )


def judge_local_names(*, finds: bool) -> Diagnosis:
    title = "Local names"
    if finds:
        return Diagnosis(True, title, "Names that end in .localhost lead to this machine.")
    return Diagnosis(
        True,
        title,
        "Browsers and curl find names that end in .localhost by themselves; older programs do not.",
        "If you need them in other programs: `apt-get install libnss-myhostname`.",
    )


def read_version(text: str) -> tuple[int, ...]:
    """`24.04` → (24, 4); what is not a number counts as nothing."""
    return tuple(int(part) if part.isdigit() else 0 for part in text.split("."))
