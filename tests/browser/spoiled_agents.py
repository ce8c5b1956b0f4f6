"""What can be wrong with the list of agents once one of them has taken a new key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey
from provisioner.core.appraisal.dsse import append_signature, seal
from provisioner.core.appraisal.rotation import ROTATION_TYPE
from tests.browser.saved_checks import HONEST, Place, Spoiled, sealed
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of
from tests.core.test_rotation import NEW, NEWER, rotate, state

GOOD, REJECTED, NOTHING, UNLOGGED = "GENUINE", "REJECTED", "UNVERIFIABLE", "UNLOGGED"
FIRST, SECOND, THIRD = public_of(KEY), public_of(NEW), public_of(NEWER)
ONE, TWO = rotate(KEY, NEW).decode(), rotate(NEW, NEWER).decode()
BOTH = append_signature(sealed(HONEST.statement()).encode(), NEW).decode()


def list_spoiled_agents(place: Place, folder: Path) -> Iterator[Spoiled]:
    """`place` has the first key in its log; there are two later logs, with one key more each."""
    later = place.twin(folder / "later")
    later.enrol(SECOND)
    latest = later.twin(folder / "latest")
    latest.enrol(THIRD)
    for where, listed in (
        (place, _list_before()),
        (later, _list_later()),
        (latest, _list_latest()),
    ):
        published = where.copy()
        for name, outcome, changes in listed:
            yield where.spoiled(f"rotated: {name}", outcome, published=published, **changes)


def told(
    agent: AgentKey, *rotations: Any, by: Ed25519PrivateKey = NEW, first: Any = None
) -> dict[str, str]:
    """The list, and a report that `by` signed."""
    enrolled = [asdict(FIRST)] if first is None else first
    value = {"agents": [asdict(agent)], "enrolled": enrolled, "rotations": rotations}
    return {"agents": json.dumps(value), "envelope": sealed(HONEST.statement(), by)}


def _list_before() -> Iterator[tuple[str, str, dict[str, str]]]:
    """The statement is published, and the log does not know of the new key yet."""
    yield "both sign, the old one counts", GOOD, {**told(FIRST, ONE), "envelope": BOTH}
    yield "both sign, the new one is listed", GOOD, {**told(SECOND, ONE), "envelope": BOTH}
    yield "the old one alone", GOOD, told(FIRST, ONE, by=KEY)
    yield "the new one alone", REJECTED, told(FIRST, ONE)
    yield "the new one alone and listed", REJECTED, told(SECOND, ONE)
    yield "the new one without a statement", REJECTED, told(SECOND)
    yield "the new one as if it were the first", UNLOGGED, told(SECOND, first=[])


def _list_later() -> Iterator[tuple[str, str, dict[str, str]]]:
    yield "as it should be", GOOD, told(SECOND, ONE)
    yield "the list is behind", GOOD, told(FIRST, ONE)
    yield "both sign", GOOD, {**told(FIRST, ONE), "envelope": BOTH}
    yield "one more is stated", GOOD, told(SECOND, ONE, TWO)
    yield "something strange is stated after it", GOOD, told(SECOND, ONE, "{")
    yield "the old one signs", REJECTED, told(SECOND, ONE, by=KEY)
    yield "the old one signs and is listed", REJECTED, told(FIRST, ONE, by=KEY)
    yield "a stranger signs", REJECTED, told(SECOND, ONE, by=OTHER)
    yield "no statement", REJECTED, told(SECOND)
    yield "no first key", REJECTED, told(SECOND, ONE, first=[])
    yield "another first key", REJECTED, told(SECOND, ONE, first=[asdict(public_of(OTHER))])
    yield "a first key of another host", REJECTED, told(SECOND, ONE, first=[asdict(replace(FIRST, host_id="h2"))])  # fmt: skip # noqa: E501
    yield "a first key that is not its id", NOTHING, told(SECOND, ONE, first=[asdict(replace(FIRST, keyid="00"))])  # fmt: skip # noqa: E501
    yield "a statement as number", NOTHING, told(SECOND, 1)
    yield "too many statements", NOTHING, told(SECOND, *[ONE] * 1001)
    for name, statement in _list_statements():
        yield f"statement: {name}", REJECTED, told(SECOND, statement)


def _list_latest() -> Iterator[tuple[str, str, dict[str, str]]]:
    yield "two followed", GOOD, told(THIRD, ONE, TWO, by=NEWER)
    yield "two of which one is missing", REJECTED, told(THIRD, TWO, by=NEWER)
    yield "two in the wrong order", REJECTED, told(THIRD, TWO, ONE, by=NEWER)
    leap = rotate(KEY, NEWER).decode()
    yield "one that was left out", REJECTED, told(THIRD, leap, by=NEWER)
    yield "the one in between signs", REJECTED, told(THIRD, ONE, TWO, by=NEW)


def _list_statements() -> Iterator[tuple[str, str]]:
    right = state(KEY, NEW)

    def sign(kind: str = ROTATION_TYPE, **changes: Any) -> str:
        return seal(kind, json.dumps({**asdict(right), **changes}).encode(), KEY).decode()

    yield "none", ""
    yield "half a letter", "\ud800"
    yield "half a letter in it", sign()[:-1] + ',"x":"\ud800"}'
    yield "by a stranger", right.seal(OTHER).decode()
    yield "by the new key", right.seal(NEW).decode()
    yield "signed as a report", sign("application/vnd.in-toto+json")
    yield "of another host", sign(host_id="h2")
    yield "of another key", sign(old_keyid=right.new_keyid)
    yield "to a key that is not its id", sign(new_keyid=right.old_keyid)
    yield "to no key", sign(new_public="eA==")
    yield "to a key with one padding more", sign(new_public=right.new_public + "=")
    yield "at no time", sign(made_at="yesterday")
    yield "at a number", sign(made_at=1)
    yield "to itself", rotate(KEY, KEY).decode()
    yield "to another", rotate(KEY, NEWER).decode()
