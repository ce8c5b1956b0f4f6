"""A log that really forked, a real witness that saw both, and a member who asks it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.adapters.witnesses import gather_cosignatures
from provisioner.core.log_policy import FIELD
from provisioner.core.tlog.entry import Entry
from provisioner.core.tlog.note import COSIGNATURE_V1, NoteKey, write_vkey
from provisioner.core.tlog.policy import KnownWitness, read_policy, write_policy
from provisioner.engine.releases.publisher import cosign_with
from provisioner.errors import WitnessesMissing
from provisioner.models.verdict import Outcome
from tests.browser.saved_checks import begin_place
from tests.core.test_appraisal_dsse import OTHER
from tests.engine.desk import Desk, detail_of, log_of, open_desk, watch
from tests.publishing.place import forge, put_back, tell_log
from tests.witness.logs import SmallLog
from tests.witness.running import NAME, witness_here, witness_process
from tests.witness.sites import Site, serving


@dataclass
class Forked:
    """A log of two stories. Each folder holds one, and the desk serves what is at `served`."""

    desk: Desk
    served: Path
    stories: tuple[Path, Path]

    def show(self, number: int) -> None:
        put_back(self.stories[number], self.served)


def fork(desk: Desk, folder: Path) -> Forked:
    """The witness cosigns the first story, and is shown the second as well."""
    publisher = replace(desk.place.publisher, cosign=cosign_with(gather_cosignatures))
    root = publisher.read_state().root.signed
    served = publisher.open_log(root).folder
    shutil.copytree(served, folder / "before")
    for number in (1, 2):
        put_back(folder / "before", served)
        with suppress(WitnessesMissing):
            tell_log(publisher, root, Entry("agent", "h9", str(number) * 64))
        shutil.copytree(served, folder / f"story-{number}")
    stories = (folder / "story-1", folder / "story-2")
    shutil.copy(stories[1] / "sequenced", stories[1] / "checkpoint")  # nobody cosigned it
    return Forked(desk, served, stories)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with open_desk(begin_place(tmp_path / "publisher"), tmp_path) as desk:
        yield desk


def contents_below(folder: Path) -> set[bytes]:
    return {p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.attack("a log that forked, seen by a witness", "EQUIVOCATION")
def test_a_member_learns_of_it_from_a_witness(desk: Desk, tmp_path: Path) -> None:
    """Whichever story she is shown, and though she herself never saw the other one."""
    vkey = write_vkey(log_of(desk.place).key)
    with witness_process(tmp_path / "witness", "--name", NAME, "--log", vkey) as witness:
        watch(desk.place, witness)
        assert desk.check().outcome is Outcome.GENUINE
        forked = fork(desk, tmp_path)
        for number in (0, 1):
            shutil.rmtree(tmp_path / "cache")
            forked.show(number)
            verdict = desk.check()
            assert verdict.outcome is Outcome.EQUIVOCATION
            said = detail_of(verdict, "log")
            assert "the witness w1 shows two lists of" in said
            assert said.endswith("Both are kept.")
            (kept,) = (path for each in verdict.findings for path in each.paths)
            signed = {(story / "sequenced").read_bytes() for story in forked.stories}
            assert contents_below(Path(kept)) == signed


def test_an_honest_log_and_its_witness_say_nothing_of_it(desk: Desk, tmp_path: Path) -> None:
    with witness_here(tmp_path / "witness", log_of(desk.place)) as witness:
        watch(desk.place, witness)
        assert desk.check().outcome is Outcome.GENUINE


@contextmanager
def accused(desk: Desk, answer: bytes) -> Iterator[None]:
    """A witness of the policy that says this to whoever asks for equivocations."""
    with serving(Site({"/equivocations": (200, answer)})) as address:
        public = OTHER.public_key().public_bytes_raw()
        key = NoteKey("liar.example", COSIGNATURE_V1, public)

        def name_it(metadata: Any) -> None:
            fields = metadata.signed.unrecognized_fields
            named = KnownWitness("liar", key, f"http://{address}")
            fields[FIELD] = write_policy(replace(read_policy(fields[FIELD]), witnesses=(named,)))

        forge(desk.place.publisher, "root", name_it)
        yield


@pytest.mark.parametrize("seed", [1, 2])
def test_an_accusation_without_the_logs_signature_changes_nothing(desk: Desk, seed: int) -> None:
    origin = log_of(desk.place).key.name
    honest, forked = SmallLog(origin, seed=seed), SmallLog(origin, seed=seed, fork=2)
    shown = [each.checkpoint(5).decode() for each in (honest, forked)]
    told = {"equivocations": [{"origin": origin, "size": 5, "checkpoints": shown}]}
    with accused(desk, json.dumps(told).encode()):
        assert desk.check().outcome is Outcome.GENUINE


@pytest.mark.parametrize("answer", [b"", b"{", b"x" * 100, b'{"equivocations": [1]}'])
def test_a_witness_that_talks_nonsense_changes_nothing(desk: Desk, answer: bytes) -> None:
    with accused(desk, answer):
        assert desk.check().outcome is Outcome.GENUINE
