"""Everything one verdict rests on, as text, so that it can be judged again without a network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReleaseCopy:
    """The signed metadata and content that one release was read from, byte by byte as UTF-8.

    `roots` begins after the root that the reader was shipped with. `role` signed the release at
    `target`. `manifests` are by the image's name; `entries` are the lines of the public log.
    """

    roots: tuple[str, ...]
    targets: str
    role: str
    role_metadata: str
    target: str
    release: str
    manifests: dict[str, str]
    checkpoint: str
    entries: tuple[str, ...]


@dataclass(frozen=True)
class SavedReport:
    """The report of one more host of the community, and the nonce that it was asked with."""

    host: str
    envelope: str
    nonce: str = ""


@dataclass(frozen=True)
class SavedCheck:
    """`saved_at` (UTC) and `nonce` are the claim of whoever saved it; nobody signed them.

    `nonce` is what she asked the agent with, and `envelope` its answer. Empty: the agent took no
    question, and `envelope` is the report that was there for everybody. It is of the host that
    served; `others` are those of all others.
    """

    address: str
    saved_at: str
    nonce: str
    envelope: str
    agents: str
    published: ReleaseCopy
    others: tuple[SavedReport, ...] = ()
