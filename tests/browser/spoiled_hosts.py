"""What can be wrong where a community runs on several hosts, one thing at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.core.appraisal.agents import AgentKey
from provisioner.models.evidence import Evidence
from provisioner.models.saved_check import SavedReport
from tests.browser.saved_checks import HONEST, Place, Spoiled, agents_of, moment, sealed
from tests.core.test_appraisal import SEEN, file, make_tree
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of

GOOD, MODIFIED, NOTHING, REJECTED = "GENUINE", "MODIFIED", "UNVERIFIABLE", "REJECTED"
HOSTS = ("h1", "h2")
THIRD, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (11, 12))
AGENTS = (public_of(KEY), public_of(OTHER, "h2"), public_of(THIRD, "h3"))
TAMPERED = (replace(SEEN, tree=make_tree((file("/app/main.py", "dd"),))),)
NONCE = "q" * 43
Other = tuple[str, str, Evidence, tuple[SavedReport, ...], str]


def list_spoiled_hosts(place: Place, folder: Path) -> Iterator[Spoiled]:
    enrolled = place.twin(folder / "hosts")
    enrolled.enrol(*AGENTS)
    published = enrolled.copy()
    for name, outcome, first, others, nonce in (*_list_whole(), *_list_seen(), *_list_asked()):
        yield enrolled.spoiled(
            f"hosts: {name}", outcome, first, published=published, others=others, nonce=nonce,
            agents=agents_of(*AGENTS),
        )  # fmt: skip
    yield enrolled.spoiled(
        "hosts: a key that the log does not hold", "UNLOGGED", of("h1"), published=published,
        others=(told(of(), STRANGER),), agents=agents_of(AGENTS[0], public_of(STRANGER, "h2")),
    )  # fmt: skip
    for name, outcome, agents in _list_agents():
        yield enrolled.spoiled(
            f"hosts, agents: {name}", outcome, of("h1"), published=published,
            others=(told(of("h2")),), agents=agents_of(*agents),
        )  # fmt: skip


def of(host: str = "h2", *hosts: str, **changes: object) -> Evidence:
    return replace(HONEST, host=host, hosts=hosts or HOSTS, **changes)


def told(
    evidence: Evidence, key: Ed25519PrivateKey = OTHER, host: str = "h2", nonce: str = ""
) -> SavedReport:
    return SavedReport(host, sealed(evidence.statement(), key), nonce)


def _list_whole() -> Iterator[Other]:
    """Which hosts report."""
    for name, outcome, first, others in (
        ("both", GOOD, of("h1"), (told(of()),)),
        ("one left out", NOTHING, of("h1"), ()),
        ("one that the other names", NOTHING, of("h1", "h1"), (told(of("h2", "h2", "h3")),)),
        ("nobody is named", NOTHING, replace(HONEST, hosts=()), (told(replace(of(), hosts=())),)),
        ("nobody is named, and one reports", GOOD, replace(HONEST, hosts=()), ()),
        ("one is not named", NOTHING, of("h1", "h1"), (told(of("h2", "h1")),)),
        ("one names the other", GOOD, of("h1", "h2", "h1"), (told(replace(of(), hosts=())),)),
        ("each names itself", GOOD, of("h1", "h1"), (told(of("h2", "h2")),)),
        ("the first once more", REJECTED, of("h1"), (told(of("h1"), KEY),)),
        ("the first in another's name", REJECTED, of("h1"), (told(of("h2"), KEY),)),
        ("the other in the first's name", REJECTED, of("h1"), (told(of("h1")),)),
        ("the first as the other", REJECTED, of("h2"), (told(of()),)),
        ("a third that is not asked", GOOD, of("h1"), (told(of()), told(of("h9"), THIRD, "h9"))),
        ("saved twice", GOOD, of("h1"), (told(of("h2"), STRANGER), told(of()))),
        ("saved twice, the good one first", REJECTED, of("h1"), (told(of()), told(of(), STRANGER))),
        ("a third that is not named", NOTHING, of("h1"), (told(of()), told(of("h3"), THIRD, "h3"))),
        ("named in no name's form", NOTHING, of("h1", "h1", "../h2", "\u202e"), ()),
        ("a newline after it", NOTHING, of("h1", "h1", "h3\n"), (told(of("h3\n"), THIRD, "h3\n"),)),
        ("very many", NOTHING, of("h1", *(f"z{n}" for n in range(99))), (told(of()),)),
        ("not enrolled", REJECTED, of("h1"), (told(of(), STRANGER),)),
        ("no report at all", REJECTED, of("h1"), (SavedReport("h2", ""),)),
        ("another community's", "RELAY", of("h1"), (told(of(origin="other.localhost:8080")),)),
        ("another community's id", "RELAY", of("h1"), (told(of(community="other")),)),
        ("another release", NOTHING, of("h1"), (told(of(release="app/x/stable/1.0.0/x")),)),
    ):  # fmt: skip
        yield name, outcome, first, others, ""


def _list_seen() -> Iterator[Other]:
    """What runs on the other host."""
    early = of(issued=moment(-3), expires=moment(2))
    old = of(issued=moment(-9), expires=moment(-5))
    for name, outcome, first, other in (
        ("the first is changed", MODIFIED, of("h1", containers=TAMPERED), of()),
        ("the other is changed", MODIFIED, of("h1"), of(containers=TAMPERED)),
        ("both are changed", MODIFIED, of("h1", containers=TAMPERED), of(containers=TAMPERED)),
        ("twice on one host", GOOD, of("h1"), of(containers=(SEEN, SEEN))),
        ("twice on one host, one changed", MODIFIED, of("h1"), of(containers=(SEEN, *TAMPERED))),
        ("nothing runs there", NOTHING, of("h1"), of(containers=())),
        ("nothing runs here", NOTHING, of("h1", containers=()), of()),
        ("a service too many", MODIFIED, of("h1"), of(containers=(replace(SEEN, service="x"),))),
        ("measured earlier", GOOD, of("h1"), early),
        ("measured later", GOOD, replace(early, host="h1"), of()),
        ("run out", "STALE", of("h1"), old),
        ("the first has run out", "STALE", replace(old, host="h1"), of()),
        ("at no time", REJECTED, of("h1"), of(issued="now")),
        ("from the future", "CLOCK-SKEW", of("h1"), of(issued=moment(6), expires=moment(7))),
    ):
        yield name, outcome, first, (told(other),), ""


def _list_asked() -> Iterator[Other]:
    """Each host has to answer what it was asked."""
    first = of("h1", nonce=NONCE)
    for name, outcome, answered, asked in (
        ("the same answered", GOOD, NONCE, NONCE),
        ("another asked and answered", GOOD, "r" * 43, "r" * 43),
        ("nothing asked", GOOD, "", ""),
        ("not answered", "REPLAY", "", NONCE),
        ("another answered", "REPLAY", "r" * 43, NONCE),
    ):
        yield name, outcome, first, (told(of(nonce=answered), nonce=asked),), NONCE


def _list_agents() -> Iterator[tuple[str, str, tuple[AgentKey, ...]]]:
    yield "only the first", REJECTED, AGENTS[:1]
    yield "only the other", REJECTED, AGENTS[1:]
    yield "none", NOTHING, ()
    yield "another name of the other", REJECTED, (AGENTS[0], public_of(OTHER, "h4"))
