"""Communities: list, create, show, remove, and the links that open one."""

from __future__ import annotations

from provisioner.core.promises import plan_promises
from provisioner.engine.create import request_community
from provisioner.engine.describe import (
    describe_community,
    describe_operation,
    describe_whole,
    get_living,
)
from provisioner.engine.keys import get_keys
from provisioner.engine.remove import request_removal
from provisioner.errors import Conflict, KeyUsedBefore
from provisioner.models import community as rows
from provisioner.models import operation as operation_rows
from provisioner.models.promise import Promises
from web.api.endpoint import Call, Endpoint
from web.api.schema import (
    Accepted,
    Community,
    CommunityAsked,
    CommunityPage,
    CommunityQuery,
    CommunityWhole,
    Links,
    Operation,
    RemoveQuery,
)


def list_communities(call: Call) -> CommunityPage:
    query: CommunityQuery = call.query
    page = call.context.store.list_communities(
        search=query.search, state=query.state or "", offset=query.offset, limit=query.limit
    )
    end = query.offset + len(page.rows)
    return CommunityPage(
        items=[show_one(call, row) for row in page.rows],
        total=page.total,
        next_offset=end if page.rows and end < page.total else None,
    )


def create_community(call: Call) -> Accepted:
    """The same Idempotency-Key gives the same answer; with other wishes it is refused."""
    asked: CommunityAsked = call.body
    community, operation = request_community(
        call.context,
        name=asked.name,
        label=asked.label,
        preset=asked.preset,
        promises=_choose(asked),
        founder=asked.founder,
        email=asked.email,
        requested_by="api",
        idempotency_key=call.idempotency_key or None,
    )
    if (community.name, community.preset) != (" ".join(asked.name.split()), asked.preset):
        raise KeyUsedBefore(field="Idempotency-Key")
    return accept(call, community, operation)


def show_community(call: Call) -> CommunityWhole:
    community = get_living(call.context, call.path["community"])
    return CommunityWhole.model_validate(describe_whole(call.context, community))


def show_links(call: Call) -> Links:
    """Raises Conflict until it runs: before that they open nothing."""
    community = get_living(call.context, call.path["community"])
    if community.state != rows.CommunityState.RUNNING:
        raise Conflict("it does not run yet", name=community.name)
    keys = get_keys(call.context, community)
    return Links(
        signin_url=keys.signin_url,
        invite_url=keys.invite_url,
        console_url=f"{call.context.settings.url}/my/{keys.console_token}",
    )


def remove_community(call: Call) -> Accepted:
    community = get_living(call.context, call.path["community"])
    operation = request_removal(
        call.context,
        community,
        typed=call.query.confirm,
        even_without_backup=call.query.even_without_backup == "yes",
        requested_by="api",
    )
    return accept(call, call.context.store.get_community(community.id), operation)


def _choose(asked: CommunityAsked) -> Promises:
    changes = asked.promises.model_dump(exclude_none=True) if asked.promises else {}
    return Promises.model_validate({**plan_promises(asked.preset).model_dump(), **changes})


def show_one(call: Call, community: rows.Community) -> Community:
    return Community.model_validate(describe_community(call.context, community))


def accept(call: Call, community: rows.Community, operation: operation_rows.Operation) -> Accepted:
    return Accepted(
        community=show_one(call, community),
        operation=Operation.model_validate(describe_operation(operation)),
    )


def operation_of(accepted: Accepted) -> str:
    return f"/operations/{accepted.operation.id}"


ENDPOINTS = (
    Endpoint(
        "GET",
        "/communities",
        "list_communities",
        "Communities, newest first",
        list_communities,
        CommunityPage,
        query=CommunityQuery,
    ),
    Endpoint(
        "POST",
        "/communities",
        "create_community",
        "Ask for a new community; a worker makes it",
        create_community,
        Accepted,
        status=202,
        asks=CommunityAsked,
        refuses=(507,),
        takes_idempotency_key=True,
        leads_to=operation_of,
    ),
    Endpoint(
        "GET",
        "/communities/{community}",
        "show_community",
        "One community with its promises, findings and operations",
        show_community,
        CommunityWhole,
    ),
    Endpoint(
        "DELETE",
        "/communities/{community}",
        "remove_community",
        "Remove a community and everything in it, once a copy of the last day was proved",
        remove_community,
        Accepted,
        status=202,
        query=RemoveQuery,
        refuses=(409,),
        leads_to=operation_of,
    ),
    Endpoint(
        "GET",
        "/communities/{community}/links",
        "show_links",
        "The founder's links, once it runs",
        show_links,
        Links,
        refuses=(409,),
    ),
)
