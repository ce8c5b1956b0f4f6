"""Make golden.json: a small log, signed and witnessed with fixed keys, from the definitions alone.

Run `./taarafo dev python -m tests.vectors.tlog.make`. It imports nothing of ours but the naive
tree, so a mistake in our code is not in these bytes too. Ed25519 signs the same bytes always alike.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.core.tlog.naive import NaiveTree, leaf

GOLDEN = Path(__file__).with_name("golden.json")
OLD, SIZE, INDEX, TIME = 256, 300, 255, 1_700_000_000
ORIGIN = "log.example/taarafo"
SEEDS = {ORIGIN: 1, "witness.example/alice": 2, "witness.example/bob": 3}


def make() -> dict[str, object]:
    """Everything in golden.json."""
    lines = [line_of(n) for n in range(SIZE)]
    tree = NaiveTree([leaf(line) for line in lines])
    text = f"{ORIGIN}\n{SIZE}\n{base64(tree.root(SIZE))}\n"
    checkpoint = f"{text}\n{sign(ORIGIN, 1, text)}"
    cosigned = checkpoint + "".join(
        cosign(name, text, TIME + n) for n, name in enumerate(SEEDS) if n
    )
    return {
        "vkeys": {name: vkey(name, 1 if name == ORIGIN else 4) for name in SEEDS},
        "entries": [line.decode() for line in (lines[0], lines[INDEX], lines[-1])],
        "roots": {str(size): tree.root(size).hex() for size in (0, 1, 2, 3, 255, 256, 257, SIZE)},
        "tiles": {path: sha256(tile).hexdigest() for path, tile in tree.tiles(SIZE).items()},
        "bundle": sha256(b"".join(len(x).to_bytes(2, "big") + x for x in lines[:256])).hexdigest(),
        "checkpoint": checkpoint,
        "cosigned": cosigned,
        "proof": f"c2sp.org/tlog-proof@v1\nextra {base64(lines[INDEX])}\nindex {INDEX}\n"
        + listing(tree.path(INDEX, SIZE)) + f"\n{cosigned}",
        "submission": f"old {OLD}\n{listing(tree.proof(OLD, SIZE))}\n{checkpoint}",
        "policy": policy(),
    }  # fmt: skip


def line_of(n: int) -> bytes:
    kind = ("metadata", "agent", "rotation")[n % 3]
    digest = sha256(str(n).encode()).hexdigest()
    return f"taarafo/log/v1 {kind} {n}.öffentlich sha256:{digest}\n".encode()


def policy() -> str:
    log, alice, bob = (vkey(name, 1 if name == ORIGIN else 4) for name in SEEDS)
    return (
        f"log {log} https://log.example/taarafo\nwitness alice {alice}\n"
        f"witness bob {bob} https://witness.example/bob\ngroup both 2 alice bob\nquorum both\n"
    )


def private(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([SEEDS[name]]) * 32)


def public(name: str) -> bytes:
    return private(name).public_key().public_bytes_raw()


def key_id(name: str, kind: int) -> bytes:
    return sha256(name.encode() + b"\n" + bytes([kind]) + public(name)).digest()[:4]


def vkey(name: str, kind: int) -> str:
    return f"{name}+{key_id(name, kind).hex()}+{base64(bytes([kind]) + public(name))}"


def sign(name: str, kind: int, text: str, before: bytes = b"") -> str:
    signature = before + private(name).sign(text.encode())
    return f"— {name} {base64(key_id(name, kind) + signature)}\n"


def cosign(name: str, text: str, time: int) -> str:
    message = f"cosignature/v1\ntime {time}\n{text}"
    return sign(name, 4, message, time.to_bytes(8, "big"))


def base64(content: bytes) -> str:
    return b64encode(content).decode()


def listing(hashes: tuple[bytes, ...]) -> str:
    return "".join(f"{base64(each)}\n" for each in hashes)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n", "utf-8")
