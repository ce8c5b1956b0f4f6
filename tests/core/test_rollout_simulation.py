"""Ten thousand communities on two hundred hosts go through days of a rollout, decision by decision.

What upgrades, fails, crashes, and changes its mind is played here; every decision is the real one.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from provisioner.core.rollout import Decision, Member, Pace, Rollout, decide, pause, resume

TARGET = "app/taarafo/stable/1.2.0/release.json"
BEGIN = datetime(2026, 3, 6, 12, tzinfo=UTC)  # clocks go forward in America on 8 March
ZONES = (
    *("America/Chicago", "America/New_York", "America/Los_Angeles", "Europe/Berlin"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC"),
    *("Mars/Base", ""),
)
UNKNOWN = ("Mars/Base", "")
PACE = Pace(at_once=600, at_once_per_host=4)
HOUR = timedelta(hours=1)
SOAK = {"security": HOUR, "routine": 20 * HOUR}


@dataclass
class Town:
    """The fleet, the database and the operator. `breaks` says whose upgrade fails."""

    rollout: Rollout
    members: dict[str, Member]
    step: timedelta
    lasts: timedelta  # the longest upgrade
    chance: random.Random
    breaks: Callable[[Member], bool] = lambda _member: False
    now: datetime = BEGIN
    ends: dict[str, datetime] = field(default_factory=dict)
    started: Counter = field(default_factory=Counter)
    began: dict[int, datetime] = field(default_factory=dict)
    last_end: datetime = BEGIN
    crashes: int = 0

    def go_on(self) -> Decision:
        """One tick: what is due ends, the worker decides (and may crash), and all is checked."""
        self._end_what_is_due()
        decision = decide(self.rollout, self.members.values(), PACE, self.now)
        self._check(decision)
        carried_out = len(decision.start)
        if decision.start and self.chance.random() < 0.3:
            self.crashes += 1
            carried_out = self.chance.randrange(len(decision.start))
        self.rollout = decision.rollout
        self._start(decision.start[:carried_out])
        if carried_out < len(decision.start):
            shuffled = self.chance.sample([*self.members.values()], len(self.members))
            again = decide(self.rollout, shuffled, PACE, self.now)
            assert (again.rollout, again.start) == (self.rollout, decision.start[carried_out:])
            self._start(again.start)
        self.began.setdefault(self.rollout.wave, self.now)
        self.now += self.step
        return decision

    def change(self, member_id: str, **more) -> None:
        self.members[member_id] = replace(self.members[member_id], **more)

    def attempted(self) -> list[Member]:
        return [member for member in self.members.values() if member.attempt != "none"]

    def _end_what_is_due(self) -> None:
        for member_id in [each for each, ends in self.ends.items() if ends <= self.now]:
            self.last_end = self.ends.pop(member_id)
            if self.breaks(self.members[member_id]):
                self.change(member_id, attempt="failed")
            else:
                self.change(member_id, attempt="done", version="1.2.0")

    def _start(self, ids: tuple[str, ...]) -> None:
        for member_id in ids:
            self.change(member_id, attempt="running")
            self.ends[member_id] = self.now + self.lasts * self.chance.random()
            self.started[member_id] += 1

    def _check(self, decision: Decision) -> None:
        before, after = self.rollout, decision.rollout
        starting = [self.members[member_id] for member_id in decision.start]
        assert before.wave <= after.wave <= before.wave + 1
        if after.wave > before.wave:
            assert self.now >= self.last_end_of_wave() + SOAK[after.urgency]
        assert after.state == "active" or not starting
        assert len(set(decision.start)) == len(starting)
        assert len(self.ends) + len(starting) <= PACE.at_once
        hosts = Counter(self.members[member_id].host for member_id in self.ends)
        hosts.update(member.host for member in starting)
        assert max(hosts.values(), default=0) <= PACE.at_once_per_host
        if starting and after.wave < 2:
            most = (5, len(self.members) // 10)[after.wave]
            assert len(self.attempted()) + len(starting) <= most
        for member in starting:
            self._check_one(member, after)

    def _check_one(self, member: Member, rollout: Rollout) -> None:
        assert member.attempt == "none"
        assert member.is_reachable
        assert member.pinned_to in ("", "1.0.0", "1.2.0"), "1.0.0 is below the floor"
        if rollout.urgency == "security":
            limit = rollout.published_at + PACE.longest_delay
            assert min(member.postponed_until or self.now, limit) <= self.now
            return
        assert (member.postponed_until or self.now) <= self.now
        zone = UTC if member.zone in UNKNOWN else ZoneInfo(member.zone)
        assert time(2) <= self.now.astimezone(zone).time() < time(5), member.zone

    def last_end_of_wave(self) -> datetime:
        """A lower bound: canaries have all ended; of the second wave, nine in ten."""
        return self.last_end if self.rollout.wave == 0 else self.began[self.rollout.wave]


def make_town(urgency: str, seed: int, count: int = 10_000, **more) -> Town:
    chance = random.Random(seed)  # noqa: S311 - played, and the same every time
    members = {}
    for number in range(count):
        name = f"{chance.getrandbits(128):032x}"
        members[name] = Member(name, f"h{number % 200}", "1.1.0", chance.choice(ZONES))
    rollout = Rollout(TARGET, BEGIN, urgency, security_floor="1.1.0")
    return Town(rollout, members, chance=chance, **more)


def spoil(town: Town) -> dict[str, list[str]]:
    """Pins, postponements and steps that have to come first, for a part of the fleet."""
    ids = [*town.members]
    groups = {
        "pinned": ids[:200],
        "pinned to what is not safe": ids[200:300],
        "pinned to this one": ids[300:400],
        "postponed": ids[400:800],
        "unreachable": ids[800:900],
        "there": ids[900:1000],
    }
    for name in groups["pinned"]:
        town.change(name, pinned_to="1.1.0")
    for name in groups["pinned to what is not safe"]:
        town.change(name, pinned_to="1.0.0", version="1.0.0")
    for name in groups["pinned to this one"]:
        town.change(name, pinned_to="1.2.0")
    for name in groups["postponed"]:
        town.change(name, postponed_until=BEGIN + town.chance.randrange(200) * HOUR)
    for name in groups["unreachable"]:
        town.change(name, is_reachable=False)
    for name in groups["there"]:
        town.change(name, version="1.2.0")
    return groups


def test_a_routine_release_reaches_everybody_who_may_have_it_night_by_night():
    town = make_town("routine", seed=1, step=HOUR, lasts=2 * HOUR)
    town.breaks = lambda _member: town.chance.random() < 0.01
    groups = spoil(town)
    resumed, reasons, reached = 0, set(), False
    while (decision := town.go_on()).rollout.state != "done":
        reasons.add(decision.reason.split()[0])
        assert town.now < BEGIN + timedelta(days=12), decision.reason
        if decision.rollout.state == "halted":
            resumed += 1
            town.rollout = resume(town.rollout, town.members.values(), PACE, town.now)
        if decision.rollout.wave == 2 and not reached:
            reached = True
            for name in groups["unreachable"]:
                town.change(name, is_reachable=True, version="1.1.5")
            town.rollout = pause(town.rollout)
            for _ in range(12):
                assert town.go_on().start == ()
                assert town.rollout.state == "paused"
            town.rollout = resume(town.rollout, town.members.values(), PACE, town.now)
    ended = Counter((member.version, member.attempt) for member in town.members.values())
    assert set(ended) <= {
        ("1.2.0", "done"),
        ("1.2.0", "none"),
        ("1.1.0", "none"),
        ("1.1.0", "failed"),
        ("1.0.0", "failed"),
        ("1.1.5", "failed"),
    }
    assert ended["1.1.0", "none"] == len(groups["pinned"])
    assert ended["1.2.0", "none"] == len(groups["there"])
    assert ended["1.2.0", "done"] > 9_500
    assert set(town.started.values()) == {1}
    assert town.crashes > 10
    assert resumed <= 2
    assert reasons >= {"Starting", "Waiting"}
    assert town.began[1] - BEGIN > 20 * HOUR


def test_a_security_release_reaches_all_within_hours_but_canaries_go_first():
    town = make_town("security", seed=2, step=timedelta(minutes=5), lasts=timedelta(minutes=12))
    groups = spoil(town)
    first = town.go_on()
    assert len(first.start) == 5
    while town.now < BEGIN + 5 * HOUR:
        town.go_on()
    assert town.began[1] >= BEGIN + HOUR
    waiting = [member for member in town.members.values() if member.version != "1.2.0"]
    held = {*groups["pinned"], *groups["postponed"], *groups["unreachable"]}
    assert {member.id for member in waiting} <= held
    town.step = 2 * HOUR
    while town.now < BEGIN + PACE.longest_delay:
        town.go_on()
    assert any(town.members[name].version == "1.1.0" for name in groups["postponed"])
    town.step = timedelta(minutes=5)
    while town.now < BEGIN + PACE.longest_delay + 2 * HOUR:
        town.go_on()
    assert all(town.members[name].version == "1.2.0" for name in groups["postponed"])
    assert town.rollout.state == "done"


def test_a_bad_release_stops_at_the_canaries_and_stays_there():
    for urgency in ("routine", "security"):
        town = make_town(urgency, seed=3, step=HOUR, lasts=timedelta(minutes=12))
        town.breaks = lambda _member: True
        while town.now < BEGIN + timedelta(days=2):
            decision = town.go_on()
        assert decision.rollout.state == "halted"
        assert len(town.attempted()) <= 5
        assert decision.reason.startswith("Halted: ")


def test_what_is_bad_for_some_stops_before_it_reaches_everybody():
    town = make_town("security", seed=4, step=timedelta(minutes=5), lasts=timedelta(minutes=12))
    while town.rollout.wave == 0:
        town.go_on()
    town.breaks = lambda member: member.host.endswith("7")  # a tenth of all hosts
    while town.rollout.state == "active":
        town.go_on()
    assert town.rollout.state == "halted"
    assert town.rollout.wave == 1
    assert len(town.attempted()) <= 1_000
    failed = sum(member.attempt == "failed" for member in town.members.values())
    assert failed <= PACE.failure_share * PACE.at_once + PACE.at_once / 5


def test_the_same_town_is_upgraded_the_same_way():
    runs = []
    for _ in range(2):
        town = make_town("security", seed=5, step=HOUR, lasts=2 * HOUR, count=500)
        runs.append([town.go_on().start for _ in range(20)])
    assert runs[0] == runs[1]
    assert sum(map(len, runs[0])) == 500
