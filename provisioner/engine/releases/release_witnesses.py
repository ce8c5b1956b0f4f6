"""Who has to have seen the public log: shown and changed with the root's keys."""

from __future__ import annotations

from typing import Any

from provisioner.core.tlog.note import read_vkey, write_vkey
from provisioner.engine.context import Context
from provisioner.engine.reach import fit_worker
from provisioner.engine.releases.publisher import open_publisher
from provisioner.engine.releases.release_keys import describe_ceremony
from provisioner.errors import KeyRefused
from provisioner.publishing.witnesses import add_witness, read_policy_of, remove_witness


def describe_policy(context: Context) -> dict[str, Any]:
    """`{"log", "witnesses": [{"name", "vkey", "url"}], "needed"}`."""
    policy = read_policy_of(open_publisher(context))
    rows = [
        {"name": each.name, "vkey": write_vkey(each.key), "url": each.url}
        for each in policy.witnesses
    ]
    needed = sum(group.threshold for group in policy.groups if group.name == policy.quorum)
    return {"log": write_vkey(policy.logs[0].key), "witnesses": rows, "needed": needed}


def add_log_witness(
    context: Context, name: str, vkey: str, url: str, needed: int
) -> dict[str, Any]:
    """The worker gets a way to it. Raises KeyRefused, KeyMissing and WitnessesMissing."""
    try:
        key = read_vkey(vkey)
    except ValueError as error:
        raise KeyRefused(str(error), reason=f"that is no verifier key: {error}") from error
    publisher, now = open_publisher(context), context.clock.now()
    ceremony = add_witness(publisher, name, key, url, needed, now=now)
    fit_worker(context)
    return describe_ceremony(ceremony)


def remove_log_witness(context: Context, name: str, needed: int) -> dict[str, Any]:
    publisher, now = open_publisher(context), context.clock.now()
    ceremony = remove_witness(publisher, name, needed, now=now)
    fit_worker(context)
    return describe_ceremony(ceremony)
