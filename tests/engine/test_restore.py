"""A community is brought back on fakes: what is believed, what is kept, what is never left over."""

from __future__ import annotations

import json
import secrets

import pytest

from provisioner.core.place import host_of
from provisioner.engine.backups.phrase import PHRASE, mint_phrase, read_phrase
from provisioner.engine.backups.restore import request_restore
from provisioner.engine.backups.restore_steps import RESTORE_STEPS
from provisioner.engine.keys import get_keys, sha256_of
from provisioner.engine.operations import run_operation, run_stranded
from provisioner.engine.remove import request_removal
from provisioner.errors import NameRefused, SaidBadly
from provisioner.models.community import CommunityState
from provisioner.models.operation import OperationState, StepState
from tests.engine import test_back_up as keeping
from tests.fakes import FakeReleases

context, family = keeping.context, keeping.family
carry, back_up = keeping.carry, keeping.back_up
MADE_AT = "2026-01-02T03:04:05+00:00"


@pytest.fixture
def kit(context, family, tmp_path, monkeypatch):
    """A backup as it lies somewhere, and the words; the community itself is gone."""
    wishes = []
    begin = context.engine.start_job
    context.engine.start_job = lambda job: (wishes.append(job.service), begin(job))
    back_up(context, family)
    (spec,) = [each for each in wishes if each.name.endswith("-back-up-local")]
    card = json.loads(spec.command[-1])["card"]
    words = json.loads(context.vault.unseal(row_of(context, family).sealed_secrets))[PHRASE]
    console = get_keys(context, family).console_token
    folder = tmp_path / "usb"
    folder.mkdir()
    (folder / "config").write_text("encrypted")
    context.reports |= {
        "find-card-source": {
            "snapshot": "a" * 64,
            "tally": keeping.TALLY,
            "made_at": MADE_AT,
            "card": card,
        },
        "restore-source": {"tally": keeping.TALLY, "seconds": 1.5},
    }
    return {"source": str(folder), "phrase": words, "console": console, "wishes": wishes}


def row_of(context, community):
    return context.store.get_community(community.id)


def take_down(context, family):
    removal = request_removal(
        context, family, typed=family.label, even_without_backup=True, requested_by="test"
    )
    carry(context, removal)


def ask(context, kit, **changes):
    said = {"source": kit["source"], "phrase": kit["phrase"], "requested_by": "test", **changes}
    return request_restore(context, **said)


def restore(context, kit, **changes):
    community, operation = ask(context, kit, **changes)
    ended = carry(context, operation)
    return row_of(context, community), ended


def is_tidy(context):
    engine = context.engine
    words = [*engine.secrets, *engine.services, *engine.networks]
    return not engine.jobs and not any(
        part in each for each in words for part in ("phrase", "source", "restoring", "drill")
    )


def test_everything_is_as_it_was(context, family, kit):
    take_down(context, family)
    back, ended = restore(context, kit)
    assert ended.state == OperationState.DONE, ended.message
    assert back.id != family.id
    for name in ("name", "label", "address", "founder", "preset", "promises", "release"):
        assert getattr(back, name) == getattr(family, name), name
    assert back.state == CommunityState.RUNNING
    keys = get_keys(context, back)
    assert keys.console_token == kit["console"]
    assert back.console_sha256 == sha256_of(kit["console"])
    kept = json.loads(context.vault.unseal(back.sealed_secrets))
    assert kept[PHRASE] == kit["phrase"], "the same paper opens what is backed up here"
    assert kept["source_keys"] == ""
    assert is_tidy(context)


def test_the_backup_is_only_read(context, family, kit):
    take_down(context, family)
    restore(context, kit)
    read = [each for each in kit["wishes"] if each.name.endswith("-source")]
    assert len({each.name for each in read}) == 2, "its card, and its data"
    for spec in read:
        (mount,) = [each for each in spec.mounts if each.target == "/repository"]
        assert (mount.source, mount.read_only) == (kit["source"], True)
        assert json.loads(spec.command[-1])["is_ours"] is False


def test_nothing_secret_is_in_an_argument(context, family, kit):
    values = json.loads(context.vault.unseal(row_of(context, family).sealed_secrets))
    take_down(context, family)
    restore(context, kit)
    seen = str(kit["wishes"])
    assert not any(value in seen for value in values.values())


def test_the_founder_gets_a_fresh_key_and_no_invitation_opens_again(context, family, kit):
    before = get_keys(context, family).signin_url
    take_down(context, family)
    seen = {}
    keep = context.engine.ensure_secret
    context.engine.ensure_secret = lambda name, value, labels: (
        seen.update({name: value}),
        keep(name, value, labels),
    )
    back, _ = restore(context, kit)
    after = get_keys(context, back).signin_url
    assert after != before
    (order,) = [json.loads(value) for name, value in seen.items() if name.endswith("-owner")]
    assert order["signin_sha256"] == sha256_of(after.rpartition("/")[2])
    assert "invite_sha256" not in order


def test_beside_the_one_that_lives_it_takes_another_name_and_its_own_page(context, family, kit):
    _, refused = restore(context, kit)
    assert (refused.state, refused.error_code) == (OperationState.FAILED, "restore-failed")
    assert f"“{family.label}”, or one just like it, is taken here" in refused.message
    assert is_tidy(context)
    back, ended = restore(context, kit, label="smith-again")
    assert ended.state == OperationState.DONE, ended.message
    assert host_of(back).startswith("smith-again.")
    assert get_keys(context, back).console_token != kit["console"]
    assert row_of(context, family).state == CommunityState.RUNNING


def test_another_label_that_is_taken_is_refused_at_once(context, family, kit):
    with pytest.raises(NameRefused):
        ask(context, kit, label=family.label)


@pytest.mark.parametrize(
    ("job", "report", "words"),
    [
        ("find-card", {"error": "the words do not open this repository"}, "the words do not open"),
        ("find-card", {"error": "there are no backups at that place"}, "there are no backups"),
        ("restore", {"error": "6 rows in db/post instead of 7"}, "6 rows in db/post instead of 7"),
        ("restore", None, "cut off before it said"),
    ],
)
def test_what_is_wrong_is_said_and_leaves_nothing(context, family, kit, job, report, words):
    take_down(context, family)
    context.reports[f"{job}-source"] = report
    gone, ended = restore(context, kit)
    assert (ended.state, ended.error_code) == (OperationState.FAILED, "restore-failed")
    assert ended.message.startswith("Nothing was brought back: ")
    assert words in ended.message
    assert (gone.state, gone.reserved, gone.sealed_secrets) == (CommunityState.FAILED, None, b"")
    assert is_tidy(context)


def test_a_card_of_other_words_is_refused(context, family, kit):
    take_down(context, family)
    _, ended = restore(context, kit, phrase=mint_phrase())
    assert ended.error_code == "restore-failed"
    assert "cannot be read" in ended.message


def test_a_newer_version_is_not_brought_back_by_an_older_one(context, family, kit):
    take_down(context, family)
    release = context.releases.release
    recipe = release.recipe.model_copy(update={"version": "0.9.0"})
    context.releases = FakeReleases(release.model_copy(update={"recipe": recipe}))
    _, ended = restore(context, kit)
    assert "it ran version 1.0.0, and the newest one here is 0.9.0" in ended.message


def test_an_older_version_comes_back_as_it_ran_unless_that_is_not_safe(context, family, kit):
    take_down(context, family)
    release = context.releases.release
    recipe = release.recipe.model_copy(update={"version": "1.1.0"})
    newer = context.releases.publish(release.model_copy(update={"recipe": recipe}))
    back, _ = restore(context, kit)
    assert back.version == "1.0.0"
    take_down(context, back)
    context.releases.floor = "1.1.0"
    again, _ = restore(context, kit)
    assert (again.version, again.release) == ("1.1.0", newer.target)


@pytest.mark.parametrize("step", [plan.name for plan in RESTORE_STEPS])
def test_a_worker_that_dies_at_a_step_is_continued(context, family, kit, step, monkeypatch):
    take_down(context, family)
    (plan,) = [each for each in RESTORE_STEPS if each.name == step]
    community, operation = ask(context, kit)
    record = context.store.record_step

    def die(row, state, *more, **how):
        if (row.name, state) == (step, StepState.DONE):
            raise KeyboardInterrupt
        return record(row, state, *more, **how)

    monkeypatch.setattr(context.store, "record_step", die)
    with pytest.raises(KeyboardInterrupt):
        run_operation(context, operation.id)
    monkeypatch.setattr(context.store, "record_step", record)
    context.clock.sleep(60)
    assert run_stranded(context) == 1
    assert context.store.get_operation(operation.id).state == OperationState.DONE, plan
    assert row_of(context, community).label == family.label
    assert is_tidy(context)


# -- what is typed ---------------------------------------------------------------------------------


def test_words_are_read_as_people_write_them_down():
    words = mint_phrase()
    each = words.split()
    numbered = "\n".join(f"{n}. {word.capitalize()}" for n, word in enumerate(each, 1))
    assert read_phrase(numbered) == words
    assert read_phrase(", ".join(word[:4] for word in each)) == words


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda words: words[:-1], "We need 24 words, and here are 23."),
        (lambda words: [*words[:-1], "taarafo"], "“taarafo” is none of the words"),
        (lambda words: [*words[1:], words[0]], "together they are not right"),
        (lambda _: [], "We need 24 words, and here are 0."),
    ],
)
def test_words_with_a_slip_are_refused_with_what_is_wrong(spoil, says):
    words = "abandon " * 23 + "art"
    with pytest.raises(SaidBadly, match=says):
        read_phrase(" ".join(spoil(words.split())))


def test_places_that_cannot_be_are_refused_and_nothing_is_recorded(context, kit, tmp_path):
    count = len(context.store.list_operations())
    many = tmp_path / "many"
    for name in ("one", "two"):
        (many / name).mkdir(parents=True)
        (many / name / "config").touch()
    for source, keys, says in (
        (str(tmp_path / "nowhere"), b"", "There is no folder"),
        (str(tmp_path), b"", "In .* are backups of several communities"),
        (str(many), b"", "one, two"),
        ("s3:nonsense", b"", "has to look like"),
        ("s3:https://store.example/bucket/a", b"", "opens with keys"),
    ):
        with pytest.raises(SaidBadly, match=says):
            ask(context, kit, source=source, keys=keys)
    assert len(context.store.list_operations()) == count


def test_keys_of_a_store_are_handed_over_and_taken_back(context, family, kit):
    take_down(context, family)
    keys, seen = secrets.token_hex(8).encode(), {}
    keep = context.engine.ensure_secret
    context.engine.ensure_secret = lambda name, value, labels: (
        seen.update({name: value}),
        keep(name, value, labels),
    )
    back, ended = restore(context, kit, source="s3:https://store.example/bucket/a/", keys=keys)
    assert ended.state == OperationState.DONE, ended.message
    assert keys in seen.values()
    assert keys not in context.engine.secrets.values()
    assert keys.decode() not in context.vault.unseal(back.sealed_secrets).decode()
