"""Opens a served report: from signed bytes to Evidence, or to the reason why not."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.core.appraisal.agents import AgentKey
from provisioner.core.appraisal.dsse import find_signer, read_envelope
from provisioner.core.appraisal.strict_json import build, read_json
from provisioner.models.evidence import PAYLOAD_TYPE, PREDICATE, STATEMENT, Evidence


def open_envelope(raw: bytes, agents: Iterable[AgentKey]) -> tuple[AgentKey, bytes]:
    """Who signed it, and the signed bytes. Raises ValueError with the reason."""
    envelope = read_envelope(raw)
    signer = find_signer(envelope, agents)
    if signer is None:
        raise ValueError("no enrolled agent signed it")
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError("it is signed as something else than a report")
    return signer, envelope.payload


def read_statement(payload: bytes) -> Evidence:
    """The evidence in an in-toto Statement v1. Raises ValueError with the reason."""
    statement = read_json(payload)
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise ValueError("it is not an in-toto statement")
    if statement.get("predicateType") != PREDICATE:
        raise ValueError("it states something else than what runs")
    evidence = build(Evidence, statement.get("predicate"))
    roots = [each.tree.root for each in evidence.containers]
    if _subject_roots(statement.get("subject")) != roots:
        raise ValueError("its subject is not what it describes")
    return evidence


def find_claimed_release(raw: bytes | None, agents: Iterable[AgentKey]) -> str:
    """The release target an enrolled agent reports; empty when there is no acceptable report."""
    try:
        return read_statement(open_envelope(raw or b"", agents)[1]).release
    except ValueError:
        return ""


def find_signing_host(raw: bytes, agents: Iterable[AgentKey]) -> str:
    """The host whose key among these signed the report; empty when none did."""
    try:
        return open_envelope(raw, agents)[0].host_id
    except ValueError:
        return ""


def _subject_roots(subject: object) -> list[str]:
    if not isinstance(subject, list):
        raise ValueError("it has no subject")
    digests = [build(dict[str, str], each.get("digest")) for each in subject if _is_object(each)]
    return ["sha256:" + each.get("sha256", "") for each in digests]


def _is_object(value: object) -> bool:
    if not isinstance(value, dict):
        raise ValueError("its subject is not a list of objects")
    return True
