"""Policies (tlog-policy): which logs and witnesses are known, and how many of them are enough."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from provisioner.core.tlog.atoms import check_text, read_decimal
from provisioner.core.tlog.cosignature import read_cosignature
from provisioner.core.tlog.note import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    NoteKey,
    read_vkey,
    write_vkey,
)

NONE = "none"
MAX_CHARACTERS = 256 * 1024
_SPACES = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class KnownLog:
    key: NoteKey
    url: str = ""


@dataclass(frozen=True)
class KnownWitness:
    """`name` is the policy's own; the witness's signatures bear the name of its key."""

    name: str
    key: NoteKey
    url: str = ""


@dataclass(frozen=True)
class WitnessGroup:
    """Has witnessed when `threshold` of its members have: witnesses, or groups before it."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """`quorum` names a witness or a group, or is `none`. Raises ValueError for any other."""

    logs: tuple[KnownLog, ...]
    witnesses: tuple[KnownWitness, ...]
    groups: tuple[WitnessGroup, ...]
    quorum: str

    def __post_init__(self) -> None:
        _check_keys(self.logs, self.witnesses)
        _check_unique(
            "name", [NONE, *(w.name for w in self.witnesses), *(g.name for g in self.groups)]
        )
        _check_unique("member", [name for group in self.groups for name in group.members])
        defined = {witness.name for witness in self.witnesses}
        for group in self.groups:
            _check_group(group, defined)
            defined.add(group.name)
        _check_quorum(self.quorum, defined)


def read_policy(text: str) -> Policy:
    """A policy file, which is UTF-8 here (tlog-policy, “Policy file syntax”). Raises ValueError."""
    logs: list[KnownLog] = []
    witnesses: list[KnownWitness] = []
    groups: list[WitnessGroup] = []
    quorums: list[str] = []
    defined: set[str] = set()
    for line in _list_lines(text):
        match line:
            case ["log", vkey, *url] if len(url) <= 1:
                logs.append(KnownLog(read_vkey(vkey), *url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                witnesses.append(KnownWitness(name, read_vkey(vkey), *url))
                defined.add(name)
            case ["group", name, threshold, *members]:
                group = WitnessGroup(name, _read_threshold(threshold, members), tuple(members))
                _check_group(group, defined)
                groups.append(group)
                defined.add(name)
            case ["quorum", name] if not quorums:
                _check_quorum(name, defined)
                quorums.append(name)
            case _:
                raise ValueError("not a line of a policy")
    if not quorums:
        raise ValueError("the policy has no quorum")
    return Policy(tuple(logs), tuple(witnesses), tuple(groups), quorums[0])


def write_policy(policy: Policy) -> str:
    """One line each: logs, witnesses, groups, quorum. ValueError if it could not be read again."""
    lines = [_join("log", write_vkey(log.key), log.url) for log in policy.logs]
    for witness in policy.witnesses:
        lines.append(_join("witness", witness.name, write_vkey(witness.key), witness.url))
    for group in policy.groups:
        lines.append(_join("group", group.name, str(group.threshold), *group.members))
    text = "".join(f"{line}\n" for line in [*lines, _join("quorum", policy.quorum)])
    if read_policy(text) != policy:
        raise ValueError("not a policy")
    return text


def is_satisfied(policy: Policy, witnesses: set[str]) -> bool:
    """Whether these witnesses, by the policy's names, are a quorum. Other names count nothing."""
    reached = {witness.name for witness in policy.witnesses} & witnesses
    for group in policy.groups:
        if len(reached.intersection(group.members)) >= group.threshold:
            reached.add(group.name)
    return policy.quorum == NONE or policy.quorum in reached


def count_witnesses(note: Note, policy: Policy) -> dict[str, int]:
    """name → POSIX timestamp of each of the policy's witnesses that cosigned the checkpoint.

    Raises ValueError when a known witness's signature is not valid.
    """
    times = {each.name: read_cosignature(note, each.key) for each in policy.witnesses}
    return {name: time for name, time in times.items() if time is not None}


def _list_lines(text: str) -> Iterator[list[str]]:
    """The words of each line that is not empty and no comment."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError("the policy is too long")
    check_text(text.replace("\t", " "))
    if "\x7f" in text:
        raise ValueError("it has control characters")
    for line in text[:-1].split("\n"):
        words = _SPACES.split(line.strip(" \t"))
        if words != [""] and not words[0].startswith("#"):
            yield words


def _read_threshold(text: str, members: list[str]) -> int:
    if text == "all":
        return len(members)
    return 1 if text == "any" else read_decimal(text)


def _check_keys(logs: Iterable[KnownLog], witnesses: Iterable[KnownWitness]) -> None:
    """A log that is its own witness would count twice, so no two names have one key value."""
    log_keys, witness_keys = [each.key for each in logs], [each.key for each in witnesses]
    if any(key.algorithm != ED25519 for key in log_keys):
        raise ValueError("not a key of a log")
    if any(key.algorithm != COSIGNATURE_V1 for key in witness_keys):
        raise ValueError("not a key of a witness")
    _check_unique("key", [key.public for key in (*log_keys, *witness_keys)])


def _check_group(group: WitnessGroup, defined: set[str]) -> None:
    if not defined.issuperset(group.members):
        raise ValueError("a member that is not defined before its group")
    if not 1 <= group.threshold <= len(group.members):
        raise ValueError("a threshold that cannot be")


def _check_quorum(name: str, defined: set[str]) -> None:
    if name != NONE and name not in defined:
        raise ValueError("a quorum that is not defined before it is used")


def _check_unique(what: str, values: Collection[object]) -> None:
    if len(set(values)) != len(values):
        raise ValueError(f"one {what} twice")


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)
