"""Versions of one community: upgrade, go back, and what may change it by itself."""

from __future__ import annotations

from provisioner.engine.describe import get_living
from provisioner.engine.quota import choose_quota
from provisioner.engine.upgrades.upgrade import request_rollback, request_upgrade
from provisioner.engine.upgrades.wishes import choose_channel, choose_zone, pin, postpone
from web.api.communities import accept, operation_of, show_one
from web.api.endpoint import Call, Endpoint
from web.api.schema import Accepted, Community
from web.api.version_schema import RollbackAsked, UpgradeAsked, WishesAsked


def upgrade(call: Call) -> Accepted:
    asked: UpgradeAsked = call.body
    community = get_living(call.context, call.path["community"])
    operation = request_upgrade(call.context, community, to=asked.to, requested_by="api")
    return accept(call, community, operation)


def roll_back(call: Call) -> Accepted:
    asked: RollbackAsked = call.body
    community = get_living(call.context, call.path["community"])
    operation = request_rollback(
        call.context, community, as_it_was=asked.as_it_was, requested_by="api"
    )
    return accept(call, community, operation)


def wish(call: Call) -> Community:
    """What is left out stays as it is."""
    asked: WishesAsked = call.body
    context, community = call.context, get_living(call.context, call.path["community"])
    if asked.zone is not None:
        community = choose_zone(context, community, asked.zone)
    if asked.quota_mb is not None:
        community = choose_quota(context, community, str(asked.quota_mb))
    if asked.channel is not None:
        community = choose_channel(context, community, asked.channel)
    if asked.pinned_to is not None:
        community = pin(context, community, asked.pinned_to)
    if asked.postpone_days is not None:
        community = postpone(context, community, days=asked.postpone_days, why=asked.postpone_why)
    return show_one(call, community)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/communities/{community}/upgrade",
        "upgrade_community",
        "Put a newer version in place; the one before stays until it has proved itself",
        upgrade,
        Accepted,
        status=202,
        asks=UpgradeAsked,
        refuses=(409,),
        leads_to=operation_of,
    ),
    Endpoint(
        "POST",
        "/communities/{community}/rollback",
        "roll_back_community",
        "Go back to the version that ran before the last upgrade",
        roll_back,
        Accepted,
        status=202,
        asks=RollbackAsked,
        refuses=(409,),
        leads_to=operation_of,
    ),
    Endpoint(
        "PATCH",
        "/communities/{community}",
        "wish_for_community",
        "Choose its channel, time zone and room, pin its version, put upgrades off",
        wish,
        Community,
        asks=WishesAsked,
    ),
)
