"""Ask for a new community: judge everything said, then record it. Workers do the rest."""

from __future__ import annotations

import re

from provisioner.core.names import judge_label, judge_name, suggest_free, suggest_label
from provisioner.engine.context import Context
from provisioner.errors import NameRefused, NotEnoughRoom, SaidBadly, TooMany
from provisioner.models.community import Community, CommunityRequest
from provisioner.models.operation import Operation
from provisioner.models.promise import Preset, Promises

EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")


def request_community(
    context: Context,
    *,
    name: str,
    label: str = "",
    preset: Preset,
    promises: Promises,
    founder: str,
    email: str = "",
    app: str = "taarafo",
    requested_by: str,
    idempotency_key: str | None = None,
) -> tuple[Community, Operation]:
    """Record the wish and wake a worker.

    An empty `label` takes the first good one that the name suggests. One `idempotency_key` makes
    one community, however often and at once it is asked for. Raises SaidBadly, NameRefused,
    NotEnoughRoom or TooMany; then nothing was recorded.
    """
    store, settings = context.store, context.settings
    if idempotency_key and (earlier := store.find_by_key(idempotency_key)):
        return earlier
    try:
        judged_name, judged_founder = judge_name(name, "name"), judge_name(founder, "founder")
        wanted = label or suggest_free(suggest_label(judged_name), store.is_taken)
        request = CommunityRequest(
            name=judged_name,
            label=judge_label(wanted, store.is_taken),
            preset=preset,
            promises=promises,
            founder=judged_founder,
            email=_judge_email(email),
            app=app,
        )
        _refuse_when_full(context)
    except (NameRefused, TooMany):  # perhaps by herself: the same button, pressed a moment ago
        if idempotency_key and (earlier := store.find_by_key(idempotency_key)):
            return earlier
        raise
    community, operation = store.request_create(
        request,
        settings.address_of(request.label),
        now=context.clock.now(),
        requested_by=requested_by,
        idempotency_key=idempotency_key,
    )
    context.waker.wake(operation.id)
    return community, operation


def _judge_email(typed: str) -> str:
    email = typed.strip()
    if email and (len(email) > 254 or not EMAIL.fullmatch(email)):
        raise SaidBadly(
            "That e-mail address has a slip in it. You can also leave it empty.", "email"
        )
    return email


def _refuse_when_full(context: Context) -> None:
    free, needed = context.room.free_mb(), context.settings.minimum_free_mb
    if free < needed:
        raise NotEnoughRoom(free_mb=free, needed_mb=needed)
    if context.store.list_communities(limit=1).total >= context.settings.max_communities:
        raise TooMany("the most communities this control plane takes")
