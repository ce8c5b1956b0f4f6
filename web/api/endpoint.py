"""One endpoint as a value: what the document says of it and what the router does are the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from provisioner.engine.context import Context
from web.api.schema import Model, NoQuery


@dataclass(frozen=True)
class Call:
    """One request, validated: `query` and `body` are the endpoint's own models."""

    context: Context
    path: dict[str, str]
    query: Any
    body: Any
    idempotency_key: str = ""  # already this token's own, so that no one meets another's


@dataclass(frozen=True)
class Endpoint:
    """`path` is in the words of OpenAPI: `/communities/{community}`.

    `refuses` are the statuses of errors that are this endpoint's own; `leads_to` is where the
    answer's operation can be followed.
    """

    method: str
    path: str
    name: str
    summary: str
    answer: Callable[[Call], Model]
    gives: type[Model]
    status: int = 200
    query: type[Model] = NoQuery
    asks: type[Model] | None = None
    refuses: tuple[int, ...] = field(default=())
    takes_idempotency_key: bool = False
    leads_to: Callable[[Any], str] | None = None
