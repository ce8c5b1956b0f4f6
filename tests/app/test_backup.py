"""Around a backup: the copy is whole, and it comes back."""

from __future__ import annotations

import pytest
from app.backup import after_restore, before_backup

from tests.app.conftest import Place


def test_the_copy_comes_back_over_a_torn_database(place: Place):
    ann = place.founder()
    ann.share("kept")
    before_backup(place.settings)
    ann.share("came later")
    database = place.settings.database
    torn = database.read_bytes()[: 4096 * 3]  # what copying a live file may yield
    database.write_bytes(torn)
    after_restore(place.settings)
    back = Place(place.settings).person()
    back.browser = ann.browser
    assert "kept" in ann.get("/").text
    assert "came later" not in ann.get("/").text


def test_without_a_copy_the_database_itself_is_checked(place: Place):
    place.founder().share("kept")
    after_restore(place.settings)
    database = place.settings.database
    content = bytearray(database.read_bytes())
    content[4096 * 2 : 4096 * 9] = b"\x07" * (4096 * 7)
    database.write_bytes(content)
    with pytest.raises(Exception, match=r"damaged|malformed|corrupt"):
        after_restore(place.settings)


def test_a_new_copy_replaces_the_old_one(place: Place):
    ann = place.founder()
    before_backup(place.settings)
    ann.share("newer")
    before_backup(place.settings)
    assert b"newer" in place.settings.backup.read_bytes()
    assert not list(place.settings.backup.parent.glob("*.new"))
