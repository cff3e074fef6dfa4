from __future__ import annotations

import hashlib
import os
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from s3_server import BUCKET, S3Server

from hpo_torch.plugin_api import CorruptDataError
from hpo_torch_runpod.bucket import (
    Bucket,
    BucketError,
    Place,
    _region,
    data_url,
    fetch_weights,
    store_weights,
    weights_url,
)
from hpo_torch_runpod.keys import BucketKeys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def keys(server: S3Server) -> BucketKeys:
    return BucketKeys(
        url=server.url,
        access_key_id=server.access_key_id,
        secret_access_key=SecretStr(server.secret_access_key),
    )


@pytest.fixture
def bucket(keys: BucketKeys) -> Bucket:
    return Bucket(keys)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_urls_have_a_bucket_and_a_key():
    assert Place.of("s3://some-bucket/a/b/") == Place("some-bucket", "a/b")
    assert Place.of("s3://some-bucket") == Place("some-bucket", "")
    assert data_url("s3://b/p/", "0a1b") == "s3://b/p/hpo-torch/data/0a1b"
    assert weights_url("s3://b", "run", "at") == "s3://b/hpo-torch/weights/run/at/model.ckpt"
    for wrong in ("https://b/k", "s3://", "b/k"):
        with pytest.raises(BucketError, match="expected a bucket as s3://bucket/prefix"):
            Place.of(wrong)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://s3.eu-central-003.backblazeb2.com", "eu-central-003"),
        ("https://nyc3.digitaloceanspaces.com", "nyc3"),
        ("http://127.0.0.1:9000", None),
        (None, None),
    ],
)
def test_region_is_read_from_the_url(url: str | None, region: str | None):
    assert _region(url) == region


def test_files_come_back_as_they_were(bucket: Bucket, server: S3Server, tmp_path: Path):
    content = os.urandom(17_000_000)  # two parts
    (tmp_path / "sent").write_bytes(content)
    url = data_url(server.root, sha256(content))
    assert bucket.size_of(url) is None
    bucket.put_file(tmp_path / "sent", url)
    assert bucket.size_of(url) == 17_000_000
    bucket.get_file(url, tmp_path / "new" / "received", sha256(content))
    assert (tmp_path / "new" / "received").read_bytes() == content
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["received"]


def test_weights_are_stored_and_fetched(bucket: Bucket, server: S3Server, tmp_path: Path):
    (tmp_path / "model.ckpt").write_bytes(b"weights")
    stored = store_weights(bucket, tmp_path / "model.ckpt", server.root, "run", "attempt")
    assert stored.url == f"s3://{BUCKET}/some/prefix/hpo-torch/weights/run/attempt/model.ckpt"
    assert (stored.size, stored.sha256) == (7, sha256(b"weights"))
    fetch_weights(bucket, stored, tmp_path / "home" / "model.ckpt")
    assert (tmp_path / "home" / "model.ckpt").read_bytes() == b"weights"


def test_what_arrives_damaged_is_fetched_anew(
    bucket: Bucket, server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "sent").write_bytes(b"content")
    bucket.put_file(tmp_path / "sent", f"{server.root}/damaged-once")
    real, calls = bucket._client.download_fileobj, []

    def damage_the_first(name: str, key: str, file: Any) -> None:
        calls.append(key)
        if len(calls) == 1:
            file.write(b"c0ntent")
        else:
            real(name, key, file)

    monkeypatch.setattr(bucket._client, "download_fileobj", damage_the_first)
    bucket.get_file(f"{server.root}/damaged-once", tmp_path / "received", sha256(b"content"))
    assert (tmp_path / "received").read_bytes() == b"content"
    assert len(calls) == 2


def test_what_is_damaged_in_the_bucket_is_refused(bucket: Bucket, server: S3Server, tmp_path: Path):
    (tmp_path / "sent").write_bytes(b"c0ntent")
    bucket.put_file(tmp_path / "sent", f"{server.root}/damaged")
    with pytest.raises(CorruptDataError, match=f"damaged: expected sha256:{sha256(b'content')}"):
        bucket.get_file(f"{server.root}/damaged", tmp_path / "received", sha256(b"content"))
    assert [path.name for path in tmp_path.iterdir()] == ["sent"]


def test_absent_bucket_and_object_are_told_apart(bucket: Bucket, server: S3Server, tmp_path: Path):
    bucket.check(server.root)
    absent = "has no bucket 'no-such-bucket'. Make it, or name another"
    (tmp_path / "sent").write_bytes(b"content")
    with pytest.raises(BucketError, match=absent):
        bucket.check("s3://no-such-bucket/prefix")
    with pytest.raises(BucketError, match=absent):
        bucket.size_of("s3://no-such-bucket/prefix/key")
    with pytest.raises(BucketError, match=absent):
        bucket.put_file(tmp_path / "sent", "s3://no-such-bucket/key")
    with pytest.raises(BucketError, match=r"cannot download .*/absent: it is not there"):
        bucket.get_file(f"{server.root}/absent", tmp_path / "received", sha256(b""))


@pytest.mark.parametrize("wrong", ["id", "secret"])
def test_wrong_keys_are_said_and_never_shown(
    keys: BucketKeys, server: S3Server, tmp_path: Path, wrong: str
):
    if wrong == "id":
        stranger = replace(keys, access_key_id="AKIAWRONGWRONGWRONG1")
    else:
        stranger = replace(keys, secret_access_key=SecretStr("wrong-secret"))
    bucket = Bucket(stranger)
    (tmp_path / "sent").write_bytes(b"content")
    attempts = (
        lambda: bucket.check(server.root),
        lambda: bucket.size_of(f"{server.root}/key"),
        lambda: bucket.put_file(tmp_path / "sent", f"{server.root}/key"),
        lambda: bucket.get_file(f"{server.root}/key", tmp_path / "received", sha256(b"")),
    )
    for attempt in attempts:
        with pytest.raises(BucketError, match=f"denies access to '{BUCKET}'") as caught:
            attempt()
        shown = "".join(traceback.format_exception(caught.value))
        for secret in (stranger.access_key_id, stranger.secret_access_key.get_secret_value()):
            assert secret not in shown


def test_service_that_does_not_answer_is_said(keys: BucketKeys, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hpo_torch_runpod.bucket._TRIES", 1)
    away = Bucket(replace(keys, url="http://127.0.0.1:9"))
    with pytest.raises(BucketError, match=r"http://127.0.0.1:9 does not answer as a bucket should"):
        away.check("s3://bucket/prefix")


def test_keys_come_from_the_environment(server: S3Server, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BucketError, match="needs BUCKET_ACCESS_KEY_ID and BUCKET_SECRET_ACCESS_"):
        Bucket.from_environment()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    Bucket.from_environment().check(server.root)
