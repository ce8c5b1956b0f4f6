"""Whoever has the words finds the newest backup that counts, and changes nothing. Real restic."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from provisioner.errors import BackupFailed
from provisioner.node.back_up import back_up
from provisioner.node.find_card import find_card
from provisioner.node.thin_out import thin_out
from tests.node.conftest import Household, make_household

pytestmark = pytest.mark.live  # it needs restic, and each of its calls half a second
RULES = {"last": 1, "days": 0, "weeks": 0, "months": 0}
MOMENTS = ("2026-01-01T03:00:00+00:00", "2026-01-02T03:00:00+00:00")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Two backups that count, and a copy that nobody counted; none of these tests changes it."""
    household = make_household(tmp_path_factory.mktemp("kept"))
    made = [
        back_up({**household.wish, "card": card}, household.places) for card in ("older", "newer")
    ]
    household.restic("backup", str(household.places.data))
    return household, *made


@pytest.fixture
def copied(kept, tmp_path):
    """Another one like it, for a test that changes something."""
    repository = tmp_path / "copy"
    shutil.copytree(kept[0].repository, repository)
    return Household(kept[0].places, repository)


def look(household, snapshot="", **changes):
    wish = {"repository": str(household.repository), "is_ours": False, "snapshot": snapshot}
    return find_card(wish, replace(household.places, **changes))


def test_the_newest_that_counts_is_found_or_the_one_that_is_named(kept):
    household, older, newer = kept
    found = look(household)
    assert (found["snapshot"], found["card"]) == (newer["snapshot"], "newer")
    assert found["tally"] == newer["tally"]
    assert look(household, older["snapshot"][:8])["card"] == "older"
    with pytest.raises(BackupFailed, match="none that is called so"):
        look(household, "ffff")


def test_nothing_is_written_there_not_even_a_lock(kept):
    household, *_ = kept
    folders = [household.repository, *household.repository.rglob("*/")]
    before = {path: path.stat().st_mtime_ns for path in folders}
    look(household)
    assert {path: path.stat().st_mtime_ns for path in folders} == before


def test_other_words_and_an_empty_place_are_told_apart(kept, tmp_path):
    household, *_ = kept
    (tmp_path / "phrase").write_text("other words")
    with pytest.raises(BackupFailed) as refused:
        look(household, phrase=tmp_path / "phrase")
    assert refused.value.facts["reason"] == "the words do not open this repository"
    with pytest.raises(BackupFailed) as refused:
        look(replace(household, repository=tmp_path / "nowhere"))
    assert refused.value.facts["reason"] == "there are no backups at that place"


def test_copies_without_a_card_do_not_count(copied):
    copied.restic("forget", "--tag", "card", "--keep-tag", "none")
    with pytest.raises(BackupFailed, match="none that counts"):
        look(copied)


def test_a_card_goes_with_its_backup(copied, kept):
    _, older, newer = kept
    good = dict(zip((older["snapshot"], newer["snapshot"]), MOMENTS, strict=True))
    wish = {**copied.wish, "good": good, "rules": RULES}
    assert thin_out(wish, copied.places)["forgotten"] == [older["snapshot"]]
    left = json.loads(copied.restic("snapshots", "--json"))
    assert len(left) == 3, "the newer one, its card, and the one that nobody knows yet"
    assert look(copied)["snapshot"] == newer["snapshot"]
