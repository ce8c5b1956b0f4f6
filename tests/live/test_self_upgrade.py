"""The control plane upgrades itself on a real engine, while people read and write through it."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from provisioner.core.own_upgrade import Phase
from provisioner.engine.context import Context
from provisioner.engine.machine.own_journal import find_journal, find_standing
from provisioner.engine.machine.standby import is_standing_by
from provisioner.engine.machine.status import read_status
from provisioner.engine.machine.up import bring_up
from provisioner.engine.operations import run_operation
from provisioner.engine.operators import make_api_token
from provisioner.models.operation import OperationState
from provisioner.models.verdict import Outcome
from tests.live.breaking import docker, restart_docker
from tests.live.checkout import make_checkout, run_up, run_up_killed, run_up_while
from tests.live.community import ask, erase, get, wait_until
from tests.store_migrations import GOOD, GOOD_BACK, NEXT, write_migration

pytestmark = [pytest.mark.live, pytest.mark.fault]
PAUSE = 0.1  # seconds between two requests
BROKEN = 'raise SystemExit("made never to wake up")\n'


@pytest.fixture(scope="module")
def context(control_plane, state):
    return Context(state)


@pytest.fixture(scope="module")
def family(context):
    community, operation = ask(context, "The Lasting")
    run_operation(context, operation.id)
    wait_until(
        lambda: context.store.get_operation(operation.id).state == OperationState.DONE,
        "they are there",
    )
    return context.store.get_community(community.id)


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    checkout = make_checkout(tmp_path_factory.mktemp("newer"))
    write_migration(checkout / "provisioner" / "migrations", GOOD, GOOD_BACK)
    return checkout


@pytest.fixture(scope="module", autouse=True)
def as_it_was(context, state, engine, family, newer):
    """Other tests find the control plane of this checkout, and no community of ours."""
    yield
    if context.store.find_revision() == NEXT:
        run_up(newer, engine, state, "--back")
    if read_status(context).verdict != Outcome.GENUINE:
        bring_up(state, say=print)
    run_operation(context, erase(context, family).id)


@dataclass
class People:
    """One writes through the control plane's API, one reads what the community shows strangers."""

    context: Context
    family: object
    token: str
    kept: list[int] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    slowest: float = 0.0
    strangers: list[int] = field(default_factory=list)

    @contextmanager
    def busy(self):
        ended = threading.Event()
        threads = [
            threading.Thread(target=self._repeat, args=(call, ended))
            for call in (self._write, self._look)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            time.sleep(0.5)
            ended.set()
            for thread in threads:
                thread.join()

    def _repeat(self, call, ended):
        number = 0
        while not ended.is_set():
            number += 1
            call(number)
            ended.wait(PAUSE)

    def _write(self, number):
        body = json.dumps({"postpone_days": 5, "postpone_why": f"word {number:06}"})
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.context.settings.port, timeout=60)
        try:
            connection.request(
                "PATCH",
                f"/api/v1/communities/{self.family.id}",
                body,
                {
                    "Host": self.context.settings.address,
                    "Authorization": f"Bearer {self.token}",
                    "Content-Type": "application/json",
                },
            )
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            status = repr(error)
        finally:
            connection.close()
        if status == 200:
            self.kept.append(number)
        else:
            self.failed.append(f"{number}: {status}")
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _look(self, _):
        host = self.family.address.partition(":")[0]
        try:
            self.strangers.append(get(self.context.settings, host, "/sign-in")[0])
        except OSError:
            self.strangers.append(0)

    @property
    def lost(self):
        """How many acknowledged writes the database does not know of."""
        why = self.context.store.get_community(self.family.id).postponed_why
        last = int(why.removeprefix("word ") or 0)
        return sum(number > last for number in self.kept)


@pytest.fixture
def people(context, family):
    return People(context, family, make_api_token(context, "people"))


def edge_of(engine, state):
    label = f"label=com.docker.swarm.service.name={state.stack}-edge"
    return docker(engine, "ps", "-q", "--filter", label)


def assert_whole(context, state, people, *, refused=()):
    """`refused` is what people may have been answered who were held for half a minute."""
    assert find_journal(state) is None
    assert not is_standing_by(state)
    wait_until(lambda: read_status(context).is_healthy, "all of it runs", 30)
    assert set(people.strangers) == {404}, "the community, which is hidden, answered all the time"
    assert people.lost == 0
    assert {each.partition(": ")[2] for each in people.failed} <= set(refused), people.failed


def test_a_newer_one_takes_the_place_also_when_its_up_is_killed(
    context, state, engine, family, newer, people, tell
):
    edge = edge_of(engine, state)
    with people.busy():
        phase = run_up_killed(newer, engine, state, Phase.STARTING)
        code, report, _ = run_up(newer, engine, state)
    print("slowest", people.slowest, "writes", len(people.kept), "failed", people.failed)
    tell("`up` of the control plane killed", phase, "new", len(people.kept), people.lost)
    assert (code, report["verdict"]) == (0, Outcome.GENUINE)
    assert context.store.find_revision() == NEXT
    assert find_standing(state).revision == NEXT
    assert edge_of(engine, state) == edge, "the door of all communities was left alone"
    assert_whole(context, state, people, refused=["502"])


def test_one_that_never_wakes_up_is_put_back_with_every_word(
    context, state, engine, family, newer, people, tell, tmp_path
):
    before, running = context.store.find_revision(), find_standing(state)
    web = newer / "web" / "serve.py"
    good = web.read_text()
    web.write_text(BROKEN)
    migrations = newer / "provisioner" / "migrations" / "versions"
    later = migrations / "9002_later.py"
    text = (migrations / f"{NEXT}_made_up.py").read_text()
    down = text.partition("down_revision = ")[2].partition("\n")[0]
    text = text.replace(f"down_revision = {down}", f'down_revision = "{NEXT}"')
    later.write_text(
        text.replace(f'revision = "{NEXT}"', 'revision = "9002"', 1).replace("motto", "song")
    )
    try:
        with people.busy():
            code, _, said = run_up(newer, engine, state)
    finally:
        web.write_text(good)
        later.unlink()
    print("slowest", people.slowest, "writes", len(people.kept), "failed", people.failed)
    tell("a control plane that never wakes up", "proving", "old", len(people.kept), people.lost)
    assert code == 40, said
    assert "the one before runs again" in said
    assert context.store.find_revision() == before
    assert find_standing(state) == running
    assert_whole(context, state, people)


def test_back_on_purpose_keeps_what_was_written(context, state, engine, newer, people):
    with people.busy():
        code, report, said = run_up(newer, engine, state, "--back")
    print("slowest", people.slowest, "writes", len(people.kept), "failed", people.failed)
    assert (code, report["verdict"]) == (0, Outcome.OUTDATED), said
    assert context.store.find_revision() == context.store.newest_revision
    assert_whole(context, state, people)


def test_the_way_forward_again_fails_nobody(context, state, people, tell):
    with people.busy():
        report = bring_up(state, say=print)
    print("slowest", people.slowest, "writes", len(people.kept), "failed", people.failed)
    tell("none: the control plane upgraded", "", "new", len(people.kept), people.lost)
    assert report.verdict == Outcome.GENUINE
    assert find_standing(state).release == report_of(context)
    assert_whole(context, state, people)


def test_docker_killed_in_the_middle_loses_no_word(context, state, engine, newer, people, tell):
    """Every container dies with it, the front door too: people are not served for a while."""
    before, phase = context.store.find_revision(), Phase.STARTING
    with people.busy():
        code = run_up_while(newer, engine, state, phase, lambda: restart_docker(engine))
        if code:
            code, _, _ = run_up(newer, engine, state)
        wait_until(lambda: read_status(context).is_healthy, "all of it runs", 60)
    after = context.store.find_revision()
    print("slowest", people.slowest, "writes", len(people.kept), "failed", len(people.failed))
    tell(
        "Docker killed while the control plane is upgraded",
        phase,
        "old" if after == before else "new",
        len(people.kept),
        people.lost,
    )
    assert (code, after) in ((0, NEXT), (40, before))
    assert people.kept
    assert people.lost == 0
    assert find_journal(state) is None
    assert not is_standing_by(state)


def report_of(context):
    """The release that the last check of the control plane was about."""
    kept = json.loads(context.settings.own_verdict_file.read_bytes())
    return kept["verdict"]["release"]
