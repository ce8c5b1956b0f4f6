"""Every step of the appraisal, on signed bytes: what is right passes, each fault is named."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from provisioner.core.appraisal.agents import AgentKey, hash_row, row_of
from provisioner.core.appraisal.appraise import STEPS, appraise
from provisioner.core.appraisal.case import Case, Reference
from provisioner.core.appraisal.dsse import seal
from provisioner.core.appraisal.tree import Comparison, drop_below, put_together
from provisioner.models.evidence import (
    PAYLOAD_TYPE,
    ContainerSeen,
    Evidence,
    LeftOut,
    MountSeen,
    ProcessSeen,
    Tree,
    hash_command,
    hash_value,
)
from provisioner.models.log import LogSeen
from provisioner.models.manifest import (
    FileEntry,
    SortedText,
    find_lines,
    root_of,
    sort_key,
    write_manifest,
)
from provisioner.models.observation import AssetSeen, Observation
from provisioner.models.release import Image, Recipe, RecipeService, Release, Source
from provisioner.models.verdict import PRECEDENCE, Finding, Outcome, Verdict, outcome_of
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of
from tests.core.test_rotation import NEW as NEXT_KEY
from tests.core.test_rotation import rotate

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
ADDRESS = "smith.localhost:8080"
ID = "ab" * 32
CONFIG = "sha256:" + "c" * 64
SETTINGS = "/etc/app/app.toml"


def file(path: str, content: str = "00", **more: int) -> FileEntry:
    return FileEntry(path, "f", more.get("mode", 0o644), 0, 0, 2, content)


MANIFEST = write_manifest(
    [
        FileEntry("/bin", "l", 0o777, 0, 0, 0, "usr/bin"),
        FileEntry("/data", "d", 0o755, 0, 0, 0, ""),
        FileEntry("/dev", "d", 0o755, 0, 0, 0, ""),
        FileEntry("/dev/null", "c", 0o666, 0, 0, 0, "1,3"),
        file("/app/main.py", "aa"), file("/usr/bin/python3", "bb", mode=0o755),
        file("/app/línea\n\udcff", "cc"),
    ]
)  # fmt: skip
LEFT_OUT = (LeftOut("/data", "what members wrote"), LeftOut("/dev", "made by the engine"))
MADE = (FileEntry("/.dockerenv", "f", 0o755, 0, 0, 0, root_of(b"").removeprefix("sha256:")),
        FileEntry("/etc/app", "d", 0o755, 0, 0, 0, ""),
        FileEntry("/etc/mtab", "l", 0o777, 0, 0, 0, "/proc/mounts"))  # fmt: skip
MOUNTS = (
    MountSeen("/", "overlay", "/", True),
    MountSeen("/dev", "tmpfs", "/", False),
    MountSeen("/data", "ext4", "/var/x", False),
    MountSeen(SETTINGS, "tmpfs", "/abc", True),
    MountSeen("/run/secrets/key", "tmpfs", "/def", True),
    MountSeen("/etc/hosts", "ext4", f"/docker/containers/{ID}/hosts", False),
)


def make_tree(extra: tuple[FileEntry, ...] = (), gone: tuple[str, ...] = (),
              left_out: tuple[LeftOut, ...] = LEFT_OUT) -> Tree:  # fmt: skip
    """What the agent would say of the manifest's files with these differences."""
    skipped = [each.path for each in left_out]
    lines = dict(drop_below(find_lines(MANIFEST), skipped))
    lines |= {entry.path: entry.line() for entry in (*MADE, *extra)}
    measured = [(p, lines[p]) for p in sorted(lines, key=sort_key) if p not in gone]
    comparison = Comparison()
    root = comparison.run(iter(measured), drop_below(find_lines(MANIFEST), skipped))
    return Tree(root, root_of(MANIFEST), comparison.count, tuple(comparison.changed),
                tuple(comparison.missing), comparison.unlisted, left_out)  # fmt: skip


SEEN = ContainerSeen(
    service="app", container=ID, image="r/app@sha256:" + "d" * 64, image_id=CONFIG,
    command_sha256=hash_command(("python3", "/app/main.py")), started="", tree=make_tree(),
    mounts=MOUNTS, processes=(ProcessSeen("/usr/bin/python3", "bb", "00", False, 2),),
    capabilities="0" * 16, seccomp=2, no_new_privileges=True, read_only_root=True,
    environment={"LANG": hash_value("C.UTF-8"), "HOSTNAME": hash_value("x"),
                 "MODE": hash_value("1")},
    settings={SETTINGS: "ee"}, declared={SETTINGS: "ee"}, groups=(10002,), workdir="/app",
    ways_out=0,
)  # fmt: skip
IMAGE = Image(
    repository="taarafo/app", digest="sha256:" + "d" * 64, config_digest=CONFIG, layers=(),
    files_root=root_of(MANIFEST), files_count=7, files_target="files/x.jsonl",
    environment=("LANG=C.UTF-8",), workdir="/app",
)  # fmt: skip
RELEASE = Release(
    recipe=Recipe(
        name="little", version="1.2.0", title="Little",
        service=RecipeService(image="app", command=("python3", "/app/main.py"),
                              configs={"a.j2": SETTINGS}, environment={"MODE": "1"}),
    ),
    images={"app": IMAGE}, templates={}, source=Source(swhid="swh:1:dir:" + "0" * 40),
)  # fmt: skip


def log_of(*agents: AgentKey, **witnesses: datetime) -> LogSeen:
    """A log in which these agents are enrolled."""
    hashes = {a.host_id: (hashlib.sha256(row_of(a)).hexdigest(),) for a in agents}
    return LogSeen("little/log", 5, "0" * 64, "none", witnesses, hashes)


LOG = log_of(public_of(KEY))
REFERENCE = Reference(RELEASE, {"app": MANIFEST}, "1.2.0", "0.0.0", is_self_built=False, log=LOG)
EVIDENCE = Evidence("c0ffee", ADDRESS, "h1", RELEASE.target, "2026-05-01T11:59:00Z",
                    "2026-05-01T12:04:00Z", (SEEN,))  # fmt: skip


def sign(evidence: Evidence, key: Ed25519PrivateKey = KEY, kind: str = PAYLOAD_TYPE) -> bytes:
    return seal(kind, evidence.statement(), key)


CASE = Case(ADDRESS, sign(EVIDENCE), (public_of(KEY),), REFERENCE)


def judge(**changes: object) -> Verdict:
    return appraise(replace(CASE, **changes), NOW)


def judge_seen(**changes: object) -> Verdict:
    return judge(envelope=sign(replace(EVIDENCE, containers=(replace(SEEN, **changes),))))


def judge_statement(change: Callable[[dict], object]) -> Verdict:
    statement = json.loads(EVIDENCE.statement())
    change(statement)
    return judge(envelope=seal(PAYLOAD_TYPE, json.dumps(statement).encode(), KEY))


def bad(verdict: Verdict) -> dict[str, Outcome]:
    return {f.check: f.outcome for f in verdict.findings if f.outcome != Outcome.GENUINE}


def test_what_is_right_is_genuine_at_every_step() -> None:
    verdict = judge()
    assert bad(verdict) == {}
    assert verdict.outcome == Outcome.GENUINE
    assert len(verdict.findings) == len(STEPS) == 16
    assert verdict.measured_at == "2026-05-01T11:59:00Z"
    assert "cannot prove" in verdict.summary
    assert "1 minute ago" in verdict.summary


def test_steps_are_numbered_as_they_are_described() -> None:
    for place, step in enumerate(STEPS, start=1):
        assert step.number == place
        assert (step.run.__doc__ or "").startswith(f"{place}. ")


# -- 1 to 6 -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"envelope": None}, Outcome.UNVERIFIABLE),
        ({"agents": ()}, Outcome.UNVERIFIABLE),
        ({"agents": (public_of(OTHER),)}, Outcome.REJECTED),
        ({"envelope": b"{}"}, Outcome.REJECTED),
        ({"envelope": sign(EVIDENCE, OTHER)}, Outcome.REJECTED),
        ({"envelope": sign(EVIDENCE, kind="application/json")}, Outcome.REJECTED),
        ({"envelope": sign(EVIDENCE).replace(b'{"payload"', b'{"payload":"","payload"')},
         Outcome.REJECTED),
    ],
)  # fmt: skip
def test_without_an_acceptable_signature_nothing_else_is_said(
    changes: dict[str, object], outcome: Outcome
) -> None:
    verdict = judge(**changes)
    assert bad(verdict) == {"signature": outcome}
    assert len(verdict.findings) == 1
    assert verdict.measured_at == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"),
        lambda s: s.update(predicateType="https://slsa.dev/provenance/v1"),
        lambda s: s.update(subject=[]),
        lambda s: s.update(subject=[{"name": "app", "digest": {"sha256": "00"}}]),
        lambda s: s.update(subject=[1]),
        lambda s: s["predicate"].pop("issued"),
        lambda s: s["predicate"].update(issued=1),
        lambda s: s["predicate"]["containers"][0].update(seccomp=True),
        lambda s: s["predicate"]["containers"][0]["processes"][0].update(count=2.0),
    ],
)
@pytest.mark.attack("an unknown predicate or form", "REJECTED")
def test_a_signed_statement_of_another_form_is_rejected(change: Callable[[dict], object]) -> None:
    assert bad(judge_statement(change)) == {"statement": Outcome.REJECTED}


def test_fields_of_the_future_are_ignored() -> None:
    assert judge_statement(lambda s: s["predicate"].update(tides="x")).outcome == Outcome.GENUINE


def test_evidence_of_an_agent_that_counted_less_still_reads() -> None:
    def forget(statement: dict) -> None:
        predicate = statement["predicate"]
        del predicate["nonce"], predicate["hosts"]
        del predicate["containers"][0]["execs"], predicate["containers"][0]["tree"]["full_pass"]

    assert judge_statement(forget).outcome == Outcome.GENUINE


@pytest.mark.attack("duplicate JSON keys", "REJECTED")
def test_a_name_twice_in_the_signed_bytes_is_rejected() -> None:
    twice = EVIDENCE.statement().replace(b'"host":', b'"host":"x","host":')
    verdict = judge(envelope=seal(PAYLOAD_TYPE, twice, KEY))
    assert bad(verdict) == {"statement": Outcome.REJECTED}


@pytest.mark.attack("the report of another community", "RELAY")
def test_the_evidence_of_another_community_is_rejected() -> None:
    assert bad(judge(address="other.localhost:8080")) == {"community": Outcome.RELAY}


def moved(**times: str) -> bytes:
    return sign(replace(EVIDENCE, **times))


@pytest.mark.parametrize(
    ("envelope", "outcome"),
    [
        (moved(issued="2026-05-01T11:54:59Z", expires="2026-05-01T11:59:59Z"), Outcome.STALE),
        (moved(issued="2026-05-01T11:55:00Z", expires="2026-05-01T12:00:00Z"), Outcome.STALE),
        (
            moved(issued="2026-05-01T12:05:00Z", expires="2026-05-01T12:10:00Z"),
            Outcome.GENUINE,
        ),
        (
            moved(issued="2026-05-01T12:05:01Z", expires="2026-05-01T12:10:01Z"),
            Outcome.CLOCK_SKEW,
        ),
        (moved(expires="2026-05-01T12:04:01Z"), Outcome.REJECTED),
        (moved(issued="2026-05-01T12:05:00Z"), Outcome.REJECTED),
        (moved(issued="yesterday"), Outcome.REJECTED),
        (moved(expires="2026-05-01 12:04:00"), Outcome.REJECTED),
    ],
)
def test_evidence_is_good_for_five_minutes_around_now(envelope: bytes, outcome: Outcome) -> None:
    verdict = judge(envelope=envelope)
    assert verdict.outcome == outcome
    assert set(bad(verdict)) <= {"time"}


def test_stale_evidence_of_a_modified_server_says_both() -> None:
    evidence = replace(EVIDENCE, containers=(replace(SEEN, read_only_root=False),))
    verdict = appraise(replace(CASE, envelope=sign(evidence)), NOW + timedelta(hours=1))
    assert bad(verdict) == {"time": Outcome.STALE, "confinement": Outcome.MODIFIED}
    assert verdict.outcome == Outcome.MODIFIED


def test_no_reference_is_not_a_pass_and_ends_it() -> None:
    assert bad(judge(reference=None)) == {"release": Outcome.UNVERIFIABLE}
    problem = Finding("release", Outcome.STALE, "The list is too old.")
    assert judge(reference=None, problems=(problem,)).outcome == Outcome.STALE


def test_another_release_than_the_one_compared_with() -> None:
    envelope = sign(replace(EVIDENCE, release="app/little/stable/1.2.1/release.json"))
    assert bad(judge(envelope=envelope)) == {"release": Outcome.UNVERIFIABLE}


@pytest.mark.parametrize(
    ("newest", "floor", "said"),
    [("1.10.0", "0.0.0", "1.10.0 is the newest"), ("1.10.0", "1.2.1", "known weakness")],
)
def test_an_older_release_is_outdated(newest: str, floor: str, said: str) -> None:
    verdict = judge(reference=replace(REFERENCE, newest=newest, floor=floor))
    assert verdict.outcome == Outcome.OUTDATED
    assert any(said in finding.detail for finding in verdict.findings)


def test_self_built_is_said() -> None:
    verdict = judge(reference=replace(REFERENCE, is_self_built=True))
    assert any("self-built" in finding.detail for finding in verdict.findings)


# -- 7 to 13 ------------------------------------------------------------------------------------


def test_nothing_running_is_unverifiable() -> None:
    verdict = judge(envelope=sign(replace(EVIDENCE, containers=())))
    assert bad(verdict)["service"] == Outcome.UNVERIFIABLE
    assert verdict.outcome == Outcome.UNVERIFIABLE


def test_another_image_is_modified_even_beside_the_right_one() -> None:
    other = replace(SEEN, image="x", image_id="sha256:" + "9" * 64)
    for containers in ((other,), (SEEN, other)):
        verdict = judge(envelope=sign(replace(EVIDENCE, containers=containers)))
        assert verdict.outcome == Outcome.MODIFIED


@pytest.mark.parametrize("seen", [
    {"image": "x"}, {"image_id": IMAGE.digest, "image": "x"}, {"image_id": "sha256:other"},
])  # fmt: skip
def test_an_image_is_known_by_its_id_or_its_digest(seen: dict[str, str]) -> None:
    assert judge_seen(**seen).outcome == Outcome.GENUINE


def test_another_command_is_modified() -> None:
    assert bad(judge_seen(command_sha256="00")) == {"service": Outcome.MODIFIED}


FAULTS = [
    (make_tree((file("/app/main.py", "dd"),)), {"/app/main.py"}),
    (make_tree((file("/app/main.py", "aa", mode=0o4755),)), {"/app/main.py"}),
    (make_tree((file("/app/added.py"),)), {"/app/added.py"}),
    (make_tree(gone=("/app/main.py",)), {"/app/main.py"}),
    (make_tree((file("/app/línea\n\udcff", "dd"),)), {"/app/línea\\n\\xff"}),
    (make_tree((file("/etc/hosts", "dd"),)), {"/etc/hosts"}),
    (make_tree((FileEntry("/etc/mtab", "l", 0o777, 0, 0, 0, "/data/x"),)), {"/etc/mtab"}),
    (make_tree((FileEntry("/etc/app", "d", 0o777, 0, 0, 0, ""),)), {"/etc/app"}),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "paths"), FAULTS)
def test_files_that_differ_are_named(tree: Tree, paths: set[str]) -> None:
    verdict = judge_seen(tree=tree)
    assert bad(verdict) == {"files": Outcome.MODIFIED}
    assert {p for f in verdict.findings for p in f.paths} == paths


def test_what_the_engine_adds_is_no_excuse_for_what_the_release_lists() -> None:
    """A listed folder that was changed to look like one the engine makes is a difference."""
    manifest = write_manifest([FileEntry("/etc/app", "d", 0o700, 0, 0, 0, "")])
    tree = Tree("sha256:x", root_of(manifest), 1, (MADE[1].line().decode(),), (), 0, ())
    reference = replace(REFERENCE, manifests={"app": manifest})
    envelope = sign(replace(EVIDENCE, containers=(replace(SEEN, tree=tree),)))
    verdict = judge(reference=reference, envelope=envelope)
    assert {"/etc/app"} <= {p for f in verdict.findings for p in f.paths}


@pytest.mark.parametrize(
    "tree",
    [
        replace(SEEN.tree, root="sha256:" + "1" * 64),
        replace(SEEN.tree, changed=SEEN.tree.changed[1:]),
        replace(SEEN.tree, missing=("/never/there",), root="sha256:" + "1" * 64),
    ],
)
def test_differences_that_do_not_add_up_are_rejected(tree: Tree) -> None:
    assert bad(judge_seen(tree=tree)) == {"files": Outcome.REJECTED}


@pytest.mark.parametrize("line", ["", "x", "[]", '["/a",\n["/b",\n', '["/a"]', '["\\ud8', "\u0660"])
def test_a_changed_line_that_is_none_is_never_a_pass(line: str) -> None:
    tree = replace(SEEN.tree, changed=(*SEEN.tree.changed, line))
    assert judge_seen(tree=tree).outcome == Outcome.REJECTED


def test_more_differences_than_fit_are_modified() -> None:
    verdict = judge_seen(tree=replace(SEEN.tree, unlisted=5, root="sha256:x"))
    assert bad(verdict) == {"files": Outcome.MODIFIED}


def test_another_list_than_the_releases_is_unverifiable() -> None:
    for base in ("", "sha256:" + "1" * 64):
        verdict = judge_seen(tree=replace(SEEN.tree, base=base))
        assert bad(verdict) == {"files": Outcome.UNVERIFIABLE}


@pytest.mark.parametrize("path", ["/app", "/", "/usr/", "/dat"])
def test_leaving_out_what_is_not_permitted_is_no_pass(path: str) -> None:
    left_out = (*LEFT_OUT, LeftOut(path, "too deep"))
    verdict = judge_seen(tree=make_tree(left_out=left_out))
    assert bad(verdict)["files"] == Outcome.UNVERIFIABLE


@pytest.mark.parametrize(
    "mount",
    [
        MountSeen("/app/main.py", "ext4", "/x", True),
        MountSeen("/data", "ext4", "/y", False),
        MountSeen("/", "ext4", "/", True),
        MountSeen("/data/inner", "ext4", "/", True),
        MountSeen("/run/secrets/a/b", "tmpfs", "/", True),
        MountSeen("/run/secrets/rw", "tmpfs", "/", False),
        MountSeen("/etc/resolv.conf", "ext4", "/elsewhere/resolv.conf", False),
        MountSeen("/proc", "ext4", "/", True),
        MountSeen("/proc/x", "ext4", "/", True),
        MountSeen("/tmp", "ext4", "/", False),
        MountSeen("/dev/sda", "ext4", "/", False),
    ],
)
def test_a_mount_that_is_not_permitted_is_modified(mount: MountSeen) -> None:
    verdict = judge_seen(mounts=(*MOUNTS, mount))
    assert bad(verdict)["mounts"] == Outcome.MODIFIED
    assert mount.path in next(f.paths for f in verdict.findings if f.check == "mounts")


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"settings": {}}, "settings"),
        ({"settings": {SETTINGS: "ff"}}, "settings"),
        ({"processes": (ProcessSeen("/usr/bin/python3", "b0", "", False, 1),)}, "processes"),
        ({"processes": (ProcessSeen("/data/x", "bb", "", False, 1),)}, "processes"),
        ({"processes": (ProcessSeen("/x (deleted)", "bb", "", False, 1),)}, "processes"),
        ({"processes": (ProcessSeen("/bin", "usr/bin", "", False, 1),)}, "processes"),
        ({"processes": (ProcessSeen("/bin", "", "", False, 1),)}, "processes"),
        ({"processes": (ProcessSeen("/data/x", "", "", False, 1),)}, "processes"),
        ({"processes": (ProcessSeen("/usr/bin/python3", "", "", False, 1),)}, "processes"),
        ({"settings": {SETTINGS: ""}, "declared": {SETTINGS: ""}}, "settings"),
        ({"settings": {SETTINGS: "!unreadable"}, "declared": {}}, "settings"),
        ({"processes": (ProcessSeen("/usr/bin/python3", "bb", "", True, 1),)}, "processes"),
        ({"execs": 1}, "processes"),
        ({"capabilities": "0000000000002000"}, "confinement"),
        ({"seccomp": 0}, "confinement"),
        ({"seccomp": 1}, "confinement"),
        ({"read_only_root": False}, "confinement"),
        ({"environment": SEEN.environment | {"LD_PRELOAD": "0"}}, "environment"),
        ({"environment": SEEN.environment | {"LD_PRELOAD": ""}}, "environment"),
        ({"environment": SEEN.environment | {"MODE": hash_value("2")}}, "environment"),
        ({"environment": SEEN.environment | {"PATH": hash_value("/data")}}, "environment"),
        ({"environment": {"LANG": hash_value("C.UTF-8")}}, "environment"),
        ({"environment": {"MODE": hash_value("1")}}, "environment"),
        ({"workdir": "/data"}, "service"),
        ({"workdir": ""}, "service"),
        ({"command_sha256": hash_command(("python3", "/data/main.py"))}, "service"),
        ({"groups": (0, 10002)}, "confinement"),
        ({"groups": (10002, 10100)}, "confinement"),
    ],
)  # fmt: skip
@pytest.mark.attack("an extra process, right or setting", "MODIFIED")
def test_what_runs_otherwise_is_modified(changes: dict[str, object], check: str) -> None:
    assert bad(judge_seen(**changes)) == {check: Outcome.MODIFIED}


ENTERED = ProcessSeen("/usr/bin/python3", "bb", "", True, 2)


@pytest.mark.parametrize(
    ("execs", "said"),
    [
        (2, {"Programs run that somebody started from outside."}),
        (0, {"Programs run that somebody started from outside."}),
        (3, {"Programs run that somebody started from outside.",
             "Somebody was inside since it started: 1 program was started from outside."}),
    ],
)  # fmt: skip
def test_who_is_inside_and_who_was_are_told_apart(execs: int, said: set[str]) -> None:
    verdict = judge_seen(processes=(*SEEN.processes, ENTERED), execs=execs)
    found = {f for f in verdict.findings if f.check == "processes"}
    assert {f.outcome for f in found} == {Outcome.MODIFIED}
    assert {f.detail for f in found} == said


@pytest.mark.parametrize(
    ("ways", "said"), [(0, "has no way out"), (2, "has a way out"), (-1, "own files.")]
)
def test_whether_its_network_leads_anywhere_is_told(ways: int, said: str) -> None:
    (finding,) = (f for f in judge_seen(ways_out=ways).findings if f.check == "confinement")
    assert finding.outcome == Outcome.GENUINE
    assert said in finding.detail


def test_rights_that_could_still_be_gained_are_said_and_are_no_fault() -> None:
    verdict = judge_seen(no_new_privileges=False)
    assert verdict.outcome == Outcome.GENUINE
    assert any("gain rights" in f.detail for f in verdict.findings)
    assert not any("gain rights" in f.detail for f in judge().findings)


def read_at(full_pass: str) -> Verdict:
    return judge_seen(tree=replace(SEEN.tree, full_pass=full_pass))


@pytest.mark.parametrize(
    ("full_pass", "outcome", "said"),
    [
        ("2026-05-01T11:59:00Z", Outcome.GENUINE, "Every byte was read 1 minute ago."),
        ("2026-04-30T10:00:00Z", Outcome.GENUINE, "Every byte was read 1 day ago."),
        ("2026-04-30T09:59:59Z", Outcome.STALE, "too long ago"),
        ("2026-05-01T12:05:00Z", Outcome.GENUINE, "just now"),
        ("2026-05-01T12:05:01Z", Outcome.STALE, "in the future"),
        ("yesterday", Outcome.REJECTED, "does not say when"),
    ],
)
def test_every_byte_was_read_not_long_ago(full_pass: str, outcome: Outcome, said: str) -> None:
    verdict = read_at(full_pass)
    assert verdict.outcome == outcome
    assert set(bad(verdict)) <= {"files"}
    assert any(said in f.detail for f in verdict.findings if f.check == "files")


def test_a_difference_counts_more_than_an_old_full_pass() -> None:
    tree = replace(make_tree((file("/app/main.py", "dd"),)), full_pass="2026-04-01T00:00:00Z")
    verdict = judge_seen(tree=tree)
    assert verdict.outcome == Outcome.MODIFIED
    assert {f.outcome for f in verdict.findings if f.check == "files"} == {
        Outcome.MODIFIED,
        Outcome.STALE,
    }


def test_no_process_is_unverifiable() -> None:
    assert bad(judge_seen(processes=())) == {"processes": Outcome.UNVERIFIABLE}


def test_settings_that_nobody_declared_are_said_to_be_uncompared() -> None:
    verdict = judge_seen(declared={})
    assert verdict.outcome == Outcome.GENUINE
    assert any("to compare them with" in f.detail for f in verdict.findings)


def test_a_release_that_lists_no_variables() -> None:
    release = RELEASE.model_copy(
        update={"images": {"app": IMAGE.model_copy(update={"environment": None})}}
    )
    verdict = judge(reference=replace(REFERENCE, release=release))
    assert verdict.outcome == Outcome.GENUINE
    assert any("were not compared" in f.detail for f in verdict.findings)


# -- the frame ----------------------------------------------------------------------------------


def test_an_empty_policy_is_no_pass() -> None:
    assert appraise(CASE, NOW, steps=()).outcome == Outcome.UNKNOWN
    assert outcome_of(()) == Outcome.UNKNOWN


def test_a_step_that_says_nothing_is_no_pass() -> None:
    silent = replace(STEPS[0], run=lambda it: iter(()))
    assert appraise(CASE, NOW, steps=(silent,)).outcome == Outcome.UNKNOWN


def test_what_nobody_expected_is_unknown_and_keeps_what_was_found() -> None:
    reference = replace(REFERENCE, manifests={})
    verdict = judge(reference=reference)
    assert verdict.outcome == Outcome.UNKNOWN
    assert verdict.findings[-1].check == "appraisal"
    assert len(verdict.findings) > 1


def test_every_outcome_has_its_place_and_only_genuine_is_last() -> None:
    assert set(PRECEDENCE) == set(Outcome)
    assert PRECEDENCE[-1] == Outcome.GENUINE


def test_words_are_never_stronger_than_what_was_seen() -> None:
    for verdict in (judge(), judge(envelope=None), judge_seen(read_only_root=False)):
        text = " ".join([verdict.summary, *(f.detail for f in verdict.findings)]).lower()
        assert "secure" not in text
        assert "verified" not in text
        assert "cannot prove" in verdict.summary


def test_hostile_names_reach_nobodys_terminal() -> None:
    hostile = "/app/\x1b[2Jgone\u202e"
    verdict = judge_seen(
        tree=make_tree((file(hostile),)), environment=SEEN.environment | {"\x1b[1m": "x"}
    )
    text = json.dumps(verdict.as_json(), ensure_ascii=False)
    assert "\x1b" not in text
    assert "\u202e" not in text


# -- the tree -----------------------------------------------------------------------------------

NAMES = st.text(
    st.sampled_from("ab-/\n\\\"é\udcff\U0001f600"), min_size=1, max_size=6
).map(lambda text: "/" + text)  # fmt: skip
TREES = st.dictionaries(NAMES, st.sampled_from(["00", "11"]), max_size=12)


def listed(tree: dict[str, str]) -> bytes:
    return write_manifest(file(path, content) for path, content in tree.items())


@given(TREES, TREES, st.lists(NAMES, max_size=2))
def test_any_tree_follows_from_any_reference_and_the_differences(
    measured: dict[str, str], reference: dict[str, str], tops: list[str]
) -> None:
    text = listed(measured)
    comparison = Comparison()
    root = comparison.run(
        drop_below(find_lines(text), tops), drop_below(find_lines(listed(reference)), tops)
    )
    left_out = tuple(LeftOut(top, "") for top in tops)
    tree = Tree(root, "", comparison.count, tuple(comparison.changed), tuple(comparison.missing),
                comparison.unlisted, left_out)  # fmt: skip
    assert put_together(SortedText(listed(reference)), tree) == root
    kept = dict(drop_below(find_lines(text), tops))
    same = {p for p in kept if measured[p] == reference.get(p)}
    assert len(comparison.changed) == len(kept) - len(same)


def test_appraisal_of_a_large_release_takes_milliseconds() -> None:
    """Not a benchmark: it fails when somebody makes it ten times slower than it was."""
    manifest = write_manifest(
        file(f"/usr/lib/python3/{n:05}/module.py", "0" * 64) for n in range(8000)
    )
    tree = Tree(root_of(manifest), root_of(manifest), 8000)
    reference = replace(REFERENCE, manifests={"app": manifest})
    case = replace(
        CASE,
        reference=reference,
        envelope=sign(replace(EVIDENCE, containers=(replace(SEEN, tree=tree),))),
    )
    begun = time.process_time()
    verdict = appraise(case, NOW)
    assert time.process_time() - begun < 0.2
    assert bad(verdict) == {"processes": Outcome.MODIFIED}


# -- the public log -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "log",
    [
        log_of(),
        log_of(public_of(OTHER)),
        replace(LOG, agents={"h1": (*LOG.agents["h1"], "0" * 64)}),
    ],
)
@pytest.mark.attack("an agent that is not in the log", "UNLOGGED")
def test_an_agent_that_is_not_its_hosts_newest_in_the_log(log: LogSeen) -> None:
    """Not enrolled at all, or replaced by a later key."""
    assert bad(judge(reference=replace(REFERENCE, log=log))) == {"log": Outcome.UNLOGGED}


NEXT = public_of(NEXT_KEY)
ROTATED = replace(REFERENCE, log=replace(LOG, agents={"h1": (*LOG.agents["h1"], hash_row(NEXT))}))


def rotated(agent: AgentKey, *stated: bytes, by: Ed25519PrivateKey = NEXT_KEY) -> Verdict:
    """The agent has taken the key NEXT_KEY, and this key is the listed one."""
    texts = tuple(raw.decode() for raw in stated)
    return judge(
        agents=(agent,), enrolled=(public_of(KEY),), rotations=texts,
        envelope=sign(EVIDENCE, by), reference=ROTATED,
    )  # fmt: skip


@pytest.mark.parametrize("agent", [public_of(KEY), NEXT])
def test_a_key_that_the_old_one_signed_for_is_as_good(agent: AgentKey) -> None:
    """Also in the moment in which the log knows of it and the list does not."""
    assert rotated(agent, rotate(KEY, NEXT_KEY)).outcome is Outcome.GENUINE


@pytest.mark.attack("an agent's new key that the old one did not sign for", "REJECTED")
def test_a_key_that_the_old_one_did_not_sign_for() -> None:
    for stated in ([], [rotate(OTHER, NEXT_KEY)], [rotate(NEXT_KEY, KEY)]):
        verdict = rotated(NEXT, *stated)
        assert bad(verdict) == {"log": Outcome.REJECTED}
        assert "the key before did not sign for that" in str(verdict.findings)


@pytest.mark.attack("a report by an agent's key that was replaced", "REJECTED")
@pytest.mark.parametrize("agent", [public_of(KEY), NEXT])
def test_a_replaced_key_counts_no_longer(agent: AgentKey) -> None:
    verdict = rotated(agent, rotate(KEY, NEXT_KEY), by=KEY)
    assert bad(verdict) == {"signature": Outcome.REJECTED}
    assert "another key than this report was signed with" in str(verdict.findings)


def test_a_new_key_does_not_count_before_it_is_in_the_log() -> None:
    verdict = judge(
        agents=(public_of(KEY),), enrolled=(public_of(KEY),),
        rotations=(rotate(KEY, NEXT_KEY).decode(),), envelope=sign(EVIDENCE, NEXT_KEY),
    )  # fmt: skip
    assert bad(verdict) == {"signature": Outcome.REJECTED}
    assert "ask again" in str(verdict.findings)


def test_the_witnesses_are_named_with_the_age_of_what_they_said() -> None:
    log = log_of(public_of(KEY), anna=NOW - timedelta(minutes=4), bert=NOW - timedelta(hours=3))
    told = {f.check: f.detail for f in judge(reference=replace(REFERENCE, log=log)).findings}
    assert "2 independent witnesses vouched for it, the last 4 minutes ago" in told["log"]
    assert "No independent witness" in {f.check: f.detail for f in judge().findings}["log"]


# -- our own question -----------------------------------------------------------------------------


def answer(nonce: str, **times: str) -> Case:
    return replace(CASE, envelope=sign(replace(EVIDENCE, nonce=nonce, **times)), nonce="n" * 43)


def test_an_answer_to_our_own_question_says_so() -> None:
    told = {f.check: f.detail for f in appraise(answer("n" * 43), NOW).findings}
    assert told["time"].endswith("It answers our own question.")
    assert {f.check: f.detail for f in judge().findings}["time"].endswith("no question of ours.")


@pytest.mark.attack("an old answer to a new question", "REPLAY")
@pytest.mark.parametrize("nonce", ["", "m" * 43, "n" * 42, "N" * 43])
def test_the_answer_to_another_question(nonce: str) -> None:
    assert bad(appraise(answer(nonce), NOW)) == {"time": Outcome.REPLAY}


@pytest.mark.attack("a clock that is off by a day", "CLOCK-SKEW")
@pytest.mark.parametrize("off", [timedelta(days=1), timedelta(days=-1), timedelta(minutes=6)])
def test_a_fresh_answer_that_seems_old_or_new(off: timedelta) -> None:
    """Whose clock it is cannot be told from the report; that one of them is wrong can."""
    verdict = appraise(answer("n" * 43), NOW + off)
    assert verdict.outcome is Outcome.CLOCK_SKEW
    assert "apart" in {f.check: f.detail for f in verdict.findings}["time"]


@pytest.mark.attack("a host of the community left out", "UNVERIFIABLE")
def test_a_host_that_did_not_report() -> None:
    evidence = replace(EVIDENCE, hosts=("h1", "h2"))
    verdict = judge(envelope=sign(evidence))
    assert bad(verdict) == {"hosts": Outcome.UNVERIFIABLE}
    assert "h2" in {f.check: f.detail for f in verdict.findings}["hosts"]


# -- what independent checkers saw ----------------------------------------------------------------


def seen_by(witness: str, served: str = "", age: timedelta = timedelta(minutes=4)) -> Observation:
    asset = AssetSeen("/static/app.css", served=served)
    release, digest = RELEASE.target, "sha256:" + "1" * 64
    return Observation(ADDRESS, NOW - age, release, digest, "-", 200, (asset,), witness)


def test_checkers_that_saw_the_same_are_named() -> None:
    saw = tuple(seen_by(name) for name in ("anna", "bert", "carl"))
    told = {f.check: f for f in judge(observations=saw).findings}["witnesses"]
    assert told.outcome is Outcome.GENUINE
    assert "3 independent checkers saw the same public files" in told.detail
    assert "No independent checker" in {f.check: f.detail for f in judge().findings}["witnesses"]


@pytest.mark.attack("a served file differs from the release", "DIVERGENT")
def test_one_checker_that_saw_another_file() -> None:
    verdict = judge(observations=(seen_by("anna"), seen_by("bert", "sha256:" + "0" * 64)))
    assert verdict.outcome is Outcome.DIVERGENT
    assert bad(verdict) == {"witnesses": Outcome.DIVERGENT}
    assert {p for f in verdict.findings for p in f.paths} == {"/static/app.css"}
