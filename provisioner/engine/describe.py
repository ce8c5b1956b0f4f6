"""Communities and operations as plain values, for the command line and the API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from provisioner.core.promises import describe_promises
from provisioner.core.quotas import quota_of
from provisioner.core.versions import version_of
from provisioner.engine.checks.history import read_history
from provisioner.engine.context import Context
from provisioner.engine.keys import get_keys
from provisioner.errors import NotFound
from provisioner.models.backup import Backup, Drill
from provisioner.models.bundle import Bundle
from provisioner.models.community import GONE, Community
from provisioner.models.history import DayOfVerdicts, VerdictChange
from provisioner.models.operation import Operation
from provisioner.models.rollout import RolloutRow


def get_living(context: Context, address: str) -> Community:
    """By address, label or id. Raises NotFound for what is not, or no longer, here."""
    found = context.store.find_community(address)
    if found is None or found.state in GONE:
        raise NotFound(what="community", name=address)
    return found


def describe_community(context: Context, community: Community) -> dict[str, Any]:
    """No secrets: safe for a log. Times are UTC, ISO 8601; memory is in MB.

    `quota_mb` is in millions of bytes of data, 0 without a limit. What it takes of the disk is null
    until it was weighed.
    """
    return {
        "id": community.id,
        "name": community.name,
        "address": community.address,
        "url": f"{context.settings.scheme}://{community.address}",
        "state": community.state,
        "preset": community.preset,
        "release": community.version,
        "channel": community.channel,
        "verdict": community.verdict,
        "memory_mb": community.memory_mb,
        "quota_mb": quota_of(community, context.settings.quota_mb),
        "data_bytes": community.data_bytes,
        "kept_bytes": community.kept_bytes,
        "backup_bytes": community.backup_bytes,
        "weighed_at": _moment(community.weighed_at),
        "created_at": community.created_at.isoformat(),
        "checked_at": _moment(community.checked_at),
        "zone": community.zone or "UTC",
        "pinned_to": community.pinned_to,
        "postponed_until": _moment(community.postponed_until),
        "postponed_why": community.postponed_why,
        "upgraded_at": _moment(community.upgraded_at),
        "before": version_of(community.before),
        "reading_since": _moment(community.reading_since),
        "moved_to": community.moved_to,
        "kept_until": _moment(community.kept_until),
    }


def describe_rollout(row: RolloutRow) -> dict[str, Any]:
    """`wave` is 0 for the canaries, 1 for the tenth, 2 for everybody; `standings` counts."""
    return {
        "release": row.target,
        "version": version_of(row.target),
        "channel": row.channel,
        "state": row.state,
        "wave": row.wave,
        "urgency": row.urgency,
        "reason": row.reason,
        "notes": row.notes,
        "standings": row.standings,
        "first_seen_at": row.published_at.isoformat(),
        "wave_started_at": _moment(row.wave_started_at),
        "decided_at": _moment(row.decided_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def describe_operation(operation: Operation) -> dict[str, Any]:
    return {
        "id": operation.id,
        "kind": operation.kind,
        "state": operation.state,
        "message": operation.message,
        "error_code": operation.error_code,
        "created_at": operation.created_at.isoformat(),
        "finished_at": _moment(operation.finished_at),
    }


def describe_backup(backup: Backup) -> dict[str, Any]:
    """`rows` are all rows of all tables; `read` is the part of the repository that was read."""
    return {
        "shelf": backup.shelf,
        "snapshot": backup.snapshot,
        "files": backup.files,
        "bytes": backup.bytes,
        "rows": backup.row_count,
        "read": backup.read,
        "seconds": backup.seconds,
        "made_at": backup.made_at.isoformat(),
    }


def describe_bundle(bundle: Bundle) -> dict[str, Any]:
    """`rows` are all rows of all tables; `sha256` is of the whole file."""
    return {
        "file": bundle.file,
        "sha256": bundle.sha256,
        "snapshot": bundle.snapshot,
        "release": version_of(bundle.release),
        "files": bundle.files,
        "bytes": bundle.bytes,
        "rows": bundle.row_count,
        "made_at": bundle.made_at.isoformat(),
    }


def describe_drill(drill: Drill) -> dict[str, Any]:
    """`flaw` is empty when every row of the backup was there again."""
    return {
        "flaw": drill.flaw,
        "rows": drill.rows,
        "seconds": drill.seconds,
        "restore_seconds": drill.restore_seconds,
        "made_at": drill.made_at.isoformat(),
    }


def describe_whole(context: Context, community: Community) -> dict[str, Any]:
    """With its promises as sentences, its last findings, its history and its operations."""
    operations = context.store.list_operations(community.id)
    history = read_history(context, community.id)
    return {
        **describe_community(context, community),
        "promises": community.promises,
        "promises_in_words": [sentence for _, sentence in describe_promises(community.promised)],
        "findings": community.verdict_detail.get("findings", []),
        "history": [describe_day(day) for day in history.days],
        "changes": [describe_change(change) for change in history.changes],
        "operations": [describe_operation(operation) for operation in operations],
    }


def describe_day(day: DayOfVerdicts) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "outcome": day.outcome,
        "checks": day.checks,
        "genuine": day.genuine,
        "first_at": day.first_at.isoformat(),
        "last_at": day.last_at.isoformat(),
    }


def describe_change(change: VerdictChange) -> dict[str, Any]:
    """Releases by version; "" for none."""
    return {
        "at": change.at.isoformat(),
        "outcome": change.outcome,
        "outcome_before": change.outcome_before,
        "release": version_of(change.release),
        "release_before": version_of(change.release_before),
    }


def describe_made(context: Context, community: Community, seconds: float) -> dict[str, Any]:
    """With the links that open it: for its founder only, never for a log."""
    keys = get_keys(context, community)
    return {
        **describe_community(context, community),
        "signin_url": keys.signin_url,
        "invite_url": keys.invite_url,
        "console_url": f"{context.settings.url}/my/{keys.console_token}",
        "seconds": round(seconds, 2),
    }
