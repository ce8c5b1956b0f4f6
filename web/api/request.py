"""Read one API request: its token, path, query and body, each judged before anything happens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from flask import request
from pydantic import ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from provisioner.engine.context import Context
from provisioner.engine.operators import find_api_token, note_api_token_use
from provisioner.errors import BadInput, NotFound, TokenMissing
from web.api.endpoint import Call, Endpoint
from web.api.schema import Model

PATTERNS: Final = {
    "community": r"^[a-z0-9][a-z0-9.:-]{0,299}$",
    "operation": r"^[0-9a-f]{32}$",
}
KEY_PATTERN: Final = r"^[!-~]{1,100}$"
BEARER: Final = re.compile(r"Bearer +([A-Za-z0-9_-]{20,100})", re.IGNORECASE)
DIGITS: Final = re.compile(r"-?[0-9]{1,17}", re.ASCII)


class Unreadable(BadInput):
    """What pydantic found, by field; rendered as `problems`."""

    code = "unreadable"
    sentence = "The request does not have the form that this address takes."
    advice = "Compare it with /api/v1/openapi.json. Nothing was changed."

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__(field=problems[0][0])
        self.problems = problems


def read_token(context: Context) -> int:
    """The id of the token that opens this request. Raises TokenMissing; cookies count nothing."""
    match = BEARER.fullmatch(request.headers.get("Authorization", "").strip())
    token = find_api_token(context, match[1]) if match else None
    if token is None or token.id is None:
        raise TokenMissing
    note_api_token_use(context, token)
    return token.id


def read_call(context: Context, endpoint: Endpoint, path: Mapping[str, str], token: int) -> Call:
    """Raises NotFound, Unreadable or UnsupportedMediaType."""
    for what, value in path.items():
        if not re.fullmatch(PATTERNS[what], value):
            raise NotFound(what=what, name="that")
    key = read_idempotency_key() if endpoint.takes_idempotency_key else ""
    return Call(
        context=context,
        path=dict(path),
        query=read_query(endpoint.query),
        body=read_body(endpoint.asks) if endpoint.asks else None,
        idempotency_key=f"api:{token}:{key}" if key else "",
    )


def read_query(model: type[Model]) -> Model:
    """Each parameter once, each known; numbers as plain digits."""
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise Unreadable([(name, "is given more than once") for name in repeated])
    numbers = {name for name, field in model.model_fields.items() if field.annotation is int}
    wrong = [n for n in numbers & request.args.keys() if not DIGITS.fullmatch(request.args[n])]
    if wrong:
        raise Unreadable([(name, "is not a whole number") for name in wrong])
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise _translate(error) from error


def read_body(model: type[Model]) -> Model:
    """JSON, taken strictly: a number is no text, and nothing unknown passes."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return model.model_validate_json(request.get_data(), strict=True)
    except ValidationError as error:
        raise _translate(error) from error


def read_idempotency_key() -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not re.fullmatch(KEY_PATTERN, key):
        raise Unreadable([("Idempotency-Key", "has 1 to 100 visible ASCII signs")])
    return key


def _translate(error: ValidationError) -> Unreadable:
    """Field and reason only: what was sent is not repeated."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return Unreadable([(".".join(map(str, e["loc"])), str(e["msg"])) for e in found[:20]])
