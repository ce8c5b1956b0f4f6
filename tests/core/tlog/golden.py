"""What the tests of the formats share: the golden log, its keys, and nearly right bytes."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import strategies as st

from provisioner.core.tlog.note import read_vkey
from tests.vectors.tlog.make import private

FOLDER = Path(__file__).parents[2] / "vectors" / "tlog"
GOLDEN = json.loads((FOLDER / "golden.json").read_text("utf-8"))
ORIGIN, ALICE, BOB = GOLDEN["vkeys"]
LOG_KEY, ALICE_KEY, BOB_KEY = (read_vkey(vkey) for vkey in GOLDEN["vkeys"].values())
LOG_PRIVATE, ALICE_PRIVATE, BOB_PRIVATE = (private(name) for name in GOLDEN["vkeys"])
TEXT = GOLDEN["checkpoint"].partition("\n\n")[0] + "\n"

_TOKENS = [b"\n", b" ", b"\t", b"\r", b"\0", b"\x7f", b"\xff", b"+", b"=", b"-", b"0", b"1", b"a",
           b"A", b"B", "— ".encode(), "\u2028".encode(), "\u00a0".encode(), b"\xed\xa0\x80",
           b"extra ", b"extra eA==\n", b"index ", b"old ", b"quorum none\n", b"#",
           b"none"]  # fmt: skip


@st.composite
def nearly(draw: st.DrawFn, raw: bytes) -> bytes:
    """`raw` with up to three places changed, and now and then as it is."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        gone = draw(st.integers(0, 3))
        new = draw(st.sampled_from(_TOKENS) | st.binary(max_size=2) | st.just(b""))
        raw = raw[:at] + new + raw[at + gone :]
    return raw
