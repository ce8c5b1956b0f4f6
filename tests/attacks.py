"""The attack table: each test that mounts an attack names it with the verdict it must get.

`@pytest.mark.attack("TUF rollback", "REJECTED")`; `./taarafo test --attacks` runs these tests and
prints the table. `docs/threat-model.md` lists the same rows, and a test compares the two.
"""

from __future__ import annotations

from collections import defaultdict

import pytest

MARK = "attack"
Row = tuple[str, str]


class AttackTable:
    """Collects how the tests of each row ended."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._ended: dict[Row, list[str]] = defaultdict(list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers(MARK):
                self._rows[item.nodeid] = (mark.args[0], mark.args[1])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        row = self._rows.get(report.nodeid)
        if row and (report.when == "call" or report.outcome != "passed"):
            self._ended[row].append(report.outcome)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._ended:
            return
        terminalreporter.section("attacks")
        width = max(len(attack) for attack, _ in self._ended)
        for (attack, verdict), ended in sorted(self._ended.items()):
            times = f"{len(ended)} {'time' if len(ended) == 1 else 'times'}"
            word = "as it must" if set(ended) == {"passed"} else ", ".join(sorted(set(ended)))
            terminalreporter.line(f"{attack:{width}}  {verdict:14} {word} ({times})")


def pytest_configure(config: pytest.Config) -> None:
    """Registered by tests/conftest.py, when the run asks for attacks alone."""
    if MARK in str(config.getoption("markexpr")):
        config.pluginmanager.register(AttackTable(), "attack-table")
