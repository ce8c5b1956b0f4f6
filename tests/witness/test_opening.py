"""How a witness begins: its name, its key, the logs it watches, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from provisioner.core.tlog.note import COSIGNATURE_V1, ED25519, NoteKey, read_vkey, write_vkey
from provisioner.core.tlog.policy import read_policy
from provisioner.errors import Conflict, ReleaseRejected, SettingWrong
from provisioner.witness.identity import Identity, load_key
from provisioner.witness.register import open_register
from provisioner.witness.witness import WitnessOptions, open_witness
from tests.witness.logs import SmallLog

LOG, OTHER = SmallLog(), SmallLog("log.example/two", seed=2)


def options(folder: Path, **more: object) -> WitnessOptions:
    facts = {"name": "w.example", "listen": "127.0.0.1:0", **more}
    return WitnessOptions(folder, **facts)  # type: ignore[arg-type]


def test_name_and_logs_are_kept(tmp_path: Path) -> None:
    assert open_register(tmp_path, name="w", logs=[LOG.vkey]).logs == (LOG.key,)
    assert open_register(tmp_path, logs=[OTHER.vkey, LOG.vkey]).logs == (LOG.key, OTHER.key)
    kept = open_register(tmp_path)
    assert (kept.name, kept.logs) == ("w", (LOG.key, OTHER.key))
    told = json.loads((tmp_path / "witness.json").read_bytes())
    assert told == {"name": "w", "logs": [LOG.vkey, OTHER.vkey]}


def test_a_name_never_changes_and_is_needed_once(tmp_path: Path) -> None:
    with pytest.raises(SettingWrong, match="setting-wrong"):
        open_register(tmp_path)
    open_register(tmp_path, name="w")
    assert open_register(tmp_path, name="w").name == "w"
    with pytest.raises(SettingWrong) as caught:
        open_register(tmp_path, name="v")
    assert "this witness is called w" in caught.value.explain()


@pytest.mark.parametrize("name", ["two words", "a+b", "\t", "a\nb"])
def test_a_name_that_no_signature_can_bear_is_not_kept(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingWrong):
        open_register(tmp_path, name=name)
    assert open_register(tmp_path, name="better").name == "better"


@pytest.mark.parametrize(
    "vkey",
    ["", "nonsense", LOG.vkey[:-1], LOG.vkey.replace("one", "two"),
     write_vkey(NoteKey(LOG.origin, COSIGNATURE_V1, LOG.key.public))],
)  # fmt: skip
def test_what_is_no_key_of_a_log_is_refused(tmp_path: Path, vkey: str) -> None:
    with pytest.raises(SettingWrong):
        open_register(tmp_path, name="w", logs=[vkey])
    assert not (tmp_path / "witness.json").exists()


@pytest.mark.parametrize("content", [b"", b"{}", b'{"name": "w", "name": "v", "logs": []}', b"[]",
                                     b'{"name": "w", "logs": ["x"]}'])  # fmt: skip
def test_a_broken_register_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "witness.json").write_bytes(content)
    with pytest.raises(SettingWrong):
        open_register(tmp_path, name="w")
    assert (tmp_path / "witness.json").read_bytes() == content


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = Identity("w.example", load_key(tmp_path / "key.pem"))
    assert Identity("w.example", load_key(tmp_path / "key.pem")).vkey == key.vkey
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert read_vkey(key.vkey) == key.key
    assert (key.key.algorithm, key.observation_key.algorithm) == (COSIGNATURE_V1, ED25519)
    assert key.key.public == key.observation_key.public
    assert "private" not in repr(key)


def test_a_broken_key_is_not_replaced(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for content in (b"", b"nonsense", other):
        (tmp_path / "key.pem").write_bytes(content)
        with pytest.raises(SettingWrong), open_witness(options(tmp_path)):
            pass
        assert (tmp_path / "key.pem").read_bytes() == content


@pytest.mark.parametrize(
    "wrong",
    [{"name": "two words"}, {"name": "a+b"}, {"listen": "8090"}, {"listen": "127.0.0.1:x"},
     {"listen": "127.0.0.1:70000"}, {"listen": "192.0.2.1:80"}, {"probes": ("a.localhost",)},
     {"probes": ("a.localhost",), "control": "localhost"},
     {"probes": ("no address",), "control": "localhost", "root": Path(__file__)}],
)  # fmt: skip
def test_what_cannot_be_used_is_said_before_anything_runs(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(SettingWrong), open_witness(options(tmp_path, **wrong)):
        pass


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    asked = options(tmp_path, probes=("a.localhost",), control="localhost", root=tmp_path / "no")
    with pytest.raises(ReleaseRejected), open_witness(asked):
        pass


def test_a_port_and_a_folder_belong_to_one(tmp_path: Path) -> None:
    with open_witness(options(tmp_path / "one")) as first:
        with pytest.raises(Conflict), open_witness(options(tmp_path / "one")):
            pass
        taken = options(tmp_path / "two", listen=first.url.removeprefix("http://"))
        with pytest.raises(SettingWrong) as caught, open_witness(taken):
            pass
        assert "--listen" in caught.value.explain()
    with open_witness(options(tmp_path / "one", name="", url="https://w.example")) as again:
        assert again.url == "https://w.example"
        policy = read_policy(f"{again.policy_line}\nquorum w.example\n")
        assert policy.witnesses[0].key == first.identity.key


def test_it_listens_on_ipv6_too(tmp_path: Path) -> None:
    with open_witness(options(tmp_path, listen="[::1]:0")) as opened:
        assert opened.url.startswith("http://[::1]:")
