"""A verdict to share: what it says, what it rests on, and who signed it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from cli import app
from provisioner.core.appraisal.dsse import find_signer, read_envelope
from provisioner.core.appraisal.saved import write_saved
from provisioner.engine.checks.saved_check import SavedFile, judge_saved, open_saved
from provisioner.engine.checks.share import share_verdict
from provisioner.engine.context import Context
from provisioner.errors import KeyRefused, SaidBadly, SavedUnreadable
from provisioner.models.evidence import PAYLOAD_TYPE
from provisioner.models.verdict import Outcome, Verdict
from provisioner.settings import Settings
from tests.browser.saved_checks import HONEST, Place, begin_place, report_seen
from tests.core.test_appraisal_dsse import KEY, public_of
from tests.engine.desk import Desk, open_desk


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    return begin_place(tmp_path_factory.mktemp("publisher") / "p")


@pytest.fixture
def file(place: Place, tmp_path: Path) -> Path:
    return save(place, tmp_path)


@pytest.fixture
def desk(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with open_desk(place, tmp_path) as desk:
        yield desk


def save(place: Place, folder: Path, **changes: Any) -> Path:
    file = folder / "check.json"
    file.write_bytes(write_saved(place.saved(report_seen(**changes) if changes else HONEST)))
    return file


def judge(place: Place, file: Path) -> Verdict:
    context = Context(Settings(state=file.parent))
    return judge_saved(context, open_saved(file).saved, place.publisher.shipped_root)


def test_what_is_genuine_has_passed(place: Place, file: Path) -> None:
    to = file.with_name("summary.json")
    share_verdict(open_saved(file), judge(place, file), to)
    statement = json.loads(to.read_bytes())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/verification_summary/v1"
    saved = json.loads(file.read_bytes())
    images = json.loads(saved["published"]["release"])["images"]
    assert statement["subject"] == [
        {"name": name, "digest": {"sha256": each["digest"].removeprefix("sha256:")}}
        for name, each in sorted(images.items())
    ]
    told = statement["predicate"]
    assert told["timeVerified"] == saved["saved_at"]
    assert told["resourceUri"] == f"taarafo:{saved['address']}"
    assert (told["verificationResult"], told["slsaVersion"]) == ("PASSED", "1.0")
    assert not any(level.startswith("SLSA_") for level in told["verifiedLevels"])
    digests = [each["digest"]["sha256"] for each in told["inputAttestations"]]
    contents = (saved["envelope"].encode(), saved["published"]["release"].encode())
    assert digests[:2] == [hashlib.sha256(content).hexdigest() for content in contents]
    assert digests[2] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_is_not_genuine_has_failed(place: Place, tmp_path: Path) -> None:
    file, to = save(place, tmp_path, read_only_root=False), tmp_path / "summary.json"
    share_verdict(open_saved(file), judge(place, file), to)
    told = json.loads(to.read_bytes())["predicate"]
    assert (told["verificationResult"], told["verifiedLevels"]) == ("FAILED", ["FAILED"])


def test_with_a_key_it_says_who_claims_it(place: Place, file: Path) -> None:
    key, to = file.with_name("mine.pem"), file.with_name("summary.dsse")
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    share_verdict(open_saved(file), judge(place, file), to, key)
    envelope = read_envelope(to.read_bytes())
    assert envelope.payload_type == PAYLOAD_TYPE
    assert find_signer(envelope, [public_of(KEY)])
    assert json.loads(envelope.payload)["predicate"]["verificationResult"] == "PASSED"


def test_what_cannot_be_read_is_named(place: Place, file: Path) -> None:
    verdict, to = judge(place, file), file.with_name("summary.json")
    key = file.with_name("mine.pem")
    key.write_text("no key")
    with pytest.raises(KeyRefused):
        share_verdict(open_saved(file), verdict, to, key)
    saved = json.loads(file.read_bytes())
    file.write_text(json.dumps(saved | {"published": saved["published"] | {"release": "{}"}}))
    with pytest.raises(SavedUnreadable):
        share_verdict(open_saved(file), verdict, to)
    assert not to.exists()


def test_the_command_writes_it_beside_the_saved_check(
    place: Place, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAARAFO_STATE", str(file.parent))
    to = file.with_name("summary.json")
    root = ["--root", str(place.publisher.shipped_root)]
    file.write_text(json.dumps(json.loads(file.read_bytes()), separators=(",", ":")))
    done = CliRunner().invoke(app, ["check", "--offline", str(file), "--vsa", str(to), *root])
    assert done.exit_code == 0, done.output
    assert json.loads(to.read_bytes())["predicate"]["verificationResult"] == "PASSED"
    assert digest_in(to) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_what_was_saved_is_what_is_summed_up(desk: Desk, tmp_path: Path) -> None:
    """The bytes that were written and judged, whatever is at that path by then."""
    file, to, written = tmp_path / "check.json", tmp_path / "summary.json", []

    def share(kept: SavedFile, verdict: Verdict) -> None:
        written.append(file.read_bytes())
        file.write_text("{}")
        share_verdict(kept, verdict, to)

    verdict = desk.check(save=file, share=share)
    assert verdict.outcome is Outcome.GENUINE
    assert digest_in(to) == hashlib.sha256(written[0]).hexdigest()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["smith.localhost:8080", "--vsa", "s.json"], "vsa"),
        (["smith.localhost:8080", "--key", "mine.pem"], "key"),
        (["--offline", "check.json", "--key", "mine.pem"], "key"),
    ],
)
def test_a_summary_of_nothing_and_a_key_for_nothing_are_refused(
    options: list[str], field: str
) -> None:
    alone = CliRunner().invoke(app, ["check", *options])
    assert isinstance(alone.exception, SaidBadly)
    assert alone.exception.field == field


def digest_in(summary: Path) -> str:
    inputs = json.loads(summary.read_bytes())["predicate"]["inputAttestations"]
    return next(e["digest"]["sha256"] for e in inputs if e["uri"] == "taarafo:saved-check")
