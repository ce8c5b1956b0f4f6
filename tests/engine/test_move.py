"""A move on fakes: what is asked for, what is refused, and what a kill at any step leaves."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.core.promises import plan_promises
from provisioner.engine.backups.back_up import request_backup
from provisioner.engine.backups.phrase import mint_phrase
from provisioner.engine.backups.upkeep import keep_up
from provisioner.engine.courses import COURSES
from provisioner.engine.create import request_community
from provisioner.engine.moves.export import request_export, request_stay
from provisioner.engine.moves.move import erase_moved, request_move
from provisioner.engine.moves.receipt import write_receipt
from provisioner.engine.operations import Runner, run_operation, run_stranded
from provisioner.engine.remove import request_removal
from provisioner.engine.upgrades.upgrade import request_repeat
from provisioner.errors import Conflict, MoveRefused, ReceiptRefused, SaidBadly, UpgradeRefused
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationKind, OperationState
from provisioner.models.promise import Preset
from provisioner.models.release import RecipeBackup
from provisioner.models.verdict import Finding, Outcome, Verdict
from provisioner.node.report import MARK
from tests.fakes import FakeReleases, make_context, make_release

GENUINE = Verdict(Outcome.GENUINE, (Finding("files", Outcome.GENUINE, "as published"),))
ROWS = {"db/post": 7}
TALLY = {"files": 3, "bytes": 30, "rows": ROWS}
HOME = "https://smith.example.org"
COPIED = {"tally": TALLY, "snapshot": "a" * 64, "read": "1/1", "seconds": 2.0}
GOOD = {
    "back-up-local": COPIED,
    "thin-out-local": {"forgotten": []},
    "export": {**COPIED, "contents": "c" * 64},
    "pack": {"sha256": "d" * 64, "bytes": 1000},
    "recount": {"tally": TALLY},
}


@pytest.fixture
def context(tmp_path, monkeypatch):
    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: GENUINE)
    context = make_context(tmp_path)
    release = make_release()
    commands = {name: (name,) for name in ("create-owner", "before-backup", "after-restore")}
    recipe = release.recipe.model_copy(
        update={"commands": commands, "backup": RecipeBackup(copies={"db": "backup/db"})}
    )
    context.releases = FakeReleases(release.model_copy(update={"recipe": recipe}))
    context.reports = dict(GOOD)
    context.engine.read_logs = lambda name, lines=50: read_report(context, name)
    context.started = {}
    begin = context.engine.start_job
    context.engine.start_job = lambda job: (
        context.started.update({job.service.name: job.service}),
        begin(job),
    )
    return context


def read_report(context, name):
    for end, told in context.reports.items():
        if name.endswith(f"-{end}"):
            return [json.dumps({MARK: end, **told}) if told is not None else "killed"]
    return []


@pytest.fixture
def family(context):
    community, operation = request_community(
        context,
        name="The Smith Family",
        preset=Preset.FAMILY,
        promises=plan_promises(Preset.FAMILY),
        founder="Ann",
        requested_by="test",
    )
    run_operation(context, operation.id)
    return context.store.get_community(community.id)


def carry(context, operation):
    run_operation(context, operation.id)
    return context.store.get_operation(operation.id)


def look(context, family):
    return context.store.get_community(family.id)


def ask_export(context, family, tmp_path, name="family.bundle", **more):
    living = look(context, family)
    return request_export(context, living, file=tmp_path / name, requested_by="test", **more)


def export(context, family, tmp_path, **more):
    return carry(context, ask_export(context, family, tmp_path, **more))


def words_of(context, family):
    return json.loads(context.vault.unseal(look(context, family).sealed_secrets))["backup_phrase"]


def make_receipt(context, family, phrase="", **changes):
    """As another control plane writes it: with a key of its own."""
    bundle = context.store.list_bundles(family.id)[0]
    told = {
        "bundle": bundle.letter,
        "from": family.address,
        "home": HOME,
        "community": "e" * 32,
        "expected": TALLY,
        "found": TALLY,
        **changes,
    }
    here, context.vault.name = context.vault.name, "second"
    try:
        return write_receipt(context, told, phrase or words_of(context, family))
    finally:
        context.vault.name = here


def ask_move(context, family, receipt, **more):
    living = look(context, family)
    return request_move(context, living, receipt=receipt, requested_by="test", **more)


def is_tidy(context):
    engine = context.engine
    return not engine.jobs and not any("phrase" in name for name in engine.secrets)


def command_of(context, end):
    (found,) = [spec for name, spec in context.started.items() if name.endswith(end)]
    return found.command


# -- the export ------------------------------------------------------------------------------------


def test_an_export_is_recorded_and_leaves_it_readable(context, family, tmp_path):
    ended = export(context, family, tmp_path)
    assert ended.state == OperationState.DONE, ended.message
    (bundle,) = context.store.list_bundles(family.id)
    assert (bundle.files, bundle.bytes, bundle.rows) == (3, 30, ROWS)
    assert bundle.file == str(tmp_path / "family.bundle")
    living = look(context, family)
    assert living.state == CommunityState.RUNNING
    assert living.reading_since is not None
    assert bundle.made_at - living.reading_since >= timedelta(seconds=3), "the last words arrived"
    assert is_tidy(context)
    name = f"taarafo-{family.label}-{family.id[:8]}-read-only"
    (door,) = context.started[name].mounts
    assert door.source.endswith(f"/edge/{family.label}.localhost")


def test_a_mere_copy_closes_nothing(context, family, tmp_path):
    assert export(context, family, tmp_path, keeps_open=True).state == OperationState.DONE
    assert look(context, family).reading_since is None
    assert not any(name.endswith("read-only") for name in context.started)
    with pytest.raises(MoveRefused):
        ask_move(context, family, make_receipt(context, family))


def test_the_words_and_the_key_are_in_no_job(context, family, tmp_path):
    export(context, family, tmp_path)
    words, key = words_of(context, family), context.vault.derive("letters 1").hex()
    assert not any(each in str(spec) for spec in context.started.values() for each in (words, key))
    (data,) = [
        mount
        for name, spec in context.started.items()
        if name.endswith("-export")
        for mount in spec.mounts
        if mount.target == "/data"
    ]
    assert data.read_only


@pytest.mark.parametrize(
    ("job", "report"),
    [
        ("export", {"error": "there is not enough room for it"}),
        ("export", None),
        ("export", {**GOOD["export"], "tally": {"files": 3}}),
        ("pack", {"error": "there is not enough room for it"}),
        ("pack", None),
    ],
)
def test_an_export_that_fails_leaves_nothing_and_opens_it_again(
    context, family, tmp_path, job, report
):
    context.reports[job] = report
    ended = export(context, family, tmp_path)
    assert (ended.state, ended.error_code) == (OperationState.FAILED, "export-failed")
    assert context.store.list_bundles(family.id) == []
    living = look(context, family)
    assert (living.state, living.reading_since) == (CommunityState.RUNNING, None)
    assert command_of(context, "-writable")[-1].endswith("/read-only")
    assert command_of(context, "-no-part")[-1].startswith(f"{tmp_path}/.family.bundle.")
    assert is_tidy(context)


def test_a_second_export_that_fails_opens_nothing_that_was_closed_before(context, family, tmp_path):
    export(context, family, tmp_path)
    since = look(context, family).reading_since
    context.reports["pack"] = {"error": "full"}
    assert export(context, family, tmp_path, name="again").state == OperationState.FAILED
    assert look(context, family).reading_since == since


def test_no_file_is_written_over_and_no_folder_is_made(context, family, tmp_path):
    (tmp_path / "there").touch()
    for name in ("there", "no/such/folder", "x" * 200):
        with pytest.raises(SaidBadly):
            ask_export(context, family, tmp_path, name=name)
    assert look(context, family).reading_since is None


def test_it_can_be_written_again_when_it_stays(context, family, tmp_path):
    with pytest.raises(MoveRefused):
        request_stay(context, family, requested_by="test")
    export(context, family, tmp_path)
    receipt = make_receipt(context, family)
    carry(context, request_stay(context, look(context, family), requested_by="test"))
    assert look(context, family).reading_since is None
    with pytest.raises(MoveRefused) as refused:
        ask_move(context, family, receipt)
    assert "could be written after this bundle was made" in refused.value.explain()
    export(context, family, tmp_path, name="again")
    with pytest.raises((MoveRefused, ReceiptRefused)):
        ask_move(context, family, receipt)


def test_it_is_backed_up_every_night_while_it_can_only_be_read(context, family, tmp_path):
    export(context, family, tmp_path)
    context.clock.moment += timedelta(days=1)
    assert keep_up(context) == 1


def test_its_version_stays_while_it_moves(context, family, tmp_path):
    export(context, family, tmp_path)
    with pytest.raises(UpgradeRefused) as refused:
        request_repeat(context, look(context, family), requested_by="test")
    assert "was exported to move" in refused.value.explain()
    assert context.store.list_fleet(family.app, family.channel) == []
    carry(context, request_stay(context, look(context, family), requested_by="test"))
    assert len(context.store.list_fleet(family.app, family.channel)) == 1


def test_with_an_export_of_the_last_day_it_may_be_removed(context, family, tmp_path):
    export(context, family, tmp_path, keeps_open=True)
    removal = request_removal(context, family, typed=family.label, requested_by="test")
    assert carry(context, removal).state == OperationState.DONE
    assert context.store.list_bundles(family.id) == []


# -- the receipt -----------------------------------------------------------------------------------


def test_once_all_came_its_address_leads_away(context, family, tmp_path):
    export(context, family, tmp_path)
    ended = carry(context, ask_move(context, family, make_receipt(context, family)))
    assert ended.state == OperationState.DONE, ended.message
    moved = look(context, family)
    assert (moved.state, moved.moved_to) == (CommunityState.MOVED, HOME)
    assert (moved.reading_since, moved.reserved) == (None, family.reserved)
    assert moved.sealed_secrets, "what is kept can still be opened"
    assert command_of(context, "-lead-away")[-1] == "https:smith.example.org"
    engine = context.engine
    assert (engine.services, engine.networks, engine.secrets, engine.jobs) == ({}, {}, {}, {})
    with pytest.raises(Conflict):
        request_backup(context, moved, requested_by="test")
    with pytest.raises(Conflict):
        ask_export(context, family, tmp_path, name="again")
    assert keep_up(context) == 0


SPOILED = {
    "another bundle": {"bundle": "f" * 64},
    "a file less": {"found": {**TALLY, "files": 2}},
    "a byte more": {"found": {**TALLY, "bytes": 31}},
    "a row less": {"found": {**TALLY, "rows": {"db/post": 6}}},
    "a table less": {"found": {**TALLY, "rows": {}}},
    "no counts": {"found": {}},
    "no address": {"home": "javascript:alert(1)"},
    "a path": {"home": "https://smith.example.org/x"},
    "a line": {"home": "https://smith.example.org\n"},
    "a newer form": {"form": 2},
}


@pytest.mark.parametrize("changes", SPOILED.values(), ids=SPOILED.keys())
def test_a_receipt_that_is_not_right_changes_nothing(context, family, tmp_path, changes):
    export(context, family, tmp_path)
    with pytest.raises(ReceiptRefused):
        ask_move(context, family, make_receipt(context, family, **changes))
    assert_unmoved(context, family)


def test_nobody_is_led_to_where_she_is(context, family, tmp_path):
    export(context, family, tmp_path)
    with pytest.raises(ReceiptRefused):
        ask_move(context, family, make_receipt(context, family, home=f"http://{family.address}"))
    assert_unmoved(context, family)


def test_who_had_not_the_words_writes_no_receipt(context, family, tmp_path):
    export(context, family, tmp_path)
    forged = make_receipt(context, family, mint_phrase())
    with pytest.raises(ReceiptRefused) as refused:
        ask_move(context, family, forged)
    assert "did not have the words" in refused.value.explain()
    assert_unmoved(context, family)


def test_a_receipt_of_which_a_letter_changed_is_refused(context, family, tmp_path):
    export(context, family, tmp_path)
    envelope = json.loads(make_receipt(context, family))
    for field in ("payload", "payloadType"):
        text = envelope[field]
        spoiled = {**envelope, field: text[:20] + ("A" if text[20] != "A" else "B") + text[21:]}
        with pytest.raises(ReceiptRefused):
            ask_move(context, family, json.dumps(spoiled).encode())
    for raw in (b"", b"{}", b"[]", b"\xff", b'{"a": 1'):
        with pytest.raises(ReceiptRefused):
            ask_move(context, family, raw)
    assert_unmoved(context, family)


def test_who_signed_it_can_be_asked_for(context, family, tmp_path):
    export(context, family, tmp_path)
    receipt = make_receipt(context, family)
    with pytest.raises(ReceiptRefused) as refused:
        ask_move(context, family, receipt, signed_by="0" * 64)
    assert "signed by another key" in refused.value.explain()
    assert_unmoved(context, family)


def assert_unmoved(context, family):
    living = look(context, family)
    assert (living.state, living.moved_to) == (CommunityState.RUNNING, "")
    assert living.reading_since is not None, "it waits as it did"
    assert context.engine.services


@pytest.mark.parametrize(
    "now",
    [
        {**TALLY, "files": 4},
        {**TALLY, "rows": {"db/post": 8}},
        {**TALLY, "rows": {"db/post": 6}},
    ],
)
def test_what_was_written_all_the_same_is_not_left_behind(context, family, tmp_path, now):
    export(context, family, tmp_path)
    context.reports["recount"] = {"tally": now}
    ended = carry(context, ask_move(context, family, make_receipt(context, family)))
    assert (ended.state, ended.error_code) == (OperationState.FAILED, "move-refused")
    assert "Something was still written here" in ended.message
    assert_unmoved(context, family)
    assert is_tidy(context)


def test_what_is_kept_is_erased_when_its_time_is_over(context, family, tmp_path):
    export(context, family, tmp_path)
    carry(context, ask_move(context, family, make_receipt(context, family)))
    assert erase_moved(context) == 0
    context.clock.moment += timedelta(days=14, seconds=1)
    context.engine.failing_jobs = {"-erase-kept"}
    assert erase_moved(context) == 1
    assert erase_moved(context) == 0, "one at a time"
    run_stranded(context)
    context.engine.failing_jobs = set()
    assert erase_moved(context) == 1, "it is still there"
    run_stranded(context)
    erased = look(context, family)
    assert (erased.state, erased.moved_to, erased.kept_until) == ("moved", HOME, None)
    assert (erased.sealed_secrets, erased.founder) == (b"", "")
    assert str(Path(context.place.communities_dir) / family.id) in command_of(
        context, "-erase-kept"
    )
    assert erase_moved(context) == 0


def test_told_so_it_is_erased_at_once(context, family, tmp_path):
    export(context, family, tmp_path)
    carry(context, ask_move(context, family, make_receipt(context, family), erases=True))
    moved = look(context, family)
    assert (moved.state, moved.sealed_secrets, moved.kept_until) == ("moved", b"", None)


def test_what_moved_can_be_removed_with_its_way_on(context, family, tmp_path):
    export(context, family, tmp_path)
    carry(context, ask_move(context, family, make_receipt(context, family)))
    moved = look(context, family)
    removal = request_removal(context, moved, typed=moved.label, requested_by="test")
    assert carry(context, removal).state == OperationState.DONE
    assert (look(context, family).state, look(context, family).moved_to) == ("removed", "")


# -- killed at every step --------------------------------------------------------------------------


class Killed(BaseException):
    """As SIGKILL: nothing of the program's own runs any more."""


def kill_at(context, monkeypatch, operation, step, *, after):
    """The worker dies before or after this step's effect; another one goes on once it is missed."""
    take = Runner._take_step

    def die(self, plan, row):
        if plan.name == step:
            if after:
                self._try_until_done(plan)
            raise Killed
        take(self, plan, row)

    with monkeypatch.context() as patch:
        patch.setattr(Runner, "_take_step", die)
        with pytest.raises(Killed):
            run_operation(context, operation.id)
    context.clock.moment += timedelta(seconds=context.settings.lease_seconds + 1)
    assert run_stranded(context) == 1
    return context.store.get_operation(operation.id)


def name_steps(kind):
    return [plan.name for plan in COURSES[kind].steps]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", name_steps(OperationKind.EXPORT))
def test_an_export_is_finished_by_another_worker(
    context, family, tmp_path, monkeypatch, step, after
):
    operation = ask_export(context, family, tmp_path)
    ended = kill_at(context, monkeypatch, operation, step, after=after)
    assert ended.state == OperationState.DONE, ended.message
    assert len(context.store.list_bundles(family.id)) == 1
    assert is_tidy(context)
    moved = carry(context, ask_move(context, family, make_receipt(context, family)))
    assert moved.state == OperationState.DONE


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", name_steps(OperationKind.MOVE))
def test_a_move_is_finished_by_another_worker(context, family, tmp_path, monkeypatch, step, after):
    export(context, family, tmp_path)
    operation = ask_move(context, family, make_receipt(context, family))
    ended = kill_at(context, monkeypatch, operation, step, after=after)
    assert ended.state == OperationState.DONE, ended.message
    moved = look(context, family)
    assert (moved.state, moved.moved_to) == (CommunityState.MOVED, HOME)
    assert (context.engine.services, context.engine.jobs, context.engine.secrets) == ({}, {}, {})


def test_from_when_somebody_is_led_away_it_only_goes_forward(context, family, tmp_path):
    export(context, family, tmp_path)
    operation = ask_move(context, family, make_receipt(context, family))
    context.engine.failing_jobs = {"-lead-away"}
    waiting = carry(context, operation)
    assert waiting.state == OperationState.WAITING
    context.engine.failing_jobs = set()
    assert run_stranded(context) == 1
    assert context.store.get_operation(operation.id).state == OperationState.DONE
    assert look(context, family).moved_to == HOME
