"""What a founder and an operator are told of backups and drills: only what is known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.models.backup import Backup, Drill
from tests.app.reading import grade
from tests.web.serving import sign_in
from tests.web.visitor import Visitor, wish
from web.console import keeping


@pytest.fixture
def community(visitor, context):
    operation = wish(visitor, context)
    run_operation(context, operation.id)
    return context.store.get_community(operation.community_id)


@pytest.fixture
def founder(app, context, community) -> Visitor:
    return Visitor(app).go(f"/my/{get_keys(context, community).console_token}")


def record(context, community, **drilled):
    operation = context.store.list_operations(community.id)[0].id
    backup = Backup(
        community_id=community.id,
        operation_id=operation,
        shelf="local",
        snapshot="a" * 64,
        release=community.release,
        files=3,
        bytes=30,
        rows={"db/post": 1204},
        read="1/1",
        seconds=2.0,
        made_at=context.clock.now(),
    )
    context.store.record_backup(backup)
    if drilled:
        drill = Drill(
            community_id=community.id,
            operation_id=operation,
            made_at=context.clock.now(),
            **drilled,
        )
        context.store.record_drill(drill)


def look(founder):
    return founder.go("/my/smith-family").words


def test_before_the_first_night_nothing_is_claimed(founder):
    assert "The first one is made tonight" in look(founder)
    assert "We have not tried to bring one back yet" in look(founder)


def test_the_last_restore_is_told_with_its_day_seconds_and_rows(founder, context, community):
    record(context, community, rows=1204, seconds=12.4)
    words = look(founder)
    assert "The last one was made just now" in words
    assert "in 12 seconds: all 1,204 entries came back" in words


def test_a_drill_that_failed_and_a_backup_that_is_late_are_not_hidden(founder, context, community):
    record(context, community, flaw="This backup does not count: …")
    assert "and it did not work" in look(founder)
    assert "all 1,204" not in look(founder)
    context.clock.moment += timedelta(days=3)
    assert "That is too long ago" in look(founder)


def test_two_days_without_a_good_one_are_not_called_tonight(founder, context):
    context.clock.moment += timedelta(days=3)
    assert "No copy has worked out yet" in look(founder)


def test_the_dashboard_says_when_it_was_last_restored(app, context, community):
    record(context, community, rows=1204, seconds=12.4)
    browser = sign_in(context, app)
    for path in ("/operator", f"/operator/communities/{community.id}"):
        page = browser.get(path).text
        assert "12.4 s, 1204 rows matched" in page
        assert context.clock.now().strftime("%Y-%m-%d") in page


def test_a_twelve_year_old_reads_it():
    said = [
        text for name, text in vars(keeping).items() if name.isupper() and isinstance(text, str)
    ]
    assert len(said) == 7
    assert grade(" ".join(said)) <= 6.0
