"""Whom a rollout reaches when, and what stops it: each rule by itself."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.rollout import (
    Member,
    Pace,
    Rollout,
    Standing,
    decide,
    find_standing,
    pause,
    resume,
)

NIGHT = datetime(2026, 11, 25, 3, tzinfo=UTC)
DAY = datetime(2026, 11, 25, 13, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)
PACE = Pace()
ROUTINE = Rollout("app/taarafo/stable/1.2.0/release.json", DAY - 5 * HOUR)
SECURITY = replace(ROUTINE, urgency="security", security_floor="1.1.0")


def member(name="m", **more) -> Member:
    return Member(**{"id": name, "host": f"h-{name}", "version": "1.1.0", "zone": "UTC", **more})


def fleet(count, **more) -> list[Member]:
    return [member(f"m{number}", **more) for number in range(count)]


def after(members, ids, **more) -> list[Member]:
    return [replace(each, **more) if each.id in ids else each for each in members]


def done(members, ids) -> list[Member]:
    return after(members, ids, attempt="done", version="1.2.0")


# -- who is in it --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "standing"),
    [
        ({}, Standing.WAITING),
        ({"version": "1.2.0"}, Standing.THERE),
        ({"version": "1.10.0"}, Standing.THERE),
        ({"is_reachable": False}, Standing.UNREACHABLE),
        ({"pinned_to": "1.1.0"}, Standing.PINNED),
        ({"pinned_to": "1.0.9"}, Standing.WAITING),  # below the floor
        ({"pinned_to": "1.2.0"}, Standing.WAITING),
        ({"pinned_to": "1.10.0"}, Standing.WAITING),
        ({"postponed_until": DAY}, Standing.WAITING),
        ({"postponed_until": DAY + HOUR}, Standing.POSTPONED),
        ({"attempt": "running", "version": "1.2.0"}, Standing.RUNNING),
        ({"attempt": "done", "version": "1.2.0"}, Standing.DONE),
        ({"attempt": "done", "version": "1.3.0"}, Standing.DONE),
        ({"attempt": "done", "version": "1.1.0"}, Standing.FAILED),  # gone back
        ({"attempt": "failed"}, Standing.FAILED),
        ({"attempt": "failed", "pinned_to": "1.1.0"}, Standing.FAILED),
    ],
)
def test_where_a_community_stands(told, standing):
    assert find_standing(member(**told), SECURITY, PACE, DAY) is standing


def test_a_security_release_can_be_postponed_up_to_a_date():
    far = member(postponed_until=DAY + timedelta(days=99))
    limit = SECURITY.published_at + PACE.longest_delay
    for now, standing in ((limit - HOUR, Standing.POSTPONED), (limit, Standing.WAITING)):
        assert find_standing(far, SECURITY, PACE, now) is standing
    assert find_standing(far, ROUTINE, PACE, limit) is Standing.POSTPONED


def test_who_is_below_the_floor_cannot_go_on_postponing_with_every_release_that_follows():
    low = member(version="1.0.5", postponed_until=DAY + timedelta(days=99))
    later = replace(ROUTINE, security_floor="1.1.0", floor_raised_at=DAY - timedelta(days=9))
    assert find_standing(low, later, PACE, DAY) is Standing.WAITING
    new = replace(later, floor_raised_at=None)
    assert find_standing(low, new, PACE, DAY) is Standing.POSTPONED
    assert find_standing(replace(low, version="1.1.0"), later, PACE, DAY) is Standing.POSTPONED


# -- whose turn it is ----------------------------------------------------------------------------


def test_canaries_are_drawn_anew_for_every_release():
    members = fleet(100)
    first = decide(ROUTINE, members, PACE, NIGHT)
    assert len(first.start) == 5
    assert first.rollout.wave_started_at == NIGHT
    mixed = random.Random(1).sample(members, 100)  # noqa: S311 - any other order
    assert decide(ROUTINE, mixed, PACE, NIGHT) == first
    other = replace(ROUTINE, target="app/taarafo/stable/1.3.0/release.json")
    assert set(decide(other, members, PACE, NIGHT).start) != set(first.start)


@pytest.mark.parametrize(("size", "canaries"), [(1, 1), (4, 1), (10, 2), (25, 5), (10_000, 5)])
def test_in_a_small_fleet_there_are_fewer_canaries(size, canaries):
    assert len(decide(SECURITY, fleet(size), PACE, DAY).start) == canaries


def test_a_canary_that_is_pinned_makes_place_for_another():
    members = fleet(100)
    first, *others = decide(SECURITY, members, PACE, DAY).start
    members = after(members, {first}, pinned_to="1.1.0")
    again = decide(SECURITY, members, PACE, DAY).start
    assert set(others) < set(again)
    assert len(again) == 5
    members = done(after(members, {first}, pinned_to=""), again)
    assert decide(SECURITY, members, PACE, DAY).start == (), "and does not come back as a sixth"


def test_routine_waits_for_the_night_of_each_and_security_does_not():
    members = fleet(10, zone="America/Chicago")
    waiting = decide(ROUTINE, members, PACE, DAY)
    assert waiting.start == ()
    assert (
        waiting.reason
        == "Waiting until 26 November 08:00 UTC: then it is night for the 2 that wait."
    )
    assert len(decide(SECURITY, members, PACE, DAY).start) == 2
    assert len(decide(ROUTINE, members, PACE, DAY.replace(hour=8)).start) == 2


def test_no_more_at_once_than_in_all_and_on_a_host():
    last = replace(SECURITY, wave=2, wave_started_at=DAY)
    members = [member(f"m{n}", host=f"h{n % 3}") for n in range(30)]
    assert len(decide(last, members, PACE, DAY).start) == 6
    assert len(decide(last, members, replace(PACE, at_once=4), DAY).start) == 4
    members = after(members, {"m0", "m3", "m1"}, attempt="running")
    decision = decide(last, members, PACE, DAY)
    assert decision.reason == "Starting 3. 3 are being upgraded already. 24 of this wave wait."
    start = decision.start
    assert sorted(int(name[1:]) % 3 for name in start) == [1, 2, 2]
    members = after(members, start, attempt="running")
    full = decide(last, members, PACE, DAY)
    assert full.start == ()
    assert full.reason == "6 are being upgraded, 2 on every host of those that wait; 24 wait."
    full = decide(last, members, replace(PACE, at_once=6), DAY)
    assert full.reason == "6 are being upgraded, as many as may be at once; 24 wait."


# -- when the next wave comes --------------------------------------------------------------------


def test_wave_after_wave_with_a_soak_between():
    members = fleet(100)
    decision = decide(SECURITY, members, PACE, DAY)
    members = after(members, decision.start, attempt="running")
    decision = decide(decision.rollout, members, PACE, DAY)
    assert decision.reason == "5 are being upgraded; nobody else's turn has come."
    members = done(members, {each.id for each in members if each.attempt == "running"})
    decision = decide(decision.rollout, members, PACE, DAY)
    assert decision.rollout.wave_started_at == DAY
    assert decision.reason == "Waiting until 14:05 UTC: the first 5 have to run for an hour."
    assert decide(decision.rollout, members, PACE, DAY + HOUR * 0.99).start == ()
    second = decide(decision.rollout, members, PACE, DAY + HOUR)
    assert (second.rollout.wave, second.rollout.wave_started_at) == (1, DAY + HOUR)
    assert len(second.start) == 5, "a tenth of all, with the canaries"
    members = done(members, second.start)
    soaking = decide(second.rollout, members, PACE, DAY + 2 * HOUR)
    assert soaking.rollout.soaking_since == DAY + 2 * HOUR
    assert soaking.rollout.wave_started_at == DAY + HOUR
    third = decide(soaking.rollout, members, PACE, DAY + 3 * HOUR)
    assert (third.rollout.wave, len(third.start)) == (2, 50)
    assert (third.rollout.ended_before, third.rollout.wave_started_at) == (10, DAY + 3 * HOUR)
    members = done(members, {each.id for each in members})
    end = decide(third.rollout, members, PACE, DAY + 4 * HOUR)
    assert (end.rollout.state, end.reason) == ("done", "Done: 100 have this release.")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "a minute"), (30, "30 minutes"), (60, "an hour"), (90, "90 minutes"), (1200, "20 hours")],
)
def test_how_long_a_soak_is_in_words(minutes, words):
    pace = replace(PACE, security_soak=(timedelta(minutes=minutes),) * 2)
    members = done(fleet(9), {"m0"})
    reason = decide(replace(SECURITY, wave_started_at=DAY), members, pace, DAY).reason
    assert reason.endswith(f": the first one has to run for {words}.")


def test_a_moment_is_never_said_too_early():
    members = done(fleet(9), {"m0"})
    decision = decide(SECURITY, members, PACE, DAY + timedelta(seconds=1))
    assert decision.reason.startswith("Waiting until 14:06 UTC: ")


def test_a_routine_release_soaks_for_most_of_a_day():
    members = done(fleet(9), {"m0"})
    soaking = decide(ROUTINE, members, PACE, NIGHT).rollout
    assert decide(soaking, members, PACE, NIGHT + 19.9 * HOUR).rollout.wave == 0
    assert decide(soaking, members, PACE, NIGHT + 20 * HOUR).rollout.wave == 2


def test_when_the_second_wave_is_everybody_nobody_waits_for_its_soak():
    pace = replace(PACE, second_share=1.0)
    members = after(done(fleet(20), {f"m{n}" for n in range(18)}), {"m18"}, zone="Asia/Tokyo")
    second = replace(ROUTINE, wave=1, wave_started_at=DAY, soaking_since=DAY, ended_before=4)
    decision = decide(second, members[:19], pace, DAY + 24 * HOUR)
    assert decision.reason == "Waiting until 17:00 UTC: then it is night for the one that waits."


def test_a_small_fleet_has_no_second_wave_and_one_community_no_soak():
    members = fleet(3)
    first = decide(SECURITY, members, PACE, DAY)
    members = done(members, first.start)
    first = decide(first.rollout, members, PACE, DAY)
    rest = decide(first.rollout, members, PACE, DAY + HOUR)
    assert (rest.rollout.wave, len(rest.start)) == (2, 2)
    alone = decide(SECURITY, [member(attempt="done", version="1.2.0")], PACE, DAY)
    assert alone.rollout.state == "done"


def test_the_second_wave_soaks_when_nine_in_ten_have_ended():
    second = replace(SECURITY, wave=1, wave_started_at=DAY, ended_before=5)
    members = fleet(1000)
    for ended, is_soaking in ((89, False), (90, True)):
        some = done(members, {f"m{n}" for n in range(ended)})
        decision = decide(second, some, PACE, DAY)
        assert bool(decision.rollout.soaking_since) is is_soaking
        assert len(decision.start) == min(50, 100 - ended), "the others go on meanwhile"


def test_it_is_not_done_as_long_as_somebody_has_postponed_it_and_goes_on_with_who_comes_later():
    held = member(postponed_until=DAY + 24 * HOUR)
    rollout = replace(ROUTINE, wave=2, wave_started_at=DAY)
    waiting = decide(rollout, [held], PACE, DAY)
    assert waiting.reason == "Waiting until 26 November 13:05 UTC: 1 has postponed it."
    members = [
        member("a", pinned_to="1.1.0"),
        member("b", is_reachable=False),
        member("c", version="1.2.0"),
    ]
    end = decide(rollout, members, PACE, NIGHT)
    assert end.rollout.state == "done"
    assert end.reason == "Done: 1 has this release. 1 is pinned. 1 needs another release first."
    again = decide(end.rollout, [*members, member("d")], PACE, NIGHT)
    assert (again.rollout.state, again.start) == ("active", ("d",))


def test_every_canary_has_to_end_however_many_there_are():
    pace = replace(PACE, canaries=20)
    members = done(fleet(100), {f"m{n}" for n in range(19)})
    begun = replace(SECURITY, wave_started_at=DAY, soaking_since=DAY)
    decision = decide(begun, members, pace, DAY + 2 * HOUR)
    assert (len(decision.start), decision.rollout.wave) == (1, 0)
    assert decision.rollout.soaking_since is None, "the soak begins when the last has ended"


def test_as_long_as_all_the_others_have_postponed_it_the_wave_stays():
    held = [member(f"p{n}", postponed_until=DAY + 24 * HOUR) for n in range(4)]
    nobody = decide(ROUTINE, held, PACE, DAY)
    assert (nobody.rollout.soaking_since, nobody.start) == (None, ())
    members = [member("a", attempt="done", version="1.2.0"), *held]
    alone = decide(nobody.rollout, members, PACE, DAY)
    later = decide(alone.rollout, members, PACE, DAY + 23 * HOUR)
    assert (later.rollout.wave, later.rollout.soaking_since) == (0, DAY)
    assert decide(later.rollout, members, PACE, DAY + 24 * HOUR).rollout.wave == 2


# -- what stops it -------------------------------------------------------------------------------


def test_one_canary_that_fails_halts_everything_until_somebody_resumes():
    members = fleet(100)
    first = decide(SECURITY, members, PACE, DAY)
    members = done(members, first.start[1:])
    members = after(members, first.start[:1], attempt="failed")
    halted = decide(first.rollout, members, PACE, DAY)
    assert (halted.rollout.state, halted.start) == ("halted", ())
    assert halted.reason.startswith("Halted: 1 of the first 5 failed, and nobody is started. ")
    assert decide(halted.rollout, members, PACE, DAY + 99 * HOUR).rollout == halted.rollout
    resumed = resume(replace(halted.rollout, soaking_since=DAY - HOUR), members, PACE, DAY)
    assert (resumed.ended_before, resumed.forgiven, resumed.soaking_since) == (5, 1, None)
    soaking = decide(resumed, members, PACE, DAY)
    assert (soaking.rollout.state, soaking.rollout.soaking_since) == ("active", DAY)
    second = decide(soaking.rollout, members, PACE, DAY + HOUR).rollout
    assert (second.wave, second.ended_before, second.forgiven) == (1, 5, 1)


def test_a_single_canary_that_fails_is_told_as_one():
    members = after(fleet(2), {"m0"}, attempt="failed")
    reason = decide(SECURITY, members, PACE, DAY).reason
    assert reason.startswith("Halted: the first one failed, and nobody is started. ")


def test_one_of_many_canaries_is_enough():
    members = after(done(fleet(300), {f"m{n}" for n in range(39)}), {"m99"}, attempt="failed")
    pace = replace(PACE, canaries=40)
    assert decide(SECURITY, members, pace, DAY).rollout.state == "halted"


def test_what_was_borne_in_one_wave_is_not_counted_in_the_next():
    members = done(fleet(1000), {f"m{n}" for n in range(96)})
    members = after(members, {"m96", "m97", "m98", "m99"}, attempt="failed")
    second = replace(SECURITY, wave=1, wave_started_at=DAY, soaking_since=DAY, ended_before=5)
    third = decide(second, members, PACE, DAY + HOUR).rollout
    assert (third.state, third.wave, third.ended_before, third.forgiven) == ("active", 2, 100, 4)
    again = decide(third, after(members, {"m96", "m97"}, attempt="none"), PACE, DAY + HOUR)
    assert (again.rollout.ended_before, again.rollout.forgiven) == (98, 2)


def test_a_founder_who_goes_back_from_a_canary_halts_it_too():
    members = fleet(100)
    first = decide(SECURITY, members, PACE, DAY)
    members = done(members, first.start)
    members = after(members, first.start[:1], version="1.1.0")
    assert decide(first.rollout, members, PACE, DAY).rollout.state == "halted"


def test_who_is_tried_again_can_fail_again():
    members = fleet(100)
    first = decide(SECURITY, members, PACE, DAY)
    bad = first.start[:1]
    members = after(done(members, first.start[1:]), bad, attempt="failed")
    halted = decide(first.rollout, members, PACE, DAY).rollout
    members = after(members, bad, attempt="none")
    assert decide(halted, members, PACE, DAY).rollout.state == "halted"
    resumed = resume(halted, after(members, bad, attempt="failed"), PACE, DAY)
    again = decide(resumed, members, PACE, DAY)
    assert again.start == bad
    members = after(members, bad, attempt="failed")
    assert decide(again.rollout, members, PACE, DAY).rollout.state == "halted"


@pytest.mark.parametrize(
    ("ended", "failed", "state"),
    [(10, 1, "active"), (10, 2, "halted"), (40, 2, "active"), (40, 3, "halted"), (39, 2, "halted")],
)
def test_a_share_of_the_wave_is_borne(ended, failed, state):
    members = fleet(1000)
    earlier = {f"m{n}" for n in range(500, 600)}
    members = after(done(members, earlier), {"m500", "m501", "m502"}, attempt="failed")
    members = done(members, {f"m{n}" for n in range(ended - failed)})
    members = after(members, {f"m{900 + n}" for n in range(failed)}, attempt="failed")
    rollout = replace(SECURITY, wave=2, wave_started_at=DAY, ended_before=100, forgiven=3)
    decision = decide(rollout, members, PACE, DAY)
    assert decision.rollout.state == state
    if state == "halted":
        assert decision.reason.startswith(f"Halted: {failed} of {ended} failed, ")


def test_in_a_small_wave_one_failure_is_too_many():
    members = after(done(fleet(6), {"m0"}), {"m1"}, attempt="failed")
    rollout = replace(SECURITY, wave=2, wave_started_at=DAY, ended_before=1)
    assert decide(rollout, members, PACE, DAY).rollout.state == "halted"


def test_paused_starts_nobody_and_forgets_nothing():
    members = after(fleet(100), {"m1"}, attempt="running")
    members = after(members, {"m2", "m3", "m4"}, attempt="failed")
    paused = pause(replace(SECURITY, wave=2, wave_started_at=DAY))
    decision = decide(paused, members, PACE, DAY)
    assert (decision.rollout, decision.start) == (paused, ())
    assert decision.reason == (
        "Paused: nobody is started. 1 is still being upgraded. 3 failed; resuming forgives that."
    )
    quiet = decide(paused, fleet(100), PACE, DAY)
    assert quiet.reason == "Paused: nobody is started."
    assert len(decide(resume(paused, members, PACE, DAY), members, PACE, DAY).start) == 49


@given(
    size=st.integers(1, 60),
    seed=st.integers(0, 2**32),
    urgency=st.sampled_from(("routine", "security")),
)
def test_any_small_fleet_comes_to_its_end(size, seed, urgency):
    chance = random.Random(seed)  # noqa: S311 - played, and the same every time
    zones = ("UTC", "Asia/Kolkata", "America/Chicago")
    members = [
        member(f"m{n}", host=f"h{chance.randrange(4)}", zone=chance.choice(zones))
        for n in range(size)
    ]
    rollout, now, ended = replace(ROUTINE, urgency=urgency), DAY, 0
    while rollout.state != "done":
        now += HOUR
        assert now < DAY + timedelta(days=30)
        running = {each.id for each in members if each.attempt == "running"}
        members = done(members, {name for name in running if chance.random() < 0.9})
        decision = decide(rollout, members, PACE, now)
        assert decision.reason
        members = after(members, decision.start, attempt="running")
        rollout, ended = decision.rollout, ended + len(decision.start)
    assert ended == size
    assert {each.version for each in members} == {"1.2.0"}


def moments() -> st.SearchStrategy:
    return st.integers(-99, 99).map(lambda hours: DAY + hours * HOUR)


VERSIONS = st.sampled_from(("1.0.0", "1.1.0", "1.2.0", "1.10.0"))
MEMBERS = st.builds(
    Member,
    id=st.uuids().map(str),
    host=st.sampled_from("abc"),
    version=VERSIONS,
    zone=st.sampled_from(("UTC", "Asia/Kolkata", "America/Chicago", "?")),
    pinned_to=st.just("") | VERSIONS,
    postponed_until=st.none() | moments(),
    attempt=st.sampled_from(("none", "none", "running", "done", "failed")),
    is_reachable=st.booleans(),
)
ROLLOUTS = st.builds(
    Rollout,
    target=st.just(ROUTINE.target),
    published_at=moments(),
    urgency=st.sampled_from(("routine", "security")),
    security_floor=VERSIONS.filter("1.10.0".__ne__),
    floor_raised_at=st.none() | moments(),
    state=st.sampled_from(("active", "active", "paused", "halted", "done")),
    wave=st.integers(0, 2),
    wave_started_at=st.none() | moments(),
    soaking_since=st.none() | moments(),
    ended_before=st.integers(0, 30),
    forgiven=st.integers(0, 30),
)
PACES = st.builds(
    Pace,
    canaries=st.integers(1, 9),
    canary_share=st.floats(0, 1),
    second_share=st.floats(0, 1),
    enough=st.floats(0, 1),
    failure_share=st.floats(0, 1),
    sample=st.integers(0, 30),
    at_once=st.integers(0, 9),
    at_once_per_host=st.integers(0, 3),
)


@given(ROLLOUTS, st.lists(MEMBERS, max_size=30), PACES, moments())
def test_whatever_is_written_down_the_limits_hold_and_nobody_is_started_twice(
    rollout, members, pace, now
):
    decision = decide(rollout, members, pace, now)
    assert decision.reason.endswith(".")
    assert decision.rollout.wave >= rollout.wave
    assert decision.rollout.state == "active" or not decision.start
    busy = [each.host for each in members if each.attempt == "running"]
    starting = [each for each in members if each.id in decision.start]
    for each in starting:
        assert find_standing(each, rollout, pace, now) is Standing.WAITING
        assert busy.count(each.host) < pace.at_once_per_host
        busy.append(each.host)
        assert len(busy) <= pace.at_once
    assert decide(decision.rollout, members[::-1], pace, now).start == decision.start
    running = after(members, decision.start, attempt="running")
    assert decide(decision.rollout, running, pace, now).start == ()
    if rollout.state in ("paused", "halted"):
        resumed = resume(rollout, members, pace, now)
        assert decide(resumed, members, pace, now).rollout.state in ("active", "done")
