"""What can be wrong with a report, one thing at a time: most of it signed by the right agent."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

from provisioner.core.appraisal.agents import AgentKey, key_id
from provisioner.core.appraisal.dsse import append_signature
from provisioner.models.evidence import (
    Evidence,
    LeftOut,
    MountSeen,
    ProcessSeen,
    Tree,
    hash_value,
)
from tests.browser.saved_checks import (
    HONEST,
    Place,
    Spoiled,
    agents_of,
    moment,
    report,
    report_seen,
    sealed,
)
from tests.core.test_appraisal import (
    FAULTS,
    IMAGE,
    LEFT_OUT,
    MADE,
    MOUNTS,
    SEEN,
    SETTINGS,
    file,
    make_tree,
)
from tests.core.test_appraisal_dsse import KEY, OTHER, public_of

GOOD, MODIFIED, REJECTED = "GENUINE", "MODIFIED", "REJECTED"
STALE, NOTHING = "STALE", "UNVERIFIABLE"
VARIABLES = SEEN.environment
SKEW, REPLAY = "CLOCK-SKEW", "REPLAY"
NONCE = "q" * 43
PYTHON = ProcessSeen("/usr/bin/python3", "bb", "00", False, 2)
ROOT = "sha256:" + "1" * 64
LARGE = 2**63 - 1


def list_spoiled_reports(place: Place) -> Iterator[Spoiled]:
    published = place.copy()
    for name, outcome, evidence in (*_list_seen(), *_list_stated(), *_list_hosts()):
        yield place.spoiled(name, outcome, evidence, published=published)
    for name, outcome, nonce, evidence in _list_asked():
        yield place.spoiled(
            f"question: {name}", outcome, evidence, published=published, nonce=nonce
        )
    for name, outcome, envelope in _list_envelopes():
        yield place.spoiled(f"envelope: {name}", outcome, envelope=envelope, published=published)
    for name, outcome, changes in _list_fields():
        yield place.spoiled(f"asked: {name}", outcome, published=published, **changes)


def _list_seen() -> Iterator[tuple[str, str, Evidence]]:
    for number, (tree, paths) in enumerate(FAULTS):
        yield f"file {number} {sorted(paths)[0]}", MODIFIED, report_seen(tree=tree)
    for name, outcome, tree in _list_trees():
        yield f"tree: {name}", outcome, report_seen(tree=tree)
    for number, mount in enumerate(_MOUNTS):
        yield f"mount {number}", MODIFIED, report_seen(mounts=(*MOUNTS, mount))
    for name, outcome, changes in _SEEN:
        yield name, outcome, report_seen(**changes)


def _list_trees() -> Iterator[tuple[str, str, Tree]]:
    tree = SEEN.tree
    for line in ("", "x", "[]", '["/a",\n["/b",\n', '["/a"]', '["\\ud8', "\u0660", '["/a",\r'):
        yield f"line {line!a}", REJECTED, replace(tree, changed=(*tree.changed, line))
    carried = '["/a",\r["/b",\r\n'
    yield "returns are no ends of lines", REJECTED, replace(tree, changed=(*tree.changed, carried))
    yield "does not add up", REJECTED, replace(tree, root=ROOT)
    yield "one change less", REJECTED, replace(tree, changed=tree.changed[1:])
    yield "never there", REJECTED, replace(tree, missing=("/never",), root=ROOT)
    yield "unlisted", MODIFIED, replace(tree, unlisted=5, root="sha256:x")
    yield "unlisted below zero", MODIFIED, replace(tree, unlisted=-LARGE)
    yield "no base", NOTHING, replace(tree, base="")
    yield "another base", NOTHING, replace(tree, base=ROOT)
    for path in ("/app", "/", "/usr/", "/dat"):
        left_out = (*LEFT_OUT, LeftOut(path, "too deep"))
        yield f"left out {path}", NOTHING, make_tree(left_out=left_out)
    yield "below a folder", NOTHING, make_tree(left_out=(LeftOut("/data/", ""), *LEFT_OUT[1:]))
    both = make_tree((file("/app/main.py", "dd"), file("/new")), gone=("/usr/bin/python3",))
    yield "three differences", MODIFIED, both
    strange = ("/é\u2028\u202e", "/\U0001f600", "/\uffff", "/\udc80\udcff", "/\x7f\x1b\\\"'<b>")
    yield "strange names", MODIFIED, make_tree(tuple(file(path) for path in strange))
    yield "half a letter", REJECTED, replace(tree, missing=("/\ud800",))
    yield "half a letter left out", NOTHING, replace(tree, left_out=(LeftOut("/\ud800", ""),))
    yield "in another order", GOOD, replace(tree, changed=tree.changed[::-1])
    yield "the same twice", GOOD, replace(tree, changed=tree.changed * 2)
    missing = replace(tree, missing=("/app/main.py", "/app/main.py"))
    yield "missing twice", REJECTED, missing
    made = MADE[1]._replace(mode=0o777)
    yield "a folder of the engine", MODIFIED, make_tree((made,))
    yield from _list_full_passes(tree)


def _list_full_passes(tree: Tree) -> Iterator[tuple[str, str, Tree]]:
    for name, outcome, told in (
        ("just now", GOOD, moment()),
        ("59 seconds ago", GOOD, moment(-59 / 60)),
        ("a minute ago", GOOD, moment(-1)),
        ("90 minutes ago", GOOD, moment(-90)),
        ("26 hours ago", GOOD, moment(-26 * 60)),
        ("longer ago", STALE, moment(-26 * 60 - 1 / 60)),
        ("a month ago", STALE, moment(-30 * 24 * 60)),
        ("a little early", GOOD, moment(5)),
        ("in the future", STALE, moment(5.05)),
        ("some day", REJECTED, "yesterday"),
        ("a day too many", REJECTED, "2026-02-30T00:00:00Z"),
        ("other digits", REJECTED, "٢٠٢٦" + moment()[4:]),
        ("short", REJECTED, moment().replace("T0", "T").lower()),
        ("half a letter", REJECTED, "\ud800"),
    ):
        yield f"every byte: {name}", outcome, replace(tree, full_pass=told)
    late = moment(-30 * 24 * 60)
    broken = replace(tree, changed=("x",), full_pass=late)
    yield "every byte: long ago, and lines that are none", REJECTED, broken
    modified = replace(make_tree((file("/app/main.py", "dd"),)), full_pass=late)
    yield "every byte: long ago, and a file that differs", MODIFIED, modified
    unlike = replace(make_tree((file("/app/main.py", "dd"),)), full_pass=moment(-5))
    yield "every byte: lately, and a file that differs", MODIFIED, unlike


_MOUNTS = (
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
    MountSeen("/\U0001f600\udcff\x1b[2J", "ext4", "/", False),
    MountSeen("/usr/bin", "overlay", "/lower", True),
)
_ENTERED = replace(PYTHON, entered=True)
_SEEN: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "engine mounts",
        GOOD,
        {
            "mounts": (
                *MOUNTS,
                MountSeen("/proc", "proc", "/", False),
                MountSeen("/proc/kcore", "tmpfs", "/", True),
                MountSeen("/sys/fs/cgroup", "cgroup2", "/", True),
                MountSeen("/tmp", "tmpfs", "/", False),
                MountSeen("/run/edge", "ext4", "/x", False),
            )
        },
    ),
    ("no settings", MODIFIED, {"settings": {}}),
    ("other settings", MODIFIED, {"settings": {SETTINGS: "ff"}}),
    ("undeclared settings", GOOD, {"declared": {}}),
    ("another program", MODIFIED, {"processes": (replace(PYTHON, program_sha256="b0"),)}),
    ("a program from data", MODIFIED, {"processes": (PYTHON, replace(PYTHON, program="/data/x"))}),
    ("a deleted program", MODIFIED, {"processes": (replace(PYTHON, program="/x (deleted)"),)}),
    (
        "an unlisted program without a hash",
        MODIFIED,
        {"processes": (PYTHON, replace(PYTHON, program="/data/x", program_sha256=""))},
    ),
    (
        "a link as program, without a hash",
        MODIFIED,
        {"processes": (replace(PYTHON, program="/bin", program_sha256=""),)},
    ),
    (
        "a program of the release without a hash",
        MODIFIED,
        {"processes": (replace(PYTHON, program_sha256=""),)},
    ),
    *(
        (
            f"settings {each!a} {declared!a}",
            MODIFIED,
            {"settings": {SETTINGS: each}, "declared": declared},
        )
        for each in ("", "!unreadable", "!changing", "!too-large")
        for declared in ({}, {SETTINGS: each})
    ),
    (
        "a new variable without a hash",
        MODIFIED,
        {"environment": VARIABLES | {"LD_PRELOAD": ""}},
    ),
    (
        "a variable of the release without a hash",
        MODIFIED,
        {"environment": VARIABLES | {"MODE": ""}},
    ),
    ("a link as program", MODIFIED, {"processes": (replace(PYTHON, program="/bin"),)}),
    ("entered", MODIFIED, {"processes": (replace(PYTHON, entered=True),)}),
    (
        "foreign and entered",
        MODIFIED,
        {"processes": (replace(PYTHON, program="/\x1b", entered=True), PYTHON)},
    ),
    ("half a letter as program", MODIFIED, {"processes": (replace(PYTHON, program="/\ud800"),)}),
    ("a stray byte as program", MODIFIED, {"processes": (replace(PYTHON, program="/\udcfe"),)}),
    ("no program", NOTHING, {"processes": ()}),
    ("one program", GOOD, {"processes": (replace(PYTHON, count=1),)}),
    (
        "very many programs",
        GOOD,
        {"processes": (replace(PYTHON, count=LARGE), replace(PYTHON, count=LARGE))},
    ),
    ("a capability", MODIFIED, {"capabilities": "0000000000002000"}),
    ("no capabilities at all", MODIFIED, {"capabilities": ""}),
    *(
        (f"capabilities {told!a}", MODIFIED, {"capabilities": told})
        for told in ("8000020000000001", "0x4", "F" * 16, "0" * 17, " 0", "0\n", "0_0", "٠", "none")
    ),
    ("capabilities, told in short", GOOD, {"capabilities": "0"}),
    *((f"users {each}", GOOD, {"users": each}) for each in ((), (10100,), (10100, 10100))),
    *(
        (f"users {each}", MODIFIED, {"users": each})
        for each in ((0,), (10100, 0), (10101, 10099, 10100), (-1, 5), (LARGE, LARGE - 1), (10, 9))
    ),
    *((f"groups {each}", GOOD, {"groups": each}) for each in ((), (10002,), (10002, 10002))),
    *(
        (f"groups {each}", MODIFIED, {"groups": each})
        for each in ((0,), (10002, 0), (10003, 10001), (-1, 5), (LARGE, LARGE - 1))
    ),
    *((f"ways out {each}", GOOD, {"ways_out": each}) for each in (-1, 0, 1, LARGE, -LARGE)),
    *(
        (f"started in {each!a}", MODIFIED, {"workdir": each})
        for each in ("/", "", "/app/", "/\ud800")
    ),
    ("without a variable", MODIFIED, {"environment": {"LANG": hash_value("C.UTF-8")}}),
    ("without variables", MODIFIED, {"environment": {}}),
    ("a user and a right", MODIFIED, {"users": (0,), "capabilities": "1", "read_only_root": False}),
    *(
        (f"the service {each!a}", MODIFIED, {"service": each})
        for each in ("", "App", "a:b", "\u202ex")
    ),
    ("a root that can be written", MODIFIED, {"read_only_root": False}),
    ("both", MODIFIED, {"read_only_root": False, "capabilities": "ff"}),
    (
        "a new variable",
        MODIFIED,
        {"environment": VARIABLES | {"LD_PRELOAD": "0", "\U0001f600": "1", "\uffff": "2"}},
    ),
    ("a changed variable", MODIFIED, {"environment": VARIABLES | {"MODE": hash_value("2")}}),
    ("another path", MODIFIED, {"environment": VARIABLES | {"PATH": hash_value("/data")}}),
    (
        "a variable with control codes",
        MODIFIED,
        {"environment": VARIABLES | {"\x1b[1m\u202e": "x"}},
    ),
    (
        "the engine's variables",
        GOOD,
        {"environment": VARIABLES | {"HOME": "x", "TERM": "y"}},
    ),
    (
        "a variable named like an object's parent",
        MODIFIED,
        {"environment": VARIABLES | {"__proto__": "x"}},
    ),
    ("another image", MODIFIED, {"image": "x", "image_id": ROOT}),
    ("known by its id", GOOD, {"image": "x"}),
    ("known by its digest", GOOD, {"image_id": IMAGE.digest, "image": "x"}),
    ("another command", MODIFIED, {"command_sha256": "00"}),
    ("many kernels", MODIFIED, {"seccomp": LARGE}),
    *((f"seccomp {mode}", MODIFIED, {"seccomp": mode}) for mode in (0, 1, 3, -2)),
    ("everything lifted", MODIFIED, {"seccomp": 0, "read_only_root": False, "capabilities": "1"}),
    ("privileges to gain", GOOD, {"no_new_privileges": False}),
    ("privileges to gain, no filter", MODIFIED, {"no_new_privileges": False, "seccomp": 0}),
    ("somebody was inside", MODIFIED, {"execs": 1}),
    ("many were inside", MODIFIED, {"execs": LARGE}),
    ("fewer than none were inside", GOOD, {"execs": -LARGE}),
    ("somebody is inside", MODIFIED, {"execs": 2, "processes": (_ENTERED,)}),
    ("one of three is inside", MODIFIED, {"execs": 3, "processes": (PYTHON, _ENTERED)}),
    ("somebody was inside, nothing runs", MODIFIED, {"execs": 1, "processes": ()}),
)


def _list_stated() -> Iterator[tuple[str, str, Evidence]]:
    yield "honest", GOOD, HONEST
    other = replace(SEEN, image="x", image_id=ROOT, service="\u202ex")
    yield "an extra container", MODIFIED, report(containers=(SEEN, other))
    yield "twice the same container", GOOD, report(containers=(SEEN, SEEN))
    yield "no container", NOTHING, report(containers=())
    yield "another community", "RELAY", report(origin="other.localhost:8080")
    yield "another release", NOTHING, report(release=HONEST.release.replace("1.2.0", "1.1.0"))
    yield "no release", NOTHING, report(release="")
    modified = report_seen(read_only_root=False)
    late = replace(modified, issued=moment(-9), expires=moment(-5))
    yield "late and modified", MODIFIED, late
    for name, outcome, issued, expires in (
        ("just over", STALE, moment(-5), moment()),
        ("long over", STALE, moment(-3000), moment(-2996)),
        ("soon over", GOOD, moment(-4.9), moment(0.1)),
        ("a little early", GOOD, moment(5), moment(9)),
        ("from the future", SKEW, moment(5.05), moment(9)),
        ("from next week", SKEW, moment(9000), moment(9004)),
        ("from tomorrow", SKEW, moment(1440), moment(1444)),
        ("from just now", GOOD, moment(), moment(5)),
        ("made to last", REJECTED, moment(-1), moment(4.1)),
        ("over before it began", REJECTED, moment(2), moment(1)),
        ("no moment", REJECTED, "yesterday", moment(4)),
        ("another form", REJECTED, moment(-1), moment(4).replace("T", " ")),
        ("short form", REJECTED, moment(-1).replace("T0", "T"), moment(4).lower()),
        ("the 30th of February", REJECTED, "2026-02-30T00:00:00Z", moment(4)),
        ("a leap second", REJECTED, moment(-1)[:-3] + "60Z", moment(4)),
        ("other digits", REJECTED, "٢٠٢٦" + moment(-1)[4:], moment(4)),
    ):
        yield f"time: {name}", outcome, report(issued=issued, expires=expires)


def _list_hosts() -> Iterator[tuple[str, str, Evidence]]:
    here = HONEST.host
    for name, outcome, hosts in (
        ("only this", GOOD, (here,)),
        ("this twice", GOOD, (here, here)),
        ("another", NOTHING, ("h9",)),
        ("this and another", NOTHING, (here, "h9")),
        ("three others", NOTHING, ("h9", "\U0001f600", "\uffff", here, "h9")),
        ("strange", NOTHING, ("\x1b[2J", "\u202e", "\udc80", "\ud800")),
        ("no name", NOTHING, ("",)),
    ):
        yield f"hosts: {name}", outcome, report(hosts=hosts)


def _list_asked() -> Iterator[tuple[str, str, str, Evidence]]:
    """Its name, the outcome, the question of the saved check, and the report."""
    for name, outcome, asked, answered in (
        ("answered", GOOD, NONCE, NONCE),
        ("not answered", REPLAY, NONCE, ""),
        ("another answered", REPLAY, NONCE, "r" * 43),
        ("almost answered", REPLAY, NONCE, NONCE + "="),
        ("half answered", REPLAY, NONCE, NONCE[:20]),
        ("answered in capitals", REPLAY, NONCE, NONCE.upper()),
        ("nobody's answered", GOOD, "", NONCE),
        ("a blank asked", REPLAY, " ", ""),
        ("strange", GOOD, "\u202e\U0001f600", "\u202e\U0001f600"),
        ("composed otherwise", REPLAY, "\xe9", "e\u0301"),
    ):
        yield name, outcome, asked, report(nonce=answered)
    answer = report(nonce=NONCE)
    for name, outcome, issued, expires in (
        ("run out", SKEW, moment(-5), moment()),
        ("run out long ago", SKEW, moment(-3000), moment(-2996)),
        ("from the future", SKEW, moment(5.05), moment(9)),
        ("a little early", GOOD, moment(5), moment(9)),
        ("made to last", REJECTED, moment(-1), moment(4.1)),
        ("no moment", REJECTED, "yesterday", moment(4)),
    ):
        yield name, outcome, NONCE, replace(answer, issued=issued, expires=expires)
    old = report(issued=moment(-9), expires=moment(-5))
    yield "an old report of everybody's", REPLAY, NONCE, old
    yield "no moment and no answer", REPLAY, NONCE, report(issued="yesterday")
    elsewhere = replace(answer, origin="other.localhost:8080")
    yield "answered for another community", "RELAY", NONCE, elsewhere
    modified = report_seen(read_only_root=False)
    yield "not answered, and modified", REPLAY, NONCE, modified
    yield "answered, and modified", MODIFIED, NONCE, replace(modified, nonce=NONCE)


def _list_envelopes() -> Iterator[tuple[str, str, str]]:
    right = sealed(HONEST.statement())
    value = json.loads(right)
    sig = value["signatures"][0]["sig"]

    def put(**changes: object) -> str:
        return json.dumps({**value, **changes})

    yield "empty", REJECTED, " "
    yield "nothing in it", REJECTED, "{}"
    yield "a list", REJECTED, "[]"
    yield "signed by another", REJECTED, sealed(HONEST.statement(), OTHER)
    yield "signed as something else", REJECTED, sealed(HONEST.statement(), kind="application/json")
    yield "signed twice", GOOD, append_signature(right.encode(), OTHER).decode()
    yield "no signature", REJECTED, put(signatures=[])
    yield "seventeen signatures", REJECTED, put(signatures=value["signatures"] * 17)
    yield "a signature that is a number", REJECTED, put(signatures=[1])
    yield "another key id", GOOD, put(signatures=[{"keyid": "x", "sig": sig}])
    yield "no key id", GOOD, put(signatures=[{"sig": sig}])
    yield "a key id of nothing", REJECTED, put(signatures=[{"sig": sig, "keyid": None}])
    yield "a short signature", REJECTED, put(signatures=[{"sig": sig[:44]}])
    yield "an empty signature", REJECTED, put(signatures=[{"sig": ""}])
    flipped = ("B" if sig[0] == "A" else "A") + sig[1:]
    yield "a changed signature", REJECTED, put(signatures=[{"sig": flipped}])
    safe = base64.urlsafe_b64encode(base64.b64decode(value["payload"])).decode()
    yield "the other alphabet", GOOD, put(payload=safe)
    yield "both alphabets", REJECTED, put(payload="+_" + value["payload"])
    for text in ("A", "AA", "AB==", "A===", "=", "AAAA=", " AAA", "AAA\n", "Ä" * 4, "AA=A"):
        yield f"payload {text!a}", REJECTED, put(payload=text)
    yield "another payload", REJECTED, put(payload=base64.b64encode(b"{}").decode())
    yield "half a letter as type", REJECTED, put(payloadType="\ud800")
    yield "a name twice", REJECTED, right.replace('{"payload"', '{"payload":"","payload"')
    yield "half", REJECTED, right[: len(right) // 2]
    for ending in ("x", " 1", "\x00", "\ufeff"):
        yield f"ending {ending!a}", REJECTED, right + ending
    yield "beginning with a mark", REJECTED, "\ufeff" + right
    yield "in wide space", GOOD, "\r\n\t " + right + " \n"
    yield "in another space", REJECTED, "\xa0" + right
    yield "more fields", GOOD, put(more=[{"a": None, "b": [True, False, -0, 1]}])
    yield "too large", REJECTED, put(more="x" * 8 * 1024 * 1024)
    for name, text in _SPOILED_JSON.items():
        yield f"with {name}", REJECTED, f'{{"more":{text},{right[1:]}'
        signed = HONEST.statement().decode()
        yield f"signed with {name}", REJECTED, sealed(f'{{"more":{text},{signed[1:]}'.encode())
    for name, text in _FINE_JSON.items():
        yield f"with {name}", GOOD, f'{{"more":{text},{right[1:]}'
    for name, change in _STATEMENTS.items():
        yield f"statement: {name}", REJECTED, sealed(_change(change))
    yield "statement: a later field", GOOD, sealed(_change(lambda s: s["predicate"].update(z=[1])))
    twice = HONEST.statement().replace(b'"host":', b'"host":"x","host":')
    yield "statement: a name twice", REJECTED, sealed(twice)
    yield "statement: no UTF-8", REJECTED, sealed(HONEST.statement()[:-1] + b',"x":"\xff"}')
    yield "statement: surrogates in UTF-8", REJECTED, sealed(b'{"x":"\xed\xa0\x80"}')
    yield "statement: a mark first", REJECTED, sealed(b"\xef\xbb\xbf" + HONEST.statement())


_SPOILED_JSON = {
    "a fraction": "1.0",
    "an exponent": "1e2",
    "a fraction in a list": "[1,2.5]",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a leading zero": "01",
    "a plus": "+1",
    "a bare point": "1.",
    "a bare exponent": "1e",
    "a minus": "-",
    "a huge number": "1" * 5000,
    "a number of 101 digits": "9" * 101,
    "a name twice below": '{"a":{"b":1,"b":1}}',
    "a name twice, written differently": '{"a":1,"\\u0061":2}',
    "a comma": "[1,]",
    "no value": "",
    "a word": "nul",
    "single quotes": "'a'",
    "a bad escape": '"\\x41"',
    "a short escape": '"\\u12"',
    "a line in text": '"\n"',
    "no end": '"',
    "too deep": "[" * 100_000,
    "an open object": '{"a"',
    "a name that is none": "{1:2}",
}
_FINE_JSON = {
    "minus zero": "-0",
    "a number of 100 digits": "9" * 100,
    "a number of 64 bits": str(-(2**63)),
    "deep lists": "[" * 400 + "]" * 400,
    "escapes": '"\\u0000\\ud83d\\ude00\\ud800\\"\\/\\b"',
    "an empty name": '{"":1,"__proto__":{"constructor":1}}',
    "a deleted sign": '"\x7f\u2028"',
}
_STATEMENTS: dict[str, Callable[[Any], object]] = {
    "another type": lambda s: s.update(_type="https://in-toto.io/Statement/v0.1"),
    "another predicate": lambda s: s.update(predicateType="https://slsa.dev/provenance/v1"),
    "no predicate": lambda s: s.pop("predicate"),
    "no subject": lambda s: s.pop("subject"),
    "an empty subject": lambda s: s.update(subject=[]),
    "another subject": lambda s: s["subject"][0]["digest"].update(sha256="00"),
    "a number as subject": lambda s: s.update(subject=[1]),
    "a subject without digest": lambda s: s.update(subject=[{"name": "app"}]),
    "a digest that is a number": lambda s: s["subject"][0]["digest"].update(sha512=1),
    "no issued": lambda s: s["predicate"].pop("issued"),
    "a number as issued": lambda s: s["predicate"].update(issued=1),
    "a flag as number": lambda s: s["predicate"]["containers"][0].update(seccomp=True),
    "a number as flag": lambda s: s["predicate"]["containers"][0].update(read_only_root=1),
    "a whole fraction": lambda s: s["predicate"]["containers"][0]["processes"][0].update(count=2.0),
    "containers as object": lambda s: s["predicate"].update(containers={}),
    "a container as text": lambda s: s["predicate"]["containers"].append("x"),
    "a list as environment": lambda s: s["predicate"]["containers"][0].update(environment=[]),
    "a number as variable": lambda s: s["predicate"]["containers"][0]["environment"].update(A=1),
    "a number as execs": lambda s: s["predicate"]["containers"][0].update(execs="1"),
    "a flag as execs": lambda s: s["predicate"]["containers"][0].update(execs=True),
    "a text as users": lambda s: s["predicate"]["containers"][0].update(users="0"),
    "a text as user": lambda s: s["predicate"]["containers"][0].update(users=["0"]),
    "a flag as user": lambda s: s["predicate"]["containers"][0].update(users=[False]),
    "no users at all": lambda s: s["predicate"]["containers"][0].update(users=None),
    "no nonce at all": lambda s: s["predicate"].update(nonce=None),
    "a number as nonce": lambda s: s["predicate"].update(nonce=1),
    "a text as hosts": lambda s: s["predicate"].update(hosts="h1"),
    "a number as host": lambda s: s["predicate"].update(hosts=[1]),
    "a number as full pass": lambda s: s["predicate"]["containers"][0]["tree"].update(full_pass=1),
    "a number as path": lambda s: s["predicate"]["containers"][0]["tree"].update(missing=[1]),
    "a path without why": lambda s: s["predicate"]["containers"][0]["tree"]["left_out"][0].pop(
        "why"
    ),
}


def _change(change: Callable[[Any], object]) -> bytes:
    statement = json.loads(HONEST.statement())
    change(statement)
    return json.dumps(statement).encode()


def _list_fields() -> Iterator[tuple[str, str, dict[str, Any]]]:
    right, foreign = public_of(KEY), public_of(OTHER)
    for name, address in (("a scheme", " HTTPS://Smith.localhost:8080/x?y "), ("a space", "\x85")):
        outcome = GOOD if name == "a scheme" else NOTHING
        yield f"address with {name}", outcome, {"address": address}
    for address in ("", "a..b", "-a", "ä.example", "smith.localhost:8080\n\n", "x" * 254):
        outcome = GOOD if address.startswith("smith") else NOTHING
        yield f"address {address[:20]!a}", outcome, {"address": address}
    yield "an address with a mark", NOTHING, {"address": "\ufeffsmith.localhost:8080"}
    yield "another address", "RELAY", {"address": "other.localhost:8080"}
    yield "no agents", NOTHING, {"agents": agents_of()}
    yield "a foreign agent", REJECTED, {"agents": agents_of(foreign)}
    yield "one agent more", GOOD, {"agents": agents_of(foreign, right)}
    yield "an agent twice", NOTHING, {"agents": agents_of(right, right)}
    yield "agents that cannot be read", NOTHING, {"agents": "{"}
    yield "agents as object", NOTHING, {"agents": '{"agents": {}}'}
    yield "agents twice", NOTHING, {"agents": '{"agents": [], "agents": []}'}
    yield "another key id", NOTHING, {"agents": agents_of(replace(right, keyid="00"))}
    yield "a short key", NOTHING, {"agents": agents_of(AgentKey("h1", key_id(b"x"), "eA=="))}
    yield "no base64", NOTHING, {"agents": agents_of(replace(right, public="ä"))}
    yield "another host", REJECTED, {"agents": agents_of(replace(right, host_id="h2"))}
    yield (
        "an unlogged agent",
        "UNLOGGED",
        {"agents": agents_of(foreign), "envelope": sealed(HONEST.statement(), OTHER)},
    )
    yield (
        "one padding more",
        NOTHING,
        {"agents": agents_of(replace(right, public=right.public + "="))},
    )
    loose = right.public[:-2] + _loosen(right.public[-2]) + "="
    yield "base64 with loose bits", NOTHING, {"agents": agents_of(replace(right, public=loose))}
    half = json.dumps({"agents": [asdict(replace(right, host_id="h1\ud800"))]})
    yield "half a letter as host", REJECTED, {"agents": half}
    small = bytes([1]) + bytes(31)
    weak = AgentKey("h1", key_id(small), base64.b64encode(small).decode())
    envelope = json.loads(sealed(HONEST.statement()))
    envelope["signatures"] = [{"sig": base64.b64encode(small + bytes(32)).decode()}]
    yield (
        "a key of small order",
        "UNLOGGED",
        {"agents": agents_of(weak), "envelope": json.dumps(envelope)},
    )


def _loosen(letter: str) -> str:
    """The letter with one bit more that padding makes meaningless."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return alphabet[alphabet.index(letter) | 1]
