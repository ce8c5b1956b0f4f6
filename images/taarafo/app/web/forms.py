"""What people type: read, tidied and refused with a sentence; files go to disk, not to memory."""

from __future__ import annotations

import ipaddress
import re
from typing import IO

import flask
from flask import request

from .. import names, passwords
from ..intake import Intake
from ..problems import Problem
from .context import here

SPACE = re.compile(r"[ \t]+\n")


class Request(flask.Request):
    """A request whose uploads are taken in by Intake."""

    max_form_parts = 200

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        settings = here().settings
        return Intake(settings.incoming, settings.reserve_mb)  # type: ignore[return-value]


def text(field: str, longest: int) -> str:
    """Typed words without trailing spaces. Raises Problem when there are too many."""
    value = SPACE.sub("\n", request.form.get(field, "").replace("\r\n", "\n")).strip()
    if len(value) > longest:
        raise Problem("text.long", field=field, longest=longest, length=len(value))
    return value


def name(field: str = "name") -> str:
    value = names.tidy(request.form.get(field, ""))
    fault = names.find_fault(value)
    if fault:
        raise Problem(fault, field=field, longest=names.LONGEST)
    return value


def new_password(person: str, field: str = "password") -> str:
    """The kept form of a password that is good enough."""
    value = request.form.get(field, "")
    fault = passwords.find_fault(value, person)
    if fault:
        raise Problem(fault, field=field, shortest=passwords.SHORTEST)
    return passwords.keep(value)


def ticked(field: str) -> bool:
    return request.form.get(field) == "yes"


def number(field: str) -> int:
    value = request.args.get(field, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else 0


def visitor() -> str:
    """The address the edge saw, for counting tries; kept in memory only.

    Of IPv6 the network that one household has: it can give itself any number of addresses.
    """
    seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        address = ipaddress.ip_address(seen)
    except ValueError:
        return "here"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
