"""Checks: compare what runs at an address with what was published."""

from __future__ import annotations

from web.api.endpoint import Call, Endpoint
from web.api.schema import CheckAsked, Verdict
from web.check.ask import ask_for_verdict


def run_check(call: Call) -> Verdict:
    """Not genuine is an answer, not an error."""
    verdict = ask_for_verdict(call.context, call.body.address)
    return Verdict.model_validate(verdict.as_json())


ENDPOINTS = (
    Endpoint(
        "POST",
        "/checks",
        "run_check",
        "Check what runs at an address",
        run_check,
        Verdict,
        asks=CheckAsked,
        refuses=(429,),
    ),
)
