"""Rollouts: how far each release has come, and the two buttons that steer it."""

from __future__ import annotations

from provisioner.engine.describe import describe_rollout
from provisioner.engine.upgrades.roll_out import pause_rollout, resume_rollout
from web.api.endpoint import Call, Endpoint
from web.api.schema import NoQuery
from web.api.version_schema import Rollout, RolloutAsked, RolloutList


def list_rollouts(call: Call) -> RolloutList:
    rows = call.context.store.list_rollouts()
    return RolloutList(items=[Rollout.model_validate(describe_rollout(row)) for row in rows])


def pause(call: Call) -> Rollout:
    asked: RolloutAsked = call.body
    return Rollout.model_validate(describe_rollout(pause_rollout(call.context, asked.release)))


def resume(call: Call) -> Rollout:
    asked: RolloutAsked = call.body
    return Rollout.model_validate(describe_rollout(resume_rollout(call.context, asked.release)))


ENDPOINTS = (
    Endpoint(
        "GET",
        "/rollouts",
        "list_rollouts",
        "Rollouts, newest first",
        list_rollouts,
        RolloutList,
        query=NoQuery,
    ),
    Endpoint(
        "POST",
        "/rollouts/pause",
        "pause_rollout",
        "Start nobody any more; who is being upgraded comes to an end",
        pause,
        Rollout,
        asks=RolloutAsked,
        refuses=(404, 409),
    ),
    Endpoint(
        "POST",
        "/rollouts/resume",
        "resume_rollout",
        "Go on after a pause or a halt; what failed so far is forgiven",
        resume,
        Rollout,
        asks=RolloutAsked,
        refuses=(404, 409),
    ),
)
