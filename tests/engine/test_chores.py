"""What the worker does by itself is done in silence, and what does not work is said in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from provisioner.engine.chores import UNEXPECTED, carry_chore, list_troubles
from provisioner.engine.machine.status import read_status
from provisioner.errors import WitnessesMissing
from tests.fakes import make_context


@pytest.fixture
def context(tmp_path):
    return make_context(tmp_path)


def fail():
    raise WitnessesMissing("The witness w1 did not cosign: no route.", found=0, names="nobody")


def break_down():
    raise RuntimeError("never shown")


def test_a_chore_that_works_leaves_nothing_behind(context):
    carry_chore(context, "witnesses", lambda: None)
    assert list_troubles(context) == []
    assert read_status(context).troubles == ()


def test_one_that_does_not_work_is_told_since_when_and_until_it_does(context):
    began = context.clock.now()
    for _ in range(2):
        with pytest.raises(WitnessesMissing):
            carry_chore(context, "witnesses", fail)
        context.clock.moment += timedelta(minutes=5)
    (trouble,) = list_troubles(context)
    assert trouble.since == began
    (sentence,) = read_status(context).troubles
    assert sentence.startswith("Asking the witnesses to see the public log again has not worked")
    assert "no route" in sentence
    assert sentence in read_status(context).as_text()
    carry_chore(context, "witnesses", lambda: None)
    assert list_troubles(context) == []


def test_what_nobody_expected_is_told_without_its_words(context):
    with pytest.raises(RuntimeError):
        carry_chore(context, "signatures", break_down)
    (trouble,) = list_troubles(context)
    assert trouble.sentence == UNEXPECTED


def test_a_file_that_cannot_be_read_is_no_trouble(context):
    context.settings.troubles_dir.mkdir(parents=True)
    (context.settings.troubles_dir / "witnesses.json").write_text("{")
    assert list_troubles(context) == []
