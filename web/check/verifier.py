"""The verifier as one file: a page that judges a saved check in a browser, without any network."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from provisioner.core.appraisal.log_steps import NOBODY_LOOKED
from provisioner.core.appraisal.wording import LIMIT, SUMMARIES
from provisioner.errors import (
    LogDivided,
    ReleaseExpired,
    ReleaseRejected,
    ReleaseUnlogged,
    WitnessesMissing,
)
from provisioner.models.verdict import ALARMING, PRECEDENCE
from web.check import words

WEB: Final = Path(__file__).parents[1]
STYLES: Final = ("taarafo.css", "operator.css", "verifier/verifier.css")
# Put together in this order: what is made when a file is read needs the files before it.
SCRIPTS: Final = (
    "atoms", "strict_json", "wording", "address", "agents", "dsse", "evidence", "report",
    "rotation", "manifest", "tree", "contract", "release", "tuf", "note", "merkle", "policy",
    "log_entries", "log_view", "saved_releases", "several", "check", "identity_steps", "hosts",
    "log_steps",
    "full_pass", "rights", "runtime_steps", "appraise", "page",
)  # fmt: skip
TROUBLES: Final = (
    ReleaseRejected,
    ReleaseExpired,
    ReleaseUnlogged,
    LogDivided,
    WitnessesMissing,
)


def write_verifier(root: bytes) -> str:
    """One HTML document that needs nothing else; `root` is the root of trust it begins with."""
    style, script = read_style(), read_script()
    pages = Environment(
        loader=FileSystemLoader(WEB / "pages"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template("check/verifier.html").render(
        words=words,
        policy=write_policy(),
        style=Markup(style),  # noqa: S704 - our own files
        given=Markup(_write_given(root)),  # noqa: S704 - no < is left in it
        script=Markup(script),  # noqa: S704 - our own files
    )


def write_policy() -> str:
    """The document's own Content-Security-Policy: this script, this style, and no connection."""
    return (
        f"default-src 'none'; script-src '{_hash(read_script())}'; "
        f"style-src '{_hash(read_style())}'; connect-src 'none'; base-uri 'none'; "
        "form-action 'none'"
    )


def read_script() -> str:
    """All of the verifier's own files, one after the other."""
    folder = WEB / "static" / "verifier"
    return "".join((folder / f"{name}.js").read_text("utf-8") for name in SCRIPTS)


def read_style() -> str:
    return "".join((WEB / "static" / name).read_text("utf-8") for name in STYLES)


def _hash(text: str) -> str:
    """A CSP source expression for inline content (CSP Level 3 §2.3.1)."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _write_given(root: bytes) -> str:
    """What the script takes from Python, so that both say the same words."""
    given = {
        "root": base64.b64encode(root).decode("ascii"),
        "summaries": SUMMARIES,
        "limit": LIMIT,
        "precedence": PRECEDENCE,
        "alarming": sorted(ALARMING),
        "sentences": {each.code: each.sentence for each in TROUBLES},
        "headlines": words.HEADLINES,
        "questions": words.QUESTIONS,
        "marks": words.MARKS,
        "nobody_looked": NOBODY_LOOKED,
        "nothing_seen": words.NOTHING_SEEN,
        "unable": words.VERIFIER_UNABLE,
    }
    return json.dumps(given, sort_keys=True).replace("<", "\\u003c")
