from __future__ import annotations

import base64
import json
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from own_data import own_job, write_images, write_texts
from s3_server import S3Server

from hpo_torch.plugin_api import OutputError, UsageError
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod import shipment as shipment_module
from hpo_torch_runpod.bucket import BucketError
from hpo_torch_runpod.delivery import Delivery
from hpo_torch_runpod.shipment import Shipment, Shipper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hpo_torch.plugin_api import ImageData, TextData


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def with_keys(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def warnings() -> list[str]:
    return []


def unpacked(shipment: Shipment, folder: Path) -> ImageData | TextData:
    from hpo_torch.plugin_api import DataRequest

    return Delivery(shipment, folder).load(DataRequest(data_dir=folder))


def test_named_sets_need_no_shipment(warnings: list[str]):
    assert Shipper(None, warnings.append, pytest.fail).shipment_of(fake_job(0)) is None


def test_small_data_travel_with_the_job(tmp_path: Path, warnings: list[str]):
    job = own_job("csv", write_texts(tmp_path / "own.csv"))
    shipment = Shipper(None, warnings.append, pytest.fail).shipment_of(job)
    assert shipment is not None
    assert (shipment.kind, shipment.fraction, shipment.url) == ("inline", 1.0, "")
    assert len(base64.b64decode(shipment.data)) == shipment.size
    assert len(shipment.model_dump_json()) < 10_000
    assert shipment.data not in repr(shipment)
    assert warnings == []


def test_small_data_travel_with_the_job_even_where_there_is_a_bucket(
    server: S3Server, with_keys: None, tmp_path: Path, warnings: list[str]
):
    before = server.objects()
    shipper = Shipper(server.root, warnings.append, pytest.fail)
    shipper.check()
    shipment = shipper.shipment_of(own_job("csv", write_texts(tmp_path / "own.csv")))
    assert shipment is not None
    assert shipment.kind == "inline"
    assert server.objects() == before


def test_larger_data_are_uploaded_once(
    server: S3Server,
    with_keys: None,
    tmp_path: Path,
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(shipment_module, "SMALL", 1_000)
    job = own_job("folder", write_images(tmp_path / "own"))
    jobs = [job.model_copy(update={"trial": number}) for number in range(3)]
    uploads: list[Shipment] = []
    first = Shipper(server.root, warnings.append, uploads.append)
    shipments = [first.shipment_of(each) for each in jobs]
    assert shipments[0] is not None
    assert shipments == [shipments[0]] * 3
    assert shipments[0].kind == "bucket"
    assert shipments[0].url == f"{server.root}/hpo-torch/data/{shipments[0].sha256}"
    assert uploads == [shipments[0]]
    assert len(shipments[0].model_dump_json()) < 500
    # Another process, or the same run resumed, finds them there.
    again = Shipper(server.root, warnings.append, uploads.append)
    assert again.shipment_of(job) == shipments[0]
    assert len(uploads) == 1
    for secret in (server.access_key_id, server.secret_access_key):
        assert secret not in shipments[0].model_dump_json()


def test_a_bucket_without_keys_is_refused_at_once(warnings: list[str]):
    with pytest.raises(BucketError, match="needs BUCKET_ACCESS_KEY_ID"):
        Shipper("s3://bucket", warnings.append, pytest.fail)


def test_without_a_bucket_what_fits_into_a_job_goes_with_it(tmp_path: Path, warnings: list[str]):
    job = own_job("folder", write_images(tmp_path / "own"))
    shipment = Shipper(None, warnings.append, pytest.fail, largest_inline=4_000).shipment_of(job)
    assert shipment is not None
    assert (shipment.kind, shipment.fraction) == ("inline", 1.0)
    assert shipment.size <= 4_000
    assert warnings == []


def test_what_does_not_fit_becomes_a_part_with_a_warning(tmp_path: Path, warnings: list[str]):
    own = write_images(tmp_path / "own", per_class=100)  # 12,800 bytes of noise
    job = own_job("folder", own)
    shipper = Shipper(None, warnings.append, pytest.fail, largest_inline=6_000)
    shipment = shipper.shipment_of(job)
    assert shipper.shipment_of(job) is shipment  # and no second warning
    assert shipment is not None
    assert 0.8 * 6_000 <= shipment.size <= 6_000
    part = unpacked(shipment, tmp_path / "cache")
    counts = np.bincount(part.train_labels.numpy())
    assert abs(int(counts[0]) - int(counts[1])) <= 1
    assert shipment.fraction == counts.sum() / 200
    assert len(warnings) == 1
    assert f"{counts.sum()} of 200 examples" in warnings[0]
    assert "--bucket s3://BUCKET/PREFIX" in warnings[0]
    whole = Shipper(None, warnings.append, pytest.fail).shipment_of(job)
    assert whole is not None
    assert unpacked(whole, tmp_path / "cache").fingerprint != part.fingerprint


def test_what_does_not_even_fit_in_part_is_refused(tmp_path: Path, warnings: list[str]):
    job = own_job("folder", write_images(tmp_path / "own", per_class=100))
    with pytest.raises(UsageError, match="10 of 200 examples, the fewest that can be trained on"):
        Shipper(None, warnings.append, pytest.fail, largest_inline=500).shipment_of(job)


def test_no_room_to_pack_is_said(
    tmp_path: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    job = own_job("csv", write_texts(tmp_path / "own.csv"))
    with pytest.raises(OutputError, match=r"cannot be packed in .*absent: No such file .* TMPDIR"):
        Shipper(None, warnings.append, pytest.fail).shipment_of(job)


def test_shipments_travel_as_json(tmp_path: Path, warnings: list[str]):
    shipment = Shipper(None, warnings.append, pytest.fail).shipment_of(
        own_job("csv", write_texts(tmp_path / "own.csv"))
    )
    assert shipment is not None
    assert Shipment.model_validate(json.loads(shipment.model_dump_json())) == shipment
