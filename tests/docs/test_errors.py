"""Every error is told with its codes, and every outcome of a check with its meaning."""

from __future__ import annotations

import re

import pytest

from provisioner.engine.checks.check_anywhere import EXIT_CODES
from provisioner.errors import TaarafoError
from provisioner.models.verdict import PRECEDENCE, Outcome
from tests.docs.pages import find_rows, find_section, read
from web.api import answer
from web.trouble import BY_STATUS, FORM_EXPIRED


def list_errors(kind=TaarafoError):
    """The whole tree by code, with what the API adds to it."""
    found = {kind.code: kind}
    for below in kind.__subclasses__():
        found |= list_errors(below)
    return found


@pytest.mark.parametrize("code", sorted(list_errors()))
def test_every_error_is_explained_with_its_codes(code):
    kind = list_errors()[code]
    exit_code, status, means, do = find_rows(read("docs/errors.md"))[code]
    assert (exit_code, status) == (str(kind.exit_code), str(kind.http_status))
    assert len(means) > 10
    assert do


def test_every_code_of_pages_and_the_api_is_explained():
    rows = find_rows(find_section(read("docs/errors.md"), "What only pages and the API say"))
    found = {(FORM_EXPIRED.code, FORM_EXPIRED.status)}
    for by_status in (BY_STATUS, answer.BY_STATUS):
        found |= {(code, status) for status, (code, *_) in by_status.items()}
    assert {(code, int(cells[0])) for code, cells in rows.items()} == found


def test_no_error_is_explained_that_does_not_exist():
    text = read("docs/errors.md")
    only_web = find_rows(find_section(text, "What only pages and the API say"))
    assert set(find_rows(text)) - set(only_web) <= set(list_errors())


def test_every_outcome_has_its_exit_code_and_its_meaning():
    text = find_section(read("docs/errors.md"), "Outcomes of a check")
    told = dict(re.findall(r"^\| ([A-Z-]+) \| (\d+) \|$", text, re.MULTILINE))
    assert told == {outcome: str(code) for outcome, code in EXIT_CODES.items()}
    means = find_section(read("docs/checking.md"), "What an answer means")
    assert set(re.findall(r"^\| ([A-Z-]+) \|", means, re.MULTILINE)) == set(Outcome)
    assert "**" + ", ".join(PRECEDENCE) + ".**" in " ".join(means.split())
