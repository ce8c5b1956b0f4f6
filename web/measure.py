"""The dashboard of a large fleet, asked again and again: a program, for `bench dashboard`.

    python3 -m web.measure FOLDER COMMUNITIES TIMES

Makes a database of its own in the empty FOLDER. Prints one JSON object with a row for each page.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from provisioner.engine.context import Context
from provisioner.engine.operators import make_operator_link
from provisioner.files import write_atomically
from provisioner.models.community import Community, CommunityState
from provisioner.models.operation import Operation, OperationKind, OperationState
from provisioner.models.rollout import RolloutRow
from provisioner.settings import Settings
from web.app import create_app

PAGES = {
    "list": "/operator",
    "last page": "/operator?page={last}",
    "search": "/operator?search=club+77",
    "one state": "/operator?state=running",
    "upgrades": "/operator/upgrades",
}
OLD, NEW = (f"app/taarafo/stable/{version}/release.json" for version in ("1.0.0", "1.0.1"))
A_PAGE = 50
PASSWORD = "a few plain words"  # noqa: S105 - of an operator who lives for a minute


def main(folder: Path, communities: int, times: int) -> dict[str, Any]:
    context = _make_context(folder)
    _fill(context, communities)
    app = create_app(context)
    browser = app.test_client()
    _sign_in(context, browser)
    rows = {
        name: _measure(browser, path.format(last=max(1, communities // A_PAGE)), times)
        for name, path in PAGES.items()
    }
    return {
        "p95_ms": max(row["p95_ms"] for row in rows.values()),
        "queries": max(row["queries"] for row in rows.values()),
        "pages": rows,
    }


def _make_context(folder: Path) -> Context:
    settings = Settings(state=folder)
    write_atomically(settings.keys_dir / "session.key", b"k" * 64)
    settings.db_dir.mkdir(parents=True, exist_ok=True)
    context = Context(settings)
    context.store.migrate()
    return context


def _fill(context: Context, communities: int) -> None:
    """Most of them are upgraded; some have failed, and some are being upgraded."""
    now = datetime.now(UTC)
    with context.store.session() as session:
        for number in range(communities):
            is_new = number % 10 != 0
            session.add(_community(number, NEW if is_new else OLD, now))
        session.add(_rollout(communities, now))
    with context.store.session() as session:
        for number in range(communities):
            session.add(_operation(number, now))


def _community(number: int, target: str, now: datetime) -> Community:
    label = f"club-{number}"
    return Community(
        id=f"{number:032x}",
        label=label,
        reserved=label,
        address=f"{label}.localhost:8080",
        name=f"Club {number}",
        founder="Ann",
        preset="club",
        promises={},
        app="taarafo",
        channel="stable",
        release=target,
        version=target.split("/")[3],
        state=CommunityState.RUNNING,
        verdict="GENUINE",
        memory_mb=40,
        created_at=now - timedelta(minutes=number),
    )


def _operation(number: int, now: datetime) -> Operation:
    is_open = number % 1000 == 0
    state = OperationState.FAILED if number % 10 == 0 else OperationState.DONE
    community_id = f"{number:032x}"
    return Operation(
        kind=OperationKind.UPGRADE,
        community_id=community_id,
        active_for=community_id if is_open else None,
        state=OperationState.RUNNING if is_open else state,
        target=NEW,
        created_at=now - timedelta(minutes=number),
    )


def _rollout(communities: int, now: datetime) -> RolloutRow:
    return RolloutRow(
        target=NEW,
        app="taarafo",
        channel="stable",
        urgency="routine",
        security_floor="1.0.0",
        published_at=now,
        state="active",
        wave=2,
        wave_started_at=now,
        reason="Starting 4; 6 are being upgraded already.",
        standings={"done": communities * 9 // 10, "failed": communities // 10},
        sources=["1.0.0"],
    )


def _sign_in(context: Context, browser: FlaskClient) -> None:
    link = f"/operator/welcome/{make_operator_link(context)}"
    token = browser.get(link).text.split('name="csrf_token" value="')[1].split('"')[0]
    browser.post(link, data={"csrf_token": token, "password": PASSWORD})


def _measure(browser: FlaskClient, path: str, times: int) -> dict[str, Any]:
    spent, queries = [], 0
    for _ in range(times):
        with _Queries() as seen:
            began = time.perf_counter()
            answer = browser.get(path)
            spent.append((time.perf_counter() - began) * 1000)
        queries = max(queries, seen.count)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answers {answer.status_code}")
    return {"p95_ms": round(quantiles(spent, n=20)[-1], 1), "queries": queries}


class _Queries:
    """Counts every statement that reaches the database meanwhile."""

    def __enter__(self) -> _Queries:
        self.count = 0
        event.listen(Engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(Engine, "before_cursor_execute", self._note)

    def _note(self, _: object, __: object, statement: str, *___: object) -> None:
        if statement.split()[0] not in ("BEGIN", "COMMIT", "ROLLBACK"):
            self.count += 1


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
