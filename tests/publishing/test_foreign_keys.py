"""Bytes that others hand over: a public key, and the change that waits. Any bytes at all."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from provisioner.errors import KeyRefused
from provisioner.publishing.pending import find_proposal
from provisioner.publishing.public_key import read_public_key
from provisioner.publishing.publisher import Publisher
from tests.publishing.ceremonies import make_holder
from tests.publishing.place import publisher_in

ROOT = b'{"signatures": [], "signed": {"_type": "root", "spec_version": "1.0.31", "version": 1}}'


def test_a_public_key_is_called_after_its_file(tmp_path: Path) -> None:
    private, public = make_holder(tmp_path, "anna")
    key = read_public_key(public)
    assert key.unrecognized_fields == {"x-taarafo-file": "anna.pem"}
    assert key.keyval == CryptoSigner.from_priv_key_uri(f"file2:{private}", key).public_key.keyval


@pytest.mark.parametrize("bits", [2048])
def test_other_kinds_of_keys_are_refused(tmp_path: Path, bits: int) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = rsa.generate_private_key(65537, bits).public_key()
    path = tmp_path / "rsa.pub"
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(KeyRefused) as caught:
        read_public_key(path)
    assert "is not an Ed25519 key" in caught.value.explain()


def test_a_private_key_is_not_taken_for_a_public_one(tmp_path: Path) -> None:
    private, _ = make_holder(tmp_path, "anna")
    for path in (private, tmp_path / "nowhere", tmp_path):
        with pytest.raises(KeyRefused) as caught:
            read_public_key(path)
        assert "is not a public key in PEM" in caught.value.explain()


@given(st.binary(max_size=300))
@example(b"-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----\n")
@example(b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n")
def test_any_bytes_are_a_key_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.pub"
        path.write_bytes(content)
        with pytest.raises(KeyRefused):
            read_public_key(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    publisher = publisher_in(tmp_path_factory.mktemp("pending"))
    publisher.pending.mkdir(parents=True)
    return publisher


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(content=st.binary(max_size=200) | st.integers(0, len(ROOT)).map(lambda n: ROOT[:n]))
@example(b"null")
@example(b"[]")
@example(b'{"signed": 1, "signatures": 2}')
@example(ROOT)
def test_any_bytes_that_wait_are_metadata_or_refused(place: Publisher, content: bytes) -> None:
    path = place.pending / "1.root.json"
    path.write_bytes(content)
    with pytest.raises(KeyRefused):
        find_proposal(place)


@given(signed=JSON, signatures=JSON)
def test_any_json_that_waits_is_metadata_or_refused(
    place: Publisher, signed: object, signatures: object
) -> None:
    import json

    path = place.pending / "1.root.json"
    path.write_bytes(json.dumps({"signed": signed, "signatures": signatures}).encode())
    with contextlib.suppress(KeyRefused):
        find_proposal(place)
