"""Read what was typed into a Draft, and judge it. A refused answer stays as it was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from provisioner.core.names import judge_label, judge_name, suggest_free, suggest_label
from provisioner.core.promises import PRESETS
from provisioner.errors import BadInput, NameRefused, SaidBadly, TaarafoError
from provisioner.models.promise import Preset, Promises
from web.wizard.countries import list_countries
from web.wizard.draft import Draft, is_too_long

Form = Mapping[str, str]
IsTaken = Callable[[str], bool]


@dataclass(frozen=True)
class Problem:
    """What to say beside a field; `suggestion` is an address that one tap takes."""

    field: str
    sentence: str
    advice: str = ""
    suggestion: str = ""

    @classmethod
    def of(cls, error: TaarafoError) -> Problem:
        if isinstance(error, NameRefused):
            return cls(error.field, error.explain(), suggestion=error.suggestion)
        field = error.field if isinstance(error, BadInput) else ""
        advice = "" if isinstance(error, SaidBadly) else error.next_step()
        return cls(field, error.explain(), advice)


def read_name(draft: Draft, form: Form) -> Draft:
    """A tapped alternative beats the typed address; an untouched one follows the name."""
    label = form.get("label", draft.label).strip()
    if label == form.get("suggested") and form.get("name") != draft.name:
        label = ""
    return draft.say(name=form.get("name", draft.name), label=form.get("take") or label)


def judge_name_step(draft: Draft, is_taken: IsTaken) -> Draft:
    """Raises SaidBadly or NameRefused. An empty address becomes the first good one."""
    named = suggest_address(draft.say(name=judge_name(draft.name, "name")), is_taken)
    return named.say(label=judge_label(named.label, is_taken))


def suggest_address(draft: Draft, is_taken: IsTaken) -> Draft:
    """The first good address that her name gives; an empty one while there is no name."""
    if draft.label or not draft.name.strip():
        return draft
    return draft.say(label=suggest_free(suggest_label(draft.name), is_taken))


def read_preset(draft: Draft, form: Form, country: str) -> Draft:
    if form.get("preset") not in set(PRESETS):
        raise SaidBadly("Please pick one of the five.", "preset")
    return draft.choose(Preset(form["preset"]), country)


def read_promises(draft: Draft, form: Form) -> Draft:
    """Raises SaidBadly for an answer that was not among those we offered."""
    said = (draft.promises or Promises()).model_dump() | {
        name: form[name] for name in Promises.model_fields if name in form
    }
    said["rules"] = said["rules"].replace("\r\n", "\n").strip()
    if said["country"] and said["country"] not in list_countries():
        raise SaidBadly("Please pick a country from the list.", "country")
    try:
        changed = draft.say(promises=Promises.model_validate(said))
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise SaidBadly(_PROMISE_FAULTS.get(field, "Please pick one of these."), field) from error
    if is_too_long(changed):
        raise SaidBadly(_PROMISE_FAULTS["rules"], "rules")
    return changed


def read_founder(draft: Draft, form: Form) -> Draft:
    return draft.say(
        founder=form.get("founder", draft.founder),
        email=form.get("email", draft.email).strip(),
        label=form.get("take") or draft.label,
    )


_PROMISE_FAULTS = {
    "rules": "That is a lot of rules. Please make them shorter. You can add more later.",
}
