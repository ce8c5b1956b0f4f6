"""The bucket for backups on a server that speaks S3: made, closed, and looked at again."""

from __future__ import annotations

import os

import boto3
import pytest

from provisioner.adapters.s3 import ensure_bucket, find_flaws
from provisioner.core.bucket import Bucket, read_bucket
from provisioner.errors import SettingWrong, Unavailable
from tests.s3_store import KEYS, s3_store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with s3_store(tmp_path_factory.mktemp("s3") / "log") as running:
        yield running


@pytest.fixture
def keys(tmp_path):
    path = tmp_path / "s3"
    path.write_text(KEYS)
    return path


@pytest.fixture
def client(store):
    return boto3.client(
        "s3",
        endpoint_url=store.endpoint,
        aws_access_key_id="k",
        aws_secret_access_key="s",
        region_name="us-east-1",
    )


def test_a_bucket_is_made_closed_and_looked_at(store, keys, client):
    bucket = read_bucket(f"s3:{store.endpoint}/family-backups/here")
    assert "made" in ensure_bucket(bucket, keys)
    assert find_flaws(bucket, keys) == []
    assert client.get_bucket_versioning(Bucket=bucket.name)["Status"] == "Enabled"
    closed = client.get_public_access_block(Bucket=bucket.name)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=bucket.name)["Rules"]
    assert rule["Filter"] == {"Prefix": "here/"}
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert ensure_bucket(bucket, keys) == [], "running it again changes nothing"


def test_what_somebody_opened_is_named_and_closed_again(store, keys, client):
    bucket = read_bucket(f"s3:{store.endpoint}/opened")
    ensure_bucket(bucket, keys)
    client.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"}
    )
    client.delete_public_access_block(Bucket=bucket.name)
    flaws = ["old versions are not kept", "the public is not shut out"]
    assert find_flaws(bucket, keys) == flaws
    assert ensure_bucket(bucket, keys) == flaws
    assert find_flaws(bucket, keys) == []


def test_rules_of_others_in_the_bucket_stay(store, keys, client):
    for prefix in ("one", "two"):
        ensure_bucket(Bucket(store.endpoint, "shared", prefix), keys)
    rules = client.get_bucket_lifecycle_configuration(Bucket="shared")["Rules"]
    assert {rule["ID"] for rule in rules} == {"taarafo-one", "taarafo-two"}


def test_a_store_that_is_away_is_said_to_be(keys):
    with pytest.raises(Unavailable):
        ensure_bucket(Bucket("http://127.0.0.1:9", "nobody"), keys)


@pytest.mark.parametrize("text", ["", "[default]\nregion = x\n", "no file of keys"])
def test_keys_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "s3").write_text(text)
    with pytest.raises(SettingWrong):
        ensure_bucket(Bucket("http://127.0.0.1:9", "nobody"), tmp_path / "s3")


def test_keys_of_the_environment_are_not_taken(monkeypatch, tmp_path):
    monkeypatch.setitem(os.environ, "AWS_ACCESS_KEY_ID", "x")
    with pytest.raises(SettingWrong):
        ensure_bucket(Bucket("http://127.0.0.1:9", "nobody"), tmp_path / "missing")


@pytest.mark.parametrize(
    "address",
    ["", "https://host/bucket", "s3:https://host", "s3:https://host/B", "s3:https://u:p@host/buck",
     "s3:https://host/bucket/../x y", "s3:ftp://host/bucket"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ValueError, match="s3:https"):
        read_bucket(address)


def test_an_address_is_read_as_restic_means_it():
    bucket = read_bucket("s3:https://s3.example.com:9000/family/a/b/")
    assert bucket == Bucket("https://s3.example.com:9000", "family", "a/b")
    assert bucket.repository == "s3:https://s3.example.com:9000/family/a/b"
