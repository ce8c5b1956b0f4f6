"""Where a community runs on several hosts, each agent speaks and clears up for itself alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.agent.containers import Running, _read
from provisioner.agent.door import PATH, REPORTS, Own, open_door
from provisioner.agent.publication import Publication
from provisioner.agent.signing_key import load_signer
from tests.agent.test_attester import NOW, with_labels
from tests.agent.test_challenge import HOST, PLENTY, QUESTION, StandIn, ask, attester, post, status
from tests.agent.test_challenge import challenges as challenges_of

__all__ = ["attester"]


def container(hosts: str) -> Running:
    found = _read(json.dumps(with_labels(hosts=hosts)).encode())
    assert found
    return found


@pytest.fixture
def both(tmp_path: Path) -> tuple[Publication, Publication]:
    """Two hosts that share the folder that is served."""
    signers = [load_signer(tmp_path / name) for name in ("one", "other")]
    one, other = (Publication(tmp_path / "evidence", signer) for signer in signers)
    return one, other


def files(publication: Publication) -> set[str]:
    folder = publication.folder
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_instance_repeats_which_hosts_there_are(both) -> None:
    both[0].publish([container("h2,h1")], (), NOW)
    instance = json.loads((both[0].folder / HOST / "instance").read_bytes())
    assert instance["hosts"] == ["h1", "h2"]


def test_each_host_has_a_file_of_its_own(both) -> None:
    for publication in both:
        publication.publish([container("h1,h2")], (), NOW)
    read = {publication.read(HOST) for publication in both}
    assert len(read) == 2
    assert (both[0].folder / HOST / "evidence.dsse").read_bytes() == both[1].read(HOST)
    assert both[0].read("nobody.localhost") is None


@pytest.mark.parametrize("first", [0, 1])
def test_a_host_takes_away_what_it_wrote_and_no_more(both, first: int) -> None:
    for publication in both:
        publication.publish([container("h1,h2")], (), NOW)
    leaving, staying = both[first], both[1 - first]
    leaving.withdraw_all_but(set())
    assert leaving.read(HOST) is None
    assert staying.read(HOST)
    assert (f"{HOST}/evidence.dsse" in files(staying)) is (first == 0)  # who wrote it last
    staying.withdraw_all_but({HOST})
    assert staying.read(HOST)
    staying.withdraw_all_but(set())
    assert list(staying.folder.iterdir()) == []


def test_what_an_older_agent_left_is_taken_away(both) -> None:
    folder = both[0].folder / HOST
    folder.mkdir(parents=True)
    (folder / "evidence.dsse").write_bytes(b"")
    both[0].withdraw_all_but(set())
    assert not folder.exists()


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (post(QUESTION, path=f"{PATH}/h1"), 200),
        (post(QUESTION, path=f"{PATH}/h2"), 404),
        (post(QUESTION, path=f"{PATH}/h1", method="GET"), 405),
        (post(b"", path=f"{REPORTS}/h1.dsse", method="GET"), 200),
        (post(b"", path=f"{REPORTS}/h2.dsse", method="GET"), 404),
        (post(b"", path=f"{REPORTS}/h1", method="GET"), 404),
        (post(b"", path=f"{REPORTS}/h1.dsse"), 405),
        (post(b"", path=f"{REPORTS}/h1.dsse", method="GET", host="nobody.localhost"), 404),
    ],
)
def test_the_door_answers_for_this_host_alone(
    tmp_path: Path, attester: StandIn, raw: bytes, wanted: int
) -> None:
    challenges = challenges_of(attester, PLENTY)
    for _ in range(2):  # it is opened again after a restart
        with open_door(tmp_path / "http.sock", challenges.answer, Own("h1", challenges.tell)):
            assert status(ask(tmp_path / "http.sock", raw)) == wanted
            assert status(ask(tmp_path / "h1" / "http.sock", raw)) == wanted


def test_what_was_measured_last_is_told(tmp_path: Path, attester: StandIn) -> None:
    tell = challenges_of(attester).tell
    with open_door(tmp_path / "http.sock", challenges_of(attester).answer, Own("h1", tell)):
        raw = post(b"", path=f"{REPORTS}/h1.dsse", method="GET")
        assert ask(tmp_path / "http.sock", raw).endswith(b"\r\n\r\ntold before")
    assert attester.asked == []
