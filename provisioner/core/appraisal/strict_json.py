"""JSON from strangers: no duplicate keys, no fractions, no surprises; then typed values.

`read_json` follows RFC 8259 and refuses what it calls unpredictable (§4: duplicate names).
Every failure is a ValueError with a short reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
LONGEST_NUMBER = 100  # characters: Python itself has a limit too, and says it in other words


def read_json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The value of UTF-8 JSON text."""
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_read_whole,
            parse_float=_refuse_fraction,
            parse_constant=_refuse_fraction,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except json.JSONDecodeError:
        raise ValueError("it is not JSON") from None


def build(kind: type[T], value: object) -> T:
    """`value` as `kind`: str, int, bool, tuple[X, ...], dict[str, X] or a dataclass of those.

    Unknown fields are ignored, as in-toto asks of consumers; a missing or mistyped one is
    a ValueError.
    """
    built: Any = _build(kind, value)
    return built  # type: ignore[no-any-return]


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in it")
    return found


def _read_whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError("it has numbers that are too long")
    return int(text)


def _refuse_fraction(text: str) -> NoReturn:
    raise ValueError("it has numbers that are not whole")


def _build(kind: Any, value: object) -> object:  # noqa: ANN401 - a type or a generic alias
    if is_dataclass(kind):
        return _build_dataclass(kind, value)
    if get_origin(kind) is tuple and isinstance(value, list):
        item = get_args(kind)[0]
        return tuple(_build(item, each) for each in value)
    if get_origin(kind) is dict and isinstance(value, dict):
        item = get_args(kind)[1]
        return {name: _build(item, each) for name, each in value.items()}
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise ValueError(f"expected {getattr(kind, '__name__', kind)}")


def _build_dataclass(kind: Any, value: object) -> object:  # noqa: ANN401 - a dataclass type
    if not isinstance(value, Mapping):
        raise ValueError(f"expected {kind.__name__}")
    built = {}
    for name, (item, is_optional) in _shape(kind).items():
        if name in value:
            built[name] = _build(item, value[name])
        elif not is_optional:
            raise ValueError(f"{name} is missing")
    return kind(**built)


@cache
def _shape(kind: Any) -> dict[str, tuple[Any, bool]]:  # noqa: ANN401 - a dataclass type
    hints = get_type_hints(kind)
    return {
        f.name: (hints[f.name], f.default is not MISSING or f.default_factory is not MISSING)
        for f in fields(kind)
    }
