"""What a founder and an operator are told of room on the disk, and how a quota is chosen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.core.quotas import MB, Weight
from provisioner.engine.keys import get_keys
from provisioner.engine.operations import run_operation
from provisioner.engine.weighing import look_at_disk
from tests.app.reading import grade
from tests.web.serving import count_queries, post, sign_in
from tests.web.test_operator import add_many
from tests.web.visitor import Visitor, wish
from web.console import room


@pytest.fixture
def community(visitor, context):
    operation = wish(visitor, context)
    run_operation(context, operation.id)
    return context.store.get_community(operation.community_id)


@pytest.fixture
def founder(app, context, community) -> Visitor:
    return Visitor(app).go(f"/my/{get_keys(context, community).console_token}")


@pytest.fixture
def operator(context, app):
    return sign_in(context, app)


def weigh(context, community, data, quota=None):
    context.store.change_quota(community.id, quota, 0)
    context.store.record_weights(
        {community.id: Weight(data, 2 * MB, 3 * MB)},
        {community.id: quota or 0},
        default_mb=0,
        now=context.clock.now(),
    )


def fill_disk(context, free):
    context.room.free = free
    context.store.record_disk(look_at_disk(context))


def page_of(community):
    return f"/operator/communities/{community.id}"


def test_a_founder_reads_nothing_before_the_first_look(founder):
    assert "How much room it takes" not in founder.go(founder.path).page.text


@pytest.mark.parametrize(
    ("data", "quota", "said", "unsaid"),
    [
        (412, None, ["It takes 412 MB of the disk"], ["that it may have", "add photos"]),
        (79, 100, ["It takes 79 MB of the 100 MB that it may have"], ["add photos"]),
        (80, 100, ["That is 80 %", "nobody can add photos", "Delete photos"], ["it is full"]),
        (150, 100, ["it is full, and nobody can add photos now"], ["That is"]),
    ],
)
def test_a_founder_reads_how_much_it_takes_and_what_to_do(
    founder, context, community, data, quota, said, unsaid
):
    weigh(context, community, data * MB, quota)
    context.clock.moment += timedelta(hours=3)
    page = founder.go(founder.path).page.text
    assert all(each in page for each in said)
    assert not any(each in page for each in unsaid)
    assert "3 hours ago" in page


def test_a_founder_reads_of_a_full_disk(founder, context, community):
    weigh(context, community, 5 * MB)
    fill_disk(context, 21_000)
    assert "The disk that it is on" not in founder.go(founder.path).page.text
    fill_disk(context, 17_000)
    assert "The disk that it is on is 83 % full." in founder.go(founder.path).page.text


def test_every_sentence_is_easy():
    sentences = [room.TAKES, room.TAKES_OF, room.NEARLY, room.USED_UP, room.DISK]
    told = " ".join(sentences).format_map(
        {"used": "5 MB", "most": "9 MB", "age": "now", "fill": "83"}
    )
    assert grade(told) < 6


def test_the_operator_sees_what_it_takes_told_apart(operator, context, community):
    assert "not looked at yet" in operator.get(page_of(community)).text
    weigh(context, community, 412 * MB, 500)
    page = operator.get(page_of(community)).text
    for said in ("500 MB", "412 MB", "2 MB from before an upgrade", "3 MB", 'value="500"'):
        assert said in page
    assert "(82 %). At 100 % it takes no more photos" in page
    assert "its app is told" not in page


def test_a_quota_is_chosen_on_its_page(operator, context, community):
    page = page_of(community)
    weigh(context, community, 412 * MB)
    answer = post(operator, page, f"{page}/quota", quota="100")
    assert answer.status_code == 303
    assert answer.location.endswith("#room")
    shown = operator.get(page).text
    assert "its app is told within two minutes" in shown
    assert "It takes no photos any more; words still fit" in shown
    assert context.store.get_community(community.id).quota_mb == 100
    post(operator, page, f"{page}/quota", quota="default")
    assert "as much as there is, as is usual here" in operator.get(page).text


def test_what_cannot_be_meant_is_said_at_the_field(operator, context, community):
    page = page_of(community)
    answer = post(operator, page, f"{page}/quota", quota="<b>much</b>")
    assert answer.status_code == 422
    assert "“&lt;b&gt;much&lt;/b&gt;” is no number of MB" in answer.text
    assert 'aria-describedby="quota-trouble"' in answer.text
    assert 'value="&lt;b&gt;much&lt;/b&gt;"' in answer.text, "what was typed is still there"
    assert post(operator, page, f"{page}/quota").status_code == 422
    assert context.store.get_community(community.id).quota_mb is None


def test_the_list_warns_in_as_few_queries_for_one_as_for_ten_thousand(operator, context, community):
    weigh(context, community, 85 * MB, 100)
    fill_disk(context, 10_000)
    with count_queries(context) as few:
        page = operator.get("/operator").text
    assert "(85 %)" in page
    assert "90 % full" in page
    add_many(context, 300, fill_percent=95, quota_mb=100, data_bytes=95 * MB)
    with count_queries(context) as many:
        page = operator.get("/operator").text
    assert "296 more communities have 80 % or more" in page
    assert len(many) == len(few)


def test_a_stranger_changes_nothing(visitor, context, community):
    answer = visitor.client.post(f"{page_of(community)}/quota", data={"quota": "100"})
    assert answer.status_code in (302, 303, 400, 403)
    assert context.store.get_community(community.id).quota_mb is None
