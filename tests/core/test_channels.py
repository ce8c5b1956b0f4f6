"""What a channel has for somebody, and when a release has proved itself on early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.core.channels import Trial, judge_trial, say_channel, say_trial

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SOAK = timedelta(hours=20)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ((), "Nothing is published in early yet: it stays at 1.9.0 until something is."),
        (
            ("1.8.0", "1.2.0"),
            "It stays at 1.9.0 until early has caught up: the newest version there is 1.8.0.",
        ),
        (("1.9.0", "1.2.0"), "1.9.0 is the newest version in early."),
        (("1.10.0", "1.9.0"), "1.10.0 is the newest version in early, and comes by itself."),
    ],
)
def test_what_comes_next(versions, said):
    assert say_channel("early", "1.9.0", versions) == said


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (Trial(None, 0, SOAK), "nobody here runs it on early yet"),
        (Trial(NOW - SOAK, 2, SOAK), "it failed at 2 on early"),
        (Trial(NOW - SOAK, 0, SOAK, is_stopped=True), "its rollout on early is stopped"),
        (Trial(NOW, 0, SOAK), "it has to run on early until 26 November 08:00 UTC"),
        (Trial(NOW - SOAK, 0, SOAK), ""),
    ],
)
def test_when_it_has_proved_itself(trial, why):
    assert judge_trial(trial, NOW) == why
    assert (why or "release promote") in say_trial(trial, NOW)
