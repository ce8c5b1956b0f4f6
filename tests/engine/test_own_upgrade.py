"""The control plane is upgraded: proved or put back, killed at every step, and no word is lost.

The database, its migrations, the journal, the copies and the web's sockets are real. Docker is the
fake of all fast tests, on which a web that is started listens for real, and a worker says that it
is ready.
"""

from __future__ import annotations

import itertools
import os
import socket
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.core.own_upgrade import Phase
from provisioner.engine.machine import own_proof, own_upgrade
from provisioner.engine.machine.own_journal import (
    copy_of,
    find_journal,
    find_standing,
    find_way_back,
    list_kept,
    prune_kept,
)
from provisioner.engine.machine.standby import (
    SLOT,
    choose_door,
    is_standing_by,
    report_ready,
    take_turn,
)
from provisioner.engine.machine.status import read_status
from provisioner.engine.machine.succession import (
    converge,
    find_revision,
    go_back,
    refuse_newer_database,
    settle_decided,
)
from provisioner.errors import (
    BeingUpgraded,
    DatabaseNewer,
    NotEnoughRoom,
    PutBack,
    Unavailable,
    UpgradeRefused,
)
from provisioner.files import locked
from provisioner.models.lineup import Lineup
from provisioner.models.service import ServiceSpec
from provisioner.models.verdict import Finding, Outcome, Verdict
from provisioner.settings import Settings
from provisioner.store import Store
from tests.fakes import FakeContext, FakeEngine, make_tables
from tests.store_migrations import (
    DELETES,
    FAILS,
    GOOD,
    GOOD_BACK,
    NEXT,
    SPOILS_AND_RAISES,
    add_migration,
    write_migration,
)
from tests.test_store import wish

PARTS = ("registry", "queue", "edge", "agent", "worker", "web")
PAGES = {"/healthz": 200, "/": 200, "/api/v1/status": 401}


class Killed(BaseException):
    """SIGKILL: nothing that follows is done."""


class TownEngine(FakeEngine):
    """Whose web listens on real sockets. Images in `broken` never wake up."""

    def __init__(self, settings):
        super().__init__()
        self.settings, self.broken, self.web = settings, set(), None

    def ensure_service(self, spec):
        if self.services.get(spec.name) == spec:
            return
        super().ensure_service(spec)
        runs = spec.replicas and spec.image not in self.broken
        if spec.name == "taarafo-worker" and runs and is_standing_by(self.settings):
            report_ready(self.settings, {})
        if spec.name == "taarafo-web":
            self._hang_up()
            if runs:
                self._listen(choose_door(self.settings, f"unix:{self.settings.web_dir}/http.sock"))

    def _listen(self, bind):
        path = bind.removeprefix("unix:")
        with suppress(FileNotFoundError):
            (self.settings.web_dir / path).unlink()
        self.web = socket.socket(socket.AF_UNIX)
        self.web.bind(path)
        self.web.listen(100)

    def _hang_up(self):
        if self.web:
            self.web.close()
        self.web = None


class TownGateway:
    """Knocks at the real sockets, as the edge does."""

    def __init__(self, settings):
        self.settings, self.wrong = settings, {}

    def get_status(self, host, path, *, door=""):
        with socket.socket(socket.AF_UNIX) as caller:
            try:
                caller.connect(str(self.settings.web_dir / door / "http.sock"))
            except OSError as error:
                raise Unavailable(repr(error), part="the web") from error
        return self.wrong.get(path, PAGES[path])

    def is_open(self):
        with suppress(Unavailable):
            return self.get_status("", "/healthz") == 200
        return False


class Town:
    """A machine with a control plane 1.0.0, and a checkout of 1.0.1 with one more migration."""

    def __init__(self, folder, upgrade=GOOD, downgrade=GOOD_BACK):
        self.settings = Settings(state=folder / "s", minimum_free_mb=0)
        for path in (self.settings.db_dir, self.settings.web_dir, self.settings.upgrade_dir):
            path.mkdir(parents=True)
        (self.settings.db_dir / "taarafo.sqlite3").write_bytes(make_tables())
        self.migrations = add_migration(folder, upgrade, downgrade)
        self.context = FakeContext(self.settings)
        self.context.engine = self.engine = TownEngine(self.settings)
        self.context.gateway = self.gateway = TownGateway(self.settings)
        self.members = Store(self.settings.database)  # of the old version
        self.context.store = self.members
        self.old = self.lineup("1.0.0", "a", self.members.newest_revision)
        self.new = self.lineup("1.0.1", "b", NEXT)
        self.written, self.number = [], itertools.count()
        converge(self.context, self.old, None, self._start, print, is_published=True)
        self.take_checkout(newer=True)

    def take_checkout(self, *, newer):
        """The commands are those of this version from now on."""
        found = {"migrations": self.migrations} if newer else {}
        self.context.store = Store(self.settings.database, **found)

    def lineup(self, version, letter, revision):
        target = f"app/control/stable/{version}/release.json"
        image = "control@sha256:" + letter * 64
        parts = tuple(
            ServiceSpec(
                name=f"taarafo-{name}",
                image="edge@sha256:" + "e" * 64 if name == "edge" else image,
                labels={"org.taarafo.release": target},
            )
            for name in PARTS
        )
        return Lineup(target, revision, f'{{"images": {{}}, "of": "{version}"}}\n', parts)

    def _start(self, lineup):
        own_upgrade.start_parts(self.context, lineup)

    def up(self, wanted=None):
        """As `./taarafo up` of the newer checkout, from its first look on."""
        refuse_newer_database(self.context)
        journal = settle_decided(self.context, print)
        converge(self.context, wanted or self.new, journal, self._start, print, is_published=True)

    def write_if_open(self):
        """What any web acknowledges whom a member reaches."""
        if self.gateway.is_open():
            label = f"c{next(self.number):03}"
            store = self.members
            store.request_create(
                wish(label), f"{label}.localhost", now=self.context.clock.now(), requested_by="m"
            )
            self.written.append(label)

    def labels(self):
        return sorted(each.label for each in self.members.list_communities(limit=500).rows)

    def running(self):
        return find_standing(self.settings)

    def assert_whole(self):
        """Old or new, as a whole and open, with every acknowledged word."""
        running = self.running()
        assert running.release in (self.old.release, self.new.release)
        wanted = self.old if running.release == self.old.release else self.new
        assert find_revision(self.context) == wanted.revision
        services = self.engine.services
        for name in ("registry", "queue", "agent", "worker", "web"):
            assert services[f"taarafo-{name}"] == wanted.get_part(name), name
        assert self.settings.control_plane_file.read_text() == wanted.deployed
        assert self.gateway.is_open()
        assert not is_standing_by(self.settings)
        assert find_journal(self.settings) is None
        assert self.labels() == sorted(self.written)
        self.context.store.refuse_damage()
        self.write_if_open()
        assert self.labels() == sorted(self.written)

    def close(self):
        self.engine._hang_up()
        for store in (self.members, self.context.store):
            store.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The check of what runs is another part's; a broken web is waited for a moment only."""
    monkeypatch.setattr("provisioner.engine.machine.parts.is_answering", lambda _: True)
    for name in ("AWAKE_WITHIN", "JUDGED_WITHIN"):
        monkeypatch.setattr(own_proof, name, 0.2)
    judged = {"outcome": Outcome.GENUINE}

    def check(context, _):
        outcome, web = judged["outcome"], context.engine.services["taarafo-web"]
        found = (Finding("files", outcome, "so it is"),)
        return Verdict(outcome, found, release=web.labels["org.taarafo.release"])

    monkeypatch.setattr("provisioner.engine.machine.own_verdict.check_community", check)
    return judged


@pytest.fixture
def make_town(tmp_path):
    towns = []

    def make(upgrade=GOOD, downgrade=GOOD_BACK):
        folder = tmp_path / str(len(towns))
        folder.mkdir()
        towns.append(Town(folder, upgrade, downgrade))
        towns[-1].write_if_open()
        return towns[-1]

    yield make
    for town in towns:
        town.close()


# -- it proves itself, or it is put back -----------------------------------------------------------


def test_a_good_one_takes_the_place_and_the_one_before_is_kept(make_town):
    town = make_town()
    town.up()
    assert town.running().release == town.new.release
    town.assert_whole()
    kept, before = find_way_back(town.settings)
    assert before == replace(town.old, parts=before.parts)
    assert list(list_kept(town.settings)) == [kept]
    steps = list(town.engine.said)
    town.up()
    assert town.engine.said == steps, "again changes nothing"


def test_the_edge_stays_when_only_the_name_of_the_release_differs(make_town):
    town = make_town()
    town.up()
    assert town.engine.services["taarafo-edge"] == town.old.get_part("edge")
    later = town.lineup("1.0.2", "b", NEXT)
    other = replace(later.get_part("edge"), image="edge@sha256:" + "f" * 64)
    parts = tuple(other if each.name == other.name else each for each in later.parts)
    town.up(replace(later, parts=parts))
    assert town.engine.services["taarafo-edge"] == other


@pytest.mark.parametrize("migration", [FAILS, SPOILS_AND_RAISES, DELETES])
def test_a_bad_migration_is_put_back_with_every_word(make_town, migration):
    town = make_town(migration)
    with pytest.raises(PutBack) as told:
        town.up()
    assert "migration" in told.value.explain()
    assert town.running().release == town.old.release
    town.assert_whole()
    assert list_kept(town.settings) == {}


@pytest.mark.parametrize("what", ["web", "page", "verdict", "unexpected"])
def test_a_bad_image_is_put_back_and_the_database_with_it(make_town, quick, kill_at, what):
    town = make_town()
    kill_at(town, 0)  # members write whenever they can
    if what == "web":
        town.engine.broken = {town.new.get_part("web").image}
    elif what == "page":
        town.gateway.wrong = {"/": 500}
    elif what == "verdict":
        quick["outcome"] = Outcome.MODIFIED
    else:
        town.context.store.find_revision = FailsLater(town.context.store.find_revision)
    with pytest.raises(PutBack):
        town.up()
    assert town.running().release == town.old.release
    town.assert_whole()


class FailsLater:
    """The third time that it is asked, and never again."""

    def __init__(self, call):
        self.call, self.times = call, 0

    def __call__(self):
        self.times += 1
        return 1 / 0 if self.times == 3 else self.call()


def test_a_verdict_that_was_not_good_before_speaks_against_nobody(make_town, quick):
    town = make_town()
    quick["outcome"] = Outcome.STALE
    own_proof.record_own_verdict(town.context)
    town.up()
    assert town.running().release == town.new.release


def test_without_room_or_soundness_nothing_is_begun(make_town):
    town = make_town()
    town.context.room.free = -1
    with pytest.raises(NotEnoughRoom):
        town.up()
    assert town.running().release == town.old.release
    town.assert_whole()


def test_an_older_checkout_says_so_and_changes_nothing(make_town):
    town = make_town()
    town.up()
    before, said = town.running(), list(town.engine.said)
    town.take_checkout(newer=False)
    with pytest.raises(DatabaseNewer) as told:
        town.up(town.old)
    assert NEXT in told.value.explain()
    assert "Nothing was changed" in told.value.next_step()
    assert (town.running(), town.engine.said) == (before, said)
    town.take_checkout(newer=True)
    town.assert_whole()


# -- an engine that is away ------------------------------------------------------------------------


class Shy:
    """Does not answer whoever asks for something the first time, as Docker while it restarts."""

    def __init__(self, call):
        self.call, self.asked = call, []

    def __call__(self, spec):
        if spec not in self.asked:
            self.asked.append(spec)
            raise Unavailable("it restarts", part="this machine's engine")
        self.call(spec)


@pytest.mark.parametrize("migration", [GOOD, SPOILS_AND_RAISES])
def test_an_engine_that_is_away_for_a_moment_is_waited_for(make_town, migration):
    town = make_town(migration)
    town.engine.ensure_service = Shy(town.engine.ensure_service)
    town.engine.stop_service = Shy(town.engine.stop_service)
    with suppress(PutBack):
        town.up()
    wanted = town.new if migration is GOOD else town.old
    assert town.running().release == wanted.release
    assert town.engine.stop_service.asked
    town.assert_whole()


@pytest.mark.parametrize(
    ("migration", "effect", "number"),
    [
        (GOOD, "stop_writers", 1),
        (GOOD, "start_parts", 1),
        (SPOILS_AND_RAISES, "stop_writers", 2),
        (SPOILS_AND_RAISES, "start_parts", 1),
    ],
)
def test_one_that_stays_away_is_carried_on_by_the_next(
    make_town, monkeypatch, migration, effect, number
):
    town, carry, calls = make_town(migration), getattr(own_upgrade, effect), itertools.count(1)

    def lose_the_engine(context, lineup):
        town.engine.is_away = next(calls) >= number
        carry(context, lineup)

    monkeypatch.setattr(own_upgrade, effect, lose_the_engine)
    with pytest.raises(Unavailable):
        town.up()
    assert town.engine.is_away
    town.engine.is_away = False
    monkeypatch.setattr(own_upgrade, effect, carry)
    with suppress(PutBack):
        town.up()
    town.assert_whole()


# -- killed at every step --------------------------------------------------------------------------

EFFECTS = (
    "record_journal", "begin_standby", "close_door", "stop_writers", "keep_lineup", "start_parts",
    "prove", "record_standing", "end_standby", "open_door", "close_journal", "forget_kept",
)  # fmt: skip


@pytest.fixture
def kill_at(monkeypatch):
    """Let the process die right after the effect of that number; members write before and after."""
    real = {name: getattr(own_upgrade, name) for name in EFFECTS}

    def arrange(town, number):
        count = itertools.count(1)

        def watch(name, effect):
            def carry(*given):
                town.write_if_open()
                answer = effect(*given)
                town.write_if_open()
                if next(count) == number:
                    raise Killed(name)
                return answer

            return carry

        for name, effect in real.items():
            monkeypatch.setattr(own_upgrade, name, watch(name, effect))
        for name in ("keep_copy", "put_back", "migrate"):
            effect = getattr(type(town.context.store), name)
            bound = effect.__get__(town.context.store)
            town.context.store.__dict__[name] = watch(name, bound)

    return arrange


def run_killed(town, kill_at, number):
    """The name of the effect after which it died, or "" when there are fewer."""
    kill_at(town, number)
    died = ""
    try:
        town.up()
    except Killed as killed:
        died = str(killed)
    except PutBack:
        pass
    kill_at(town, 0)
    return died


def test_killed_anywhere_the_next_one_goes_on_and_no_word_is_lost(make_town, kill_at):
    seen = []
    for number in itertools.count(1):
        town = make_town()
        died = run_killed(town, kill_at, number)
        if not died:
            break
        seen.append(died)
        with suppress(PutBack):
            town.up()
        assert town.running().release == town.new.release, (number, died)
        town.assert_whole()
        town.close()
    assert set(seen) >= set(EFFECTS) - {"forget_kept"} | {"keep_copy", "migrate"}


def test_killed_anywhere_while_it_is_put_back_the_old_one_runs_in_the_end(make_town, kill_at):
    seen = []
    for number in itertools.count(1):
        town = make_town(SPOILS_AND_RAISES)
        died = run_killed(town, kill_at, number)
        if not died:
            break
        seen.append(died)
        with suppress(PutBack):
            town.up()
        assert town.running().release == town.old.release, (number, died)
        town.assert_whole()
        town.close()
    assert {"put_back", "end_standby", "close_journal", "forget_kept"} <= set(seen)


def test_killed_anywhere_the_older_checkout_puts_back_what_is_not_decided(make_town, kill_at):
    ends = set()
    for number in itertools.count(1):
        town = make_town()
        died = run_killed(town, kill_at, number)
        if not died:
            break
        town.take_checkout(newer=False)
        with suppress(DatabaseNewer):
            town.up(town.old)
        ends.add(town.running().release)
        town.take_checkout(newer=True)
        town.assert_whole()
        town.close()
    assert ends == {town.old.release, town.new.release}


def test_after_a_repair_another_release_is_wanted_and_the_begun_one_put_back(make_town, kill_at):
    numbers = itertools.count(1)
    while run_killed(make_town(), kill_at, number := next(numbers)) != "keep_lineup":
        pass
    town = make_town()
    assert run_killed(town, kill_at, number + 2) == "record_journal"
    assert find_journal(town.settings).phase == Phase.MIGRATING
    write_migration(town.migrations, GOOD, GOOD_BACK)
    town.up(town.lineup("1.0.2", "c", NEXT))
    assert town.running().release.endswith("/1.0.2/release.json")
    assert town.labels() == sorted(town.written)


# -- back on purpose -------------------------------------------------------------------------------


def test_back_keeps_what_was_written_since(make_town):
    town = make_town()
    town.up()
    town.write_if_open()
    go_back(town.context, print, may_lose=False)
    assert town.running().release == town.old.release
    town.assert_whole()
    with pytest.raises(UpgradeRefused):
        go_back(town.context, print, may_lose=False)
    town.up()
    assert town.running().release == town.new.release
    town.assert_whole()


def test_back_that_would_lose_words_has_to_be_told_twice(make_town):
    town = make_town()
    town.up()
    town.write_if_open()
    with town.context.store.session() as session:
        session.connection().exec_driver_sql("UPDATE community SET motto = 'Be kind'")
    with pytest.raises(UpgradeRefused) as told:
        go_back(town.context, print, may_lose=False)
    assert "The version before cannot keep 2 rows of community." in told.value.explain()
    town.assert_whole()
    assert town.running().release == town.new.release
    go_back(town.context, print, may_lose=True)
    assert town.running().release == town.old.release
    town.assert_whole()


def test_what_was_kept_is_pruned_and_the_way_back_stays(make_town):
    town = make_town()
    town.up()
    now = town.context.clock.now()
    prune_kept(town.settings, now)
    kept, _ = find_way_back(town.settings)
    assert copy_of(town.settings, kept).exists()
    prune_kept(town.settings, now + timedelta(days=15))
    assert not copy_of(town.settings, kept).exists()
    go_back(town.context, print, may_lose=False)
    assert town.running().release == town.old.release
    town.assert_whole()


def test_an_unfinished_one_is_told_by_status(make_town, kill_at):
    town = make_town()
    assert read_status(town.context).troubles == ()
    assert run_killed(town, kill_at, 2)
    assert "run ./taarafo up" in read_status(town.context).troubles[0]
    town.up()
    assert read_status(town.context).troubles == ()


# -- commands meanwhile ----------------------------------------------------------------------------


def test_commands_are_refused_meanwhile_and_an_upgrade_waits_for_them(make_town, monkeypatch):
    town = make_town()
    with locked(town.settings.db_dir, part="x"), pytest.raises(BeingUpgraded):
        take_turn(town.settings)
    town.settings.standby_file.touch()
    with pytest.raises(BeingUpgraded):
        take_turn(town.settings)
    town.settings.standby_file.unlink()
    turn = take_turn(town.settings)
    monkeypatch.setattr(own_upgrade, "REST_WITHIN", 0.1)
    with pytest.raises(Unavailable):
        town.up()
    assert town.running().release == town.old.release
    os.close(turn)
    town.up()
    town.assert_whole()


def test_a_web_that_starts_meanwhile_listens_behind_the_door(make_town):
    town = make_town()
    bind = f"unix:{town.settings.web_dir}/http.sock"
    assert choose_door(town.settings, bind) == bind
    town.settings.standby_file.touch()
    assert choose_door(town.settings, bind) == f"unix:{town.settings.web_dir}/{SLOT}/http.sock"
    assert choose_door(town.settings, "127.0.0.1:8000") == "127.0.0.1:8000"
