"""The address, suggested and judged while she types."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request

from provisioner.core.names import judge_label, suggest_free, suggest_label
from provisioner.errors import NameRefused
from web.current import get_context
from web.limits import limited
from web.wizard.blueprint import blueprint
from web.wizard.saying import IsTaken, Problem
from web.wizard.show import get_ending


@dataclass(frozen=True)
class Address:
    """`suggested` is ours; a `label` that differs from it is hers and stays."""

    label: str
    suggested: str
    problem: Problem | None = None


@blueprint.post("/start/address")
@limited("240 per minute")
def show_address() -> str:
    """Only the part of the page with the address in it."""
    form = request.form
    address = plan_address(
        form.get("name", ""),
        form.get("label", ""),
        form.get("suggested", ""),
        get_context().store.is_taken,
    )
    return render_template("wizard/address.html", address=address, ending=get_ending())


def plan_address(name: str, label: str, suggested: str, is_taken: IsTaken) -> Address:
    """Follow the name until she writes an address of her own, then judge hers."""
    if label.strip() in ("", suggested):
        fresh = suggest_free(suggest_label(name), is_taken) if name.strip() else ""
        return Address(fresh, fresh)
    try:
        return Address(judge_label(label, is_taken), suggested)
    except NameRefused as error:
        return Address(label, suggested, Problem.of(error))
