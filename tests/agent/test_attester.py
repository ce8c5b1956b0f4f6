"""The loop without an engine: a key of its own, a clean folder, and no word about strangers."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.agent.attester import Attester
from provisioner.agent.community import Community, take_in
from provisioner.agent.containers import Containers, _read
from provisioner.agent.host import Host
from provisioner.agent.measure import measure
from provisioner.agent.members import Visitor
from provisioner.agent.memory import Memory
from provisioner.agent.processes import Vanished
from provisioner.agent.publication import Publication
from provisioner.agent.rotate import is_requested, open_signers, request_rotation
from provisioner.agent.signing_key import load_signer
from provisioner.core.appraisal.agents import AgentList, read_agent, write_agent_list
from provisioner.core.appraisal.dsse import list_signers, read_envelope
from provisioner.core.appraisal.report import open_envelope, read_statement
from provisioner.models.evidence import CONTROL_PLANE
from tests.agent.test_containers import ID, config, with_labels, write

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with ThreadPoolExecutor(1) as helpers:
        yield Host(Path("/proc"), tmp_path / "releases", helpers)


def mine(**changes: object) -> dict[str, object]:
    """A container file that names this very process, as one whose number was used again does."""
    return config(State={"Running": True, "Pid": os.getpid(), "StartedAt": ""}, **changes)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    signer = load_signer(tmp_path / "agent")
    assert (tmp_path / "agent/key.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "agent/agent.json").stat().st_mode & 0o777 == 0o644
    assert load_signer(tmp_path / "agent").public == signer.public
    raw = (tmp_path / "agent/agent.json").read_bytes()
    assert read_agent(raw) == signer.public


def test_a_new_key_keeps_the_host_and_is_published(tmp_path: Path) -> None:
    before = load_signer(tmp_path).public
    (tmp_path / "key.pem").unlink()
    after = load_signer(tmp_path).public
    assert after.host_id == before.host_id
    assert after.keyid != before.keyid
    assert json.loads((tmp_path / "agent.json").read_bytes())["keyid"] == after.keyid


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"host_id": 1}'])
def test_a_broken_public_half_is_made_again(tmp_path: Path, broken: bytes) -> None:
    load_signer(tmp_path)
    (tmp_path / "agent.json").write_bytes(broken)
    assert load_signer(tmp_path).public.host_id


def test_what_is_published_is_signed_for_five_minutes(tmp_path: Path) -> None:
    signer = load_signer(tmp_path / "agent")
    container = _read(json.dumps(config()).encode())
    assert container
    Publication(tmp_path / "evidence", signer).publish([container], (), NOW)
    folder = tmp_path / "evidence/smith.localhost"
    key, payload = open_envelope((folder / "evidence.dsse").read_bytes(), [signer.public])
    evidence = read_statement(payload)
    assert key == signer.public
    assert (evidence.issued, evidence.expires) == ("2026-01-02T03:04:05Z", "2026-01-02T03:09:05Z")
    assert json.loads((folder / "instance").read_bytes())["agent"]["keyid"] == key.keyid
    own = f"evidence/{key.host_id}.dsse"
    served = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert served == {"evidence.dsse", "instance", own}
    assert (folder / own).read_bytes() == (folder / "evidence.dsse").read_bytes()
    assert evidence.nonce == ""


def test_an_answer_bears_the_nonce_and_is_written_nowhere(tmp_path: Path) -> None:
    signer = load_signer(tmp_path / "agent")
    container = _read(json.dumps(config()).encode())
    assert container
    sealed = Publication(tmp_path / "evidence", signer).answer([container], (), NOW, "n" * 32)
    key, payload = open_envelope(sealed, [signer.public])
    assert (key, read_statement(payload).nonce) == (signer.public, "n" * 32)
    assert not (tmp_path / "evidence").exists()


def test_hosts_that_must_report_are_those_of_any_container(tmp_path: Path) -> None:
    signer = load_signer(tmp_path / "agent")
    raw = [with_labels(hosts=hosts) for hosts in ("h2, h1", None, "h3,,h1", "")]
    containers = [each for value in raw if (each := _read(json.dumps(value).encode()))]
    assert len(containers) == 4
    sealed = Publication(tmp_path, signer).answer(containers, (), NOW, "")
    evidence = read_statement(open_envelope(sealed, [signer.public])[1])
    assert evidence.hosts == ("h1", "h2", "h3")


@pytest.mark.parametrize(
    ("versions", "told"),
    [(("1.9.0", "1.10.0", "1.9.0"), "1.10.0"), (("1.0.0",), "1.0.0")],
)
def test_parts_are_told_under_the_newest_release_that_any_of_them_bears(
    tmp_path: Path, versions: tuple[str, ...], told: str
) -> None:
    """An upgrade leaves a part running in which nothing but that name would change."""
    signer, target = load_signer(tmp_path / "agent"), "app/control/stable/{}/release.json".format
    raw = [with_labels(release=target(version)) for version in versions]
    containers = [each for value in raw if (each := _read(json.dumps(value).encode()))]
    assert len(containers) == len(versions)
    sealed = Publication(tmp_path, signer).answer(containers, (), NOW, "")
    evidence = read_statement(open_envelope(sealed, [signer.public])[1])
    assert evidence.release == target(told)


def test_a_label_that_names_no_release_is_told_as_it_is(tmp_path: Path) -> None:
    signer = load_signer(tmp_path / "agent")
    raw = [with_labels(release=release) for release in ("nonsense", "app/a/b/1.0.0/release.json")]
    containers = [each for value in raw if (each := _read(json.dumps(value).encode()))]
    sealed = Publication(tmp_path, signer).answer(containers, (), NOW, "")
    assert read_statement(open_envelope(sealed, [signer.public])[1]).release == "nonsense"


def test_a_number_that_is_used_again_is_not_measured(host: Host) -> None:
    container = _read(json.dumps(mine()).encode())
    assert container
    with pytest.raises(Vanished):
        measure(host, container, Memory(), NOW)


def attest(folder: Path, host: Host, publication: Publication) -> Attester:
    containers = Containers(folder / "containers")
    return Attester(containers, host, publication, folder / "agent", threading.Event())


def run_until(attester: Attester, is_so: Callable[[], bool]) -> None:
    thread = threading.Thread(target=attester.run)
    thread.start()
    try:
        for _ in range(100):
            if is_so():
                return
            threading.Event().wait(0.05)
        pytest.fail("it did not happen")
    finally:
        attester.stop.set()
        thread.join(5)
        assert not thread.is_alive()


def test_evidence_of_what_does_not_run_is_taken_away(tmp_path: Path, host: Host) -> None:
    (tmp_path / "containers").mkdir()
    old = tmp_path / "evidence/old.localhost"
    for name in (
        "old.localhost/evidence.dsse",
        "old.localhost/instance",
        "old.localhost/.evidence.dsse.x1.new",
        "localhost/agents.json",
    ):
        (tmp_path / "evidence" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "evidence" / name).touch()
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    attester = attest(tmp_path, host, publication)
    run_until(attester, lambda: not old.exists())
    assert (tmp_path / "evidence/localhost/agents.json").exists()


def test_nothing_is_said_about_a_container_that_is_not_there(tmp_path: Path, host: Host) -> None:
    (tmp_path / "containers").mkdir()
    write(tmp_path / "containers", mine())
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    tries: list[float] = []
    attester = attest(tmp_path, host, publication)
    run_until(attester, lambda: len(tries) > 20 or tries.append(0) is not None)
    assert not list((tmp_path / "evidence").glob("*/evidence.dsse"))


def make_part(label: str, host: str, number: str) -> dict[str, object]:
    labels = {"org.taarafo.community": label, "org.taarafo.host": host}
    return mine(ID=number * 64, Config={"Image": "", "Labels": labels, "Env": None})


def test_communities_are_measured_before_the_control_plane(tmp_path: Path, host: Host) -> None:
    folder = tmp_path / "containers"
    folder.mkdir()
    for number in "ab":
        write(folder, make_part(CONTROL_PLANE, "localhost", number), number * 64)
    write(folder, make_part("c0ffee", "smith.localhost", "c"), "c" * 64)
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    attester = attest(tmp_path, host, publication)
    attester.look()
    ours, smiths = (attester._communities[name] for name in ("localhost", "smith.localhost"))
    assert (ours.is_control_plane, smiths.is_control_plane) == (True, False)
    assert attester._find_due() is smiths, "and the parts may start first"
    ours.due, smiths.due = 1.0, 2.0
    assert attester._find_due() is smiths, "also when it waits for less long"
    smiths.due = time.monotonic() + 60
    assert attester._find_due() is ours


def test_a_part_that_keeps_starting_anew_does_not_put_it_off_for_ever(
    tmp_path: Path, host: Host
) -> None:
    folder = tmp_path / "containers"
    folder.mkdir()
    write(folder, make_part(CONTROL_PLANE, "localhost", "a"), "a" * 64)
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    attester = attest(tmp_path, host, publication)
    attester.look()
    first = attester._communities["localhost"].due
    write(folder, make_part(CONTROL_PLANE, "localhost", "b"), "b" * 64)
    attester.look()
    again = attester._communities["localhost"]
    assert (again.due, len(again.containers)) == (first, 2)


def test_a_community_that_starts_meanwhile_does_not_wait_for_all_parts(
    tmp_path: Path, host: Host
) -> None:
    """None of them is there to be measured: it is tried, which sets when it is tried again."""
    folder = tmp_path / "containers"
    folder.mkdir()
    write(folder, make_part(CONTROL_PLANE, "localhost", "a"), "a" * 64)
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    attester = attest(tmp_path, host, publication)
    attester.look()
    write(folder, make_part("c0ffee", "smith.localhost", "c"), "c" * 64)
    begun = time.monotonic()
    with pytest.raises(Vanished):
        attester._communities["localhost"].measure(host, NOW, give_way=attester._give_way)
    assert attester._communities["smith.localhost"].due > begun


def test_glances_at_the_control_plane_do_not_keep_communities_waiting(
    tmp_path: Path, host: Host
) -> None:
    folder = tmp_path / "containers"
    folder.mkdir()
    write(folder, make_part(CONTROL_PLANE, "localhost", "a"), "a" * 64)
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    attester = attest(tmp_path, host, publication)
    attester.look()
    ours = attester._communities["localhost"]
    assert attester._find_unseen() is ours
    attester._glance(ours)
    write(folder, make_part("c0ffee", "smith.localhost", "c"), "c" * 64)
    attester.look()
    attester._next_glance = 0.0
    assert ours.next_glance > time.monotonic()
    assert attester._find_unseen() is attester._communities["smith.localhost"]


def test_what_is_not_there_cannot_be_asked(tmp_path: Path, host: Host) -> None:
    (tmp_path / "containers").mkdir()
    write(tmp_path / "containers", mine())
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    attester = attest(tmp_path, host, publication)
    assert not attester.knows("smith.localhost")
    attester.look()
    assert attester.knows("smith.localhost")
    for name in ("smith.localhost", "nobody.localhost"):
        with pytest.raises(Vanished):
            attester.answer(name, "n" * 32, is_full=False)
    shutil.rmtree(tmp_path / "containers" / ID)
    attester.look()
    assert not attester.knows("smith.localhost")


def test_a_running_attester_takes_a_new_key_when_it_is_asked(tmp_path: Path, host: Host) -> None:
    (tmp_path / "containers").mkdir()
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    container = _read(json.dumps(config()).encode())
    assert container
    publication.publish([container], (), NOW)
    served = tmp_path / "evidence/smith.localhost/evidence.dsse"
    attester, keys = attest(tmp_path, host, publication), tmp_path / "agent"
    attester._communities = {"smith.localhost": Community(())}  # it is not withdrawn
    request_rotation(keys)
    attester._rotate()
    signers = open_signers(keys)
    assert signers.waiting
    assert not is_requested(keys)
    both = [signers.current.public, signers.waiting.public]
    assert list(list_signers(read_envelope(served.read_bytes()), both)) == both
    answer = attester.publication.answer([container], (), NOW, "n" * 32)
    assert list(list_signers(read_envelope(answer), both)) == both
    attester._rotate()
    assert attester.publication.signer.public == both[0]
    listed = tmp_path / "evidence" / "localhost" / "agents.json"
    listed.parent.mkdir()
    listed.write_bytes(write_agent_list(AgentList((both[1],))))
    attester._rotate()
    assert (attester.publication.signer.public, attester.publication.waiting) == (both[1], None)
    assert attester.publication.folder == publication.folder
    attester.publication.publish([container], (), NOW)
    assert list(list_signers(read_envelope(served.read_bytes()), both)) == [both[1]]


def test_a_key_that_cannot_be_made_does_not_stop_the_attester(
    tmp_path: Path, host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "containers").mkdir()
    publication = Publication(tmp_path / "evidence", load_signer(tmp_path / "agent"))
    attester = attest(tmp_path, host, publication)
    (tmp_path / "agent" / "next.pem").mkdir()
    request_rotation(tmp_path / "agent")
    tries: list[float] = []
    run_until(attester, lambda: len(tries) > 20 or tries.append(0) is not None)
    assert attester.publication.signer == publication.signer
    assert capfd.readouterr().err.count("Traceback") == 1


def test_who_came_in_is_not_forgotten_when_another_container_starts(
    tmp_path: Path, host: Host
) -> None:
    first, second = (_read(json.dumps(config(ID=c * 64)).encode()) for c in "ab")
    assert first
    assert second
    before = take_in(host, (first,), None)
    before.watched[0].memory.meet({Visitor(1, 2)})
    before.watched[0].memory.programs[b"x"] = "y"
    after = take_in(host, (first, second), before)
    assert [each.memory.visitors for each in after.watched] == [{Visitor(1, 2)}, set()]
    assert [each.memory.programs for each in after.watched] == [{}, {}]
    again = take_in(host, (replace(first, started="later"), second), after)
    assert [each.memory.visitors for each in again.watched] == [set(), set()]


def test_the_logs_proof_of_the_release_is_passed_on(tmp_path: Path) -> None:
    signer = load_signer(tmp_path / "agent")
    proofs = tmp_path / "releases" / "log" / "proof"
    proofs.mkdir(parents=True)
    (proofs / "app-little-stable.tlog-proof").write_bytes(b"proof")
    (tmp_path / "releases" / "secret.tlog-proof").write_bytes(b"none of it")
    publication = Publication(tmp_path / "evidence", signer, tmp_path / "releases")
    for target, passed in (
        ("app/little/stable/1.0.0/release.json", True),
        ("app/../../secret/1.0.0/release.json", False),
        ("", False),
    ):
        found = _read(json.dumps(config()).encode())
        assert found
        container = replace(found, labels=found.labels | {"org.taarafo.release": target})
        publication.publish([container], (), NOW)
        served = tmp_path / "evidence" / container.host / "release.tlog-proof"
        assert served.exists() is passed
        publication.withdraw_all_but(set())
