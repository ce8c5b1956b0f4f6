"""The OpenAPI 3.1 document, made of the endpoints and of the very models that validate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from web.api.endpoint import Endpoint
from web.api.request import KEY_PATTERN, PATTERNS
from web.api.schema import Model, NoQuery, Trouble

Json = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
MEANINGS = {
    400: "The request did not arrive whole",
    401: "No token, or none that is valid here",
    404: "There is no such thing here",
    409: "Something else is being done with it",
    413: "Too large",
    414: "The address is too long; this answer is no JSON",
    415: "The body is not JSON",
    422: "The request has to change; `problems` says where",
    429: "Too often in a short time",
    503: "A part does not answer now",
    507: "Not enough room",
}
# Where an accepted wish leads, as runtime expressions of OpenAPI.
LINKS = {
    "show_operation": {"operation": "$response.body#/operation/id"},
    "remove_community": {
        "community": "$response.body#/community/id",
        "confirm": "$response.body#/community/address",
    },
}
ALWAYS, WITH_BODY = (401, 422, 503), (400, 413, 415)


def write_document(endpoints: Iterable[Endpoint], prefix: str) -> Json:
    """The same every time for the same endpoints."""
    all_of_them = tuple(endpoints)
    paths: dict[str, Json] = {}
    for endpoint in all_of_them:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Taarafo",
            "version": "1",
            "summary": "Create, look after and check communities",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": prefix}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(all_of_them),
        },
    }


def _schemas(endpoints: Iterable[Endpoint]) -> Json:
    wanted: dict[tuple[type[Model], JsonSchemaMode], None] = {(Trouble, "serialization"): None}
    for endpoint in endpoints:
        wanted[(endpoint.gives, "serialization")] = None
        wanted[(endpoint.query, "validation")] = None
        if endpoint.asks:
            wanted[(endpoint.asks, "validation")] = None
    _, schema = models_json_schema(list(wanted), ref_template=REFERENCE)
    queries = {endpoint.query.__name__ for endpoint in endpoints}
    return {name: value for name, value in schema["$defs"].items() if name not in queries}


def _operation(endpoint: Endpoint) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[1]],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.takes_idempotency_key:
        operation["parameters"].append(_idempotency_key())
    if endpoint.asks:
        operation["requestBody"] = {"required": True, "content": _json_of(endpoint.asks)}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": PATTERNS[name]},
        }
        for name in re.findall(r"\{(\w+)\}", endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint) -> list[Json]:
    if endpoint.query is NoQuery:
        return []
    schema = endpoint.query.model_json_schema(ref_template=REFERENCE)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": _without_null(value),
        }
        for name, value in schema["properties"].items()
    ]


def _without_null(schema: Json) -> Json:
    """A query has no null: what may be left out is simply left out."""
    choices = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return choices[0] if len(choices) == 1 else schema


def _idempotency_key() -> Json:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key gives the same answer and starts nothing twice.",
        "schema": {"type": "string", "pattern": KEY_PATTERN},
    }


def _responses(endpoint: Endpoint) -> Json:
    done: Json = {"description": "Done", "content": _json_of(endpoint.gives)}
    if endpoint.leads_to:
        done["headers"] = {
            "Location": {"description": "Where to follow it", "schema": {"type": "string"}}
        }
        done["links"] = {
            name: {"operationId": name, "parameters": parameters}
            for name, parameters in LINKS.items()
        }
    statuses = {*ALWAYS, *endpoint.refuses, *(WITH_BODY if endpoint.asks else ())}
    if "{" in endpoint.path:
        statuses.add(404)
    troubles: Json = {
        str(status): {"description": MEANINGS[status], "content": _json_of(Trouble)}
        for status in sorted(statuses)
    }
    if endpoint.query is not NoQuery:
        troubles["414"] = {"description": MEANINGS[414]}
    return {str(endpoint.status): done, **troubles}


def _json_of(model: type[Model]) -> Json:
    return {"application/json": {"schema": {"$ref": REFERENCE.format(model=model.__name__)}}}
