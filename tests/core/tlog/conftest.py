"""Hypothesis without its wall-clock deadline: a busy machine is no mistake in the code."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
