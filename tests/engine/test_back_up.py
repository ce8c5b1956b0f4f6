"""Backups and drills on fakes: what is believed, what is recorded, and what is never left over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from provisioner.core.keeping import Shelf, list_later, plan_drill
from provisioner.core.promises import plan_promises
from provisioner.core.tally import Tally
from provisioner.engine.backups.back_up import request_backup, request_drill
from provisioner.engine.backups.phrase import PHRASE
from provisioner.engine.backups.upkeep import keep_up
from provisioner.engine.create import request_community
from provisioner.engine.operations import run_operation
from provisioner.engine.remove import request_removal
from provisioner.engine.upgrades.upgrade import request_repeat
from provisioner.errors import Conflict, NotFound, NothingKept
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationState
from provisioner.models.promise import Preset
from provisioner.models.release import RecipeBackup
from provisioner.models.service import JobState
from provisioner.models.verdict import Finding, Outcome, Verdict
from provisioner.node.report import MARK, WORD
from tests.fakes import FakeReleases, make_context, make_release

GENUINE = Verdict(Outcome.GENUINE, (Finding("files", Outcome.GENUINE, "as published"),))
ROWS = {"db/post": 7}
TALLY = {"files": 3, "bytes": 30, "rows": ROWS}
GOOD = {
    "back-up-local": {"tally": TALLY, "snapshot": "a" * 64, "read": "1/1", "seconds": 2.0},
    "thin-out-local": {"forgotten": []},
    "drill-local": {"rows": ROWS, "restore_seconds": 1.5, "seconds": 2.5},
}


@pytest.fixture
def context(tmp_path, monkeypatch):
    monkeypatch.setattr("provisioner.engine.checks.attest.check_community", lambda *_: GENUINE)
    context = make_context(tmp_path)
    release = make_release()
    recipe = release.recipe.model_copy(
        update={
            "commands": {
                name: (name,) for name in ("create-owner", "before-backup", "after-restore")
            },
            "backup": RecipeBackup(copies={"db": "backup/db"}),
        }
    )
    context.releases = FakeReleases(release.model_copy(update={"recipe": recipe}))
    context.reports = dict(GOOD)
    context.engine.read_logs = lambda name, lines=50: read_report(context, name)
    return context


def read_report(context, name):
    for end, told in context.reports.items():
        if name.endswith(f"-{end}"):
            line = json.dumps({MARK: end, **told}) if told is not None else "killed"
            return ["something else", line]
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


def back_up(context, family):
    return carry(context, request_backup(context, family, requested_by="test"))


def drill(context, family):
    return carry(context, request_drill(context, family, requested_by="test"))


def is_tidy(context):
    engine = context.engine
    words = [*engine.secrets, *engine.jobs, *engine.services, *engine.networks]
    return not engine.jobs and not any("phrase" in each or "drill" in each for each in words)


def test_a_backup_is_recorded_as_it_was_counted(context, family):
    assert back_up(context, family).state == OperationState.DONE
    (made,) = context.store.list_backups(family.id)
    assert (made.files, made.bytes, made.rows, made.read) == (3, 30, ROWS, "1/1")
    assert made.release == family.release
    assert is_tidy(context)


@pytest.mark.parametrize(
    "report",
    [
        None,  # killed before it said anything; its exit code was zero all the same
        {"error": "the place for backups is full", "detail": "ENOSPC"},
        {**GOOD["back-up-local"], "tally": {"files": 3}},
        {"tally": TALLY},
    ],
)
def test_a_job_that_ended_well_without_a_whole_report_is_no_backup(context, family, report):
    context.reports["back-up-local"] = report
    ended = back_up(context, family)
    assert (ended.state, ended.error_code) == (OperationState.FAILED, "backup-failed")
    assert context.store.list_backups(family.id) == []
    assert context.store.get_community(family.id).state == CommunityState.RUNNING
    assert is_tidy(context)


def test_a_good_report_of_a_job_that_failed_is_no_backup(context, family):
    context.engine.failing_jobs = {"back-up-local"}
    assert back_up(context, family).state == OperationState.FAILED
    assert context.store.list_backups(family.id) == []


def test_what_cannot_be_thinned_out_does_not_spoil_the_backup(context, family):
    context.reports["thin-out-local"] = {"error": "locked"}
    assert back_up(context, family).state == OperationState.DONE
    assert len(context.store.list_backups(family.id)) == 1


def test_what_was_forgotten_is_no_longer_listed(context, family):
    back_up(context, family)
    context.reports["back-up-local"] = {**GOOD["back-up-local"], "snapshot": "b" * 64}
    context.reports["thin-out-local"] = {"forgotten": ["a" * 64]}
    back_up(context, family)
    assert [each.snapshot for each in context.store.list_backups(family.id)] == ["b" * 64]


def test_an_app_whose_recipe_says_nothing_of_backups_fails_with_words(context, family):
    context.releases = FakeReleases(make_release())
    ended = back_up(context, family)
    assert ended.state == OperationState.FAILED
    assert "version 1.0.0 cannot be backed up" in ended.message
    assert is_tidy(context)


def test_the_words_are_minted_once_and_stay_sealed(context, family):
    seen = []
    keep = context.engine.ensure_secret
    context.engine.ensure_secret = lambda name, value, labels: (
        seen.append(value) if name.endswith("-phrase") else None,
        keep(name, value, labels),
    )
    back_up(context, family)
    back_up(context, family)
    drill(context, family)
    row = context.store.get_community(family.id)
    words = json.loads(context.vault.unseal(row.sealed_secrets))[PHRASE]
    assert set(seen) == {words.encode()}
    assert len(words.split()) == 24
    jobs = [*context.engine.jobs.values(), *context.engine.services.values()]
    assert not any(words in str(spec) for spec in jobs)


def test_the_keeper_may_read_the_data_and_nothing_else_of_the_community(context, family):
    started = []
    begin = context.engine.start_job
    context.engine.start_job = lambda job: (started.append(job.service), begin(job))
    back_up(context, family)
    (keeper,) = {s.name: s for s in started if s.name.endswith("back-up-local")}.values()
    (data,) = (mount for mount in keeper.mounts if mount.target == "/data")
    assert data.read_only
    assert keeper.capabilities == ("CAP_DAC_READ_SEARCH",)
    assert [ref.target for ref in keeper.secrets] == ["/run/secrets/phrase"]
    assert {mount.target for mount in keeper.mounts} == {"/data", "/scratch", "/repository"}


def test_a_drill_is_recorded_and_taken_away(context, family):
    back_up(context, family)
    started = {}
    begin = context.engine.ensure_service
    context.engine.ensure_service = lambda spec: (started.update({spec.name: spec}), begin(spec))
    assert drill(context, family).state == OperationState.DONE
    told = context.store.find_drills([family.id])[family.id]
    assert (told.flaw, told.rows, told.restore_seconds, told.seconds) == ("", 7, 1.5, 2.5)
    ((name, spec),) = started.items()
    assert spec.networks == (name,), "alone in a network of its own, which has no way out"
    assert "org.taarafo.community" not in spec.labels, "it is none of the community's own"
    assert all("/drill/" in mount.source for mount in spec.mounts)
    assert is_tidy(context)


@pytest.mark.parametrize(
    "report",
    [
        {"error": "6 rows in db/post instead of 7"},
        {**GOOD["drill-local"], "rows": {}},
        {"rows": ROWS},
        None,
    ],
)
def test_a_drill_that_failed_is_told_and_taken_away(context, family, report):
    back_up(context, family)
    context.reports["drill-local"] = report
    assert drill(context, family).state == OperationState.FAILED
    told = context.store.find_drills([family.id])[family.id]
    assert told.flaw
    assert told.rows == 0
    assert is_tidy(context)


@pytest.fixture
def slow_drill(context, monkeypatch):
    """A job that says one word more each time it is looked at, and what was made at each word."""
    words, seen = ["back", "whole", "awake"], []
    name = "drill-local"
    get, read = context.engine.get_job_state, context.engine.read_logs

    def get_state(job):
        is_it = job.endswith(name) and job in context.engine.jobs and len(seen) < len(words)
        return JobState.RUNNING if is_it else get(job)

    def read_logs(job, lines=50):
        if not job.endswith(name) or len(seen) == len(words):
            return read(job, lines=lines)
        engine = context.engine
        seen.append((words[len(seen)], sorted({*engine.jobs, *engine.services})))
        return [json.dumps({WORD: word}) for word in words[: len(seen)]]

    monkeypatch.setattr(context.engine, "get_job_state", get_state)
    monkeypatch.setattr(context.engine, "read_logs", read_logs)
    return seen


def test_the_app_is_started_as_soon_as_its_words_are_back(context, family, slow_drill):
    back_up(context, family)
    assert drill(context, family).state == OperationState.DONE
    made = {word: [each.split("-")[-1] for each in names] for word, names in slow_drill}
    assert "drill" not in made["back"]
    assert {"drill", "put"} <= set(made["whole"])
    assert is_tidy(context)


def test_an_app_that_puts_its_copy_back_itself_needs_one_container(context, family, slow_drill):
    recipe = context.releases.release.recipe
    commands = {**recipe.commands, "serve-restored": ("after-restore", "serve")}
    recipe = recipe.model_copy(update={"commands": commands})
    context.releases.publish(context.releases.release.model_copy(update={"recipe": recipe}))
    back_up(context, family)
    started = []
    begin = context.engine.ensure_service
    context.engine.ensure_service = lambda spec: (started.append(spec), begin(spec))
    assert drill(context, family).state == OperationState.DONE
    assert [spec.command for spec in started] == [("after-restore", "serve")]
    assert not any(name.endswith("-put") for _, names in slow_drill for name in names)


def test_an_app_that_never_wakes_up_fails_the_drill_with_what_it_said(context, family, monkeypatch):
    back_up(context, family)
    said = ["back", "whole", "the app answers 503"]
    get = context.engine.get_job_state
    monkeypatch.setattr(
        context.engine,
        "get_job_state",
        lambda job: (
            JobState.RUNNING
            if job.endswith("drill-local") and job in context.engine.jobs
            else get(job)
        ),
    )
    read = context.engine.read_logs
    monkeypatch.setattr(
        context.engine,
        "read_logs",
        lambda job, lines=50: (
            [json.dumps({WORD: word}) for word in said]
            if job.endswith("drill-local")
            else read(job, lines=lines)
        ),
    )
    ended = drill(context, family)
    assert (ended.state, ended.error_code) == (OperationState.FAILED, "took-too-long")
    assert "Waiting for it to wake up" in ended.message
    assert any("503" in line.text for line in context.store.list_log(ended.id))
    assert is_tidy(context)


def test_the_one_who_counts_waits_where_nothing_leads_unless_the_backup_is_elsewhere(
    context, family
):
    begun = {}
    begin = context.engine.start_job
    context.engine.start_job = lambda job: (begun.update({job.service.name: job}), begin(job))
    back_up(context, family)
    drill(context, family)
    (name,) = (each for each in begun if each.endswith("-drill-local"))
    assert begun[name].service.networks == (name.removesuffix("-local"),)
    shelf = Shelf("s3", "s3:https://store.example/x", keys="keys")
    job = plan_drill(
        family,
        context.releases.release,
        context.releases.release.recipe.backup,
        shelf,
        "a" * 64,
        Tally(3, 30, ROWS),
        context.place,
    )
    assert job.service.networks == ("host",)


def test_only_what_runs_is_backed_up_and_only_one_thing_at_a_time(context, family):
    with pytest.raises(NotFound):
        request_drill(context, family, requested_by="test")
    request_backup(context, family, requested_by="test")
    with pytest.raises(Conflict):
        request_backup(context, family, requested_by="test")


def test_with_the_community_everything_is_forgotten(context, family):
    back_up(context, family)
    drill(context, family)
    erased = []
    begin = context.engine.start_job
    context.engine.start_job = lambda job: (erased.append(job.service.command), begin(job))
    removal = request_removal(
        context, family, typed=family.label, even_without_backup=True, requested_by="test"
    )
    carry(context, removal)
    assert context.store.find_drills([family.id]) == {}
    assert context.store.list_backups(family.id) == []
    assert any(f"/backups/{family.id}" in command for command in erased)


def keep_elsewhere(context):
    """A second shelf, in an S3 store."""
    address = "s3:https://store.example/families"
    context.place = replace(context.place, backup_s3=address, backup_s3_secret="keys")
    context.engine.ensure_secret("keys", b"keys", {})
    context.reports |= {f"{verb}-s3": GOOD[f"{verb}-local"] for verb in ("back-up", "thin-out")}


def test_nothing_is_removed_without_a_copy_of_the_last_day_unless_told_twice(context, family):
    def remove(**more):
        return request_removal(context, family, typed=family.label, requested_by="test", **more)

    with pytest.raises(NothingKept) as refused:
        remove()
    assert "No copy of The Smith Family from the last day" in refused.value.explain()
    back_up(context, family)
    with pytest.raises(NothingKept):
        remove()  # what is on its own machine goes with it
    keep_elsewhere(context)
    back_up(context, family)
    context.clock.moment += timedelta(days=1, minutes=1)
    with pytest.raises(NothingKept):
        remove()
    context.reports["back-up-s3"] = {"error": "the S3 store does not answer"}
    back_up(context, family)
    with pytest.raises(NothingKept):
        remove()
    assert context.store.get_community(family.id).state == CommunityState.RUNNING
    context.reports["back-up-s3"] = {**GOOD["back-up-local"], "snapshot": "b" * 64}
    back_up(context, family)
    assert carry(context, remove()).state == OperationState.DONE


def test_told_twice_it_goes_without_a_copy(context, family):
    removal = request_removal(
        context, family, typed=family.label, even_without_backup=True, requested_by="test"
    )
    assert carry(context, removal).state == OperationState.DONE


def test_it_asks_by_itself_every_night_and_drills_every_week(context, family):
    assert keep_up(context) == 0, "made today: its first night comes"
    context.clock.moment += timedelta(days=1)
    assert keep_up(context) == 1
    assert keep_up(context) == 0, "it is under way"
    for operation_id in context.store.list_stranded(context.clock.now()):
        run_operation(context, operation_id)
    assert len(context.store.list_backups(family.id)) == 1
    context.clock.moment += timedelta(hours=2)
    assert keep_up(context) == 1, "the first drill"
    for operation_id in context.store.list_stranded(context.clock.now()):
        run_operation(context, operation_id)
    assert context.store.find_drills([family.id])[family.id].flaw == ""
    assert keep_up(context) == 0


def test_an_upgrade_begins_with_a_backup(context, family):
    operation = request_repeat(context, family, requested_by="test")
    run_operation(context, operation.id)
    (made,) = context.store.list_backups(family.id)
    assert made.operation_id == operation.id
    begun = [step.name for step in context.store.list_steps(operation.id)]
    assert begun.index("tidy_before") < begun.index("close_door")
    assert not any("phrase" in name for name in context.engine.secrets)


def test_without_a_backup_that_counts_nothing_is_upgraded(context, family):
    context.reports["back-up-local"] = {"error": "the place for backups is full"}
    operation = request_repeat(context, family, requested_by="test")
    run_operation(context, operation.id)
    ended = context.store.get_operation(operation.id)
    assert (ended.state, ended.error_code) == (OperationState.FAILED, "backup-failed")
    states = {step.name: step.state for step in context.store.list_steps(operation.id)}
    assert states.get("close_door", "pending") == "pending"
    assert context.store.get_community(family.id).slot == family.slot
    assert not any("phrase" in name for name in context.engine.secrets)


def test_what_holds_a_database_never_comes_later(context):
    release = context.releases.release
    recipe = release.recipe.model_copy(update={"immutable": ("media", "backup", "backups")})
    later = list_later(release.model_copy(update={"recipe": recipe}), recipe.backup)
    assert later == ["media", "backups"]
