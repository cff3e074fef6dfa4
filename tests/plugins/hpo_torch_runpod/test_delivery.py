from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
from own_data import CNN, LSTM, TEST_WORD, own_job, write_images, write_texts
from s3_server import S3Server

from hpo_torch.data.load import load_prepared
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.plugin_api import CorruptDataError, OutputError
from hpo_torch.training.failures import failure_kind
from hpo_torch_runpod import shipment as shipment_module
from hpo_torch_runpod.bucket import Bucket, BucketError
from hpo_torch_runpod.delivery import Delivery, job_with, loader_of
from hpo_torch_runpod.shipment import Shipment, Shipper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hpo_torch.protocol.job import TrialJob

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as server:
        yield server


@pytest.fixture
def with_keys(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def shipped(job: TrialJob, root: str | None = None) -> Shipment:
    made = Shipper(root, pytest.fail, lambda _: None).shipment_of(job)
    assert made is not None
    return made


def write_own(dataset: str, folder: Path) -> Path:
    if dataset == "folder":
        return write_images(folder / "own")
    return write_texts(folder / "own.csv")


def as_jsonl(table: Path) -> Path:
    import csv

    with table.open(newline="", encoding="utf-8") as file:
        lines = [json.dumps(row) for row in csv.DictReader(file)]
    path = table.with_suffix(".jsonl")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("dataset", "hyperparameters"), [("folder", CNN), ("csv", LSTM), ("jsonl", LSTM)]
)
def test_a_worker_prepares_the_very_same_data(
    dataset: str, hyperparameters: dict[str, Any], tmp_path: Path
):
    path = write_own(dataset, tmp_path)
    job = own_job("folder" if dataset == "folder" else "csv", path, dir=str(tmp_path / "data"))
    if dataset == "jsonl":
        job = own_job("csv", as_jsonl(path), dir=str(tmp_path / "data"))
    here = load_prepared(installed_registry().datasets.load(job.data.dataset), job.data, 3, CPU)
    shipment = shipped(job)
    there_job = job_with(job, shipment)
    # In the same folder of data: neither side takes what the other has kept of the texts.
    loader = loader_of(shipment, tmp_path / "cache")
    there = load_prepared(loader, there_job.data, 3, CPU)
    ours, theirs = (each.for_trial(hyperparameters) for each in (here, there))
    for name in (
        "fingerprint",
        "class_names",
        "input_shape",
        "input_spec",
        "majority_share",
        "train_size",
    ):
        assert getattr(theirs, name) == getattr(ours, name), name
    for part in ("train", "validation"):
        for a, b in zip(ours.sample(16, 5, part), theirs.sample(16, 5, part), strict=True):
            assert torch.equal(a, b)
    batches = [each.data_module(hyperparameters, 7) for each in (ours, theirs)]
    for stage in ("train_dataloader", "val_dataloader"):
        ours_all, theirs_all = (list(getattr(each, stage)()) for each in batches)
        assert len(ours_all) == len(theirs_all) > 0
        for a, b in zip(ours_all, theirs_all, strict=True):
            assert torch.equal(a[0], b[0])
            assert torch.equal(a[1], b[1])
    tests = [sum(len(labels) for _, labels in each.test_dataloader()) for each in batches]
    assert tests == [10 if dataset == "folder" else 20, 0]


def test_what_arrives_has_nothing_of_the_test_part(tmp_path: Path):
    shipment = shipped(own_job("csv", write_own("csv", tmp_path)))
    Delivery(shipment, tmp_path / "cache").prepare()
    arrived = b"".join(
        path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()
    )
    assert b"good" in arrived
    assert TEST_WORD.encode() not in arrived


def test_a_worker_that_knows_two_contents_of_one_path_mixes_nothing(tmp_path: Path):
    path = tmp_path / "own.csv"
    loaded = []
    for rows in (60, 90):
        job = own_job("csv", write_texts(path, rows))
        shipment = shipped(job)
        source = load_prepared(
            loader_of(shipment, tmp_path / "cache"),
            job_with(job, shipment).data.model_copy(update={"dir": str(tmp_path)}),
            0,
            CPU,
        )
        loaded.append(source.for_trial(LSTM).train_size)
    assert loaded == [32, 48]  # four fifths of 40 and of 60


def test_data_from_the_bucket_are_fetched_once(
    server: S3Server, with_keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shipment_module, "SMALL", 100)
    shipment = shipped(own_job("csv", write_own("csv", tmp_path)), server.root)
    assert shipment.kind == "bucket"
    fetched = []
    real = Bucket.get_file

    def counting(self: Bucket, url: str, path: Path, sha256: str) -> None:
        fetched.append(url)
        real(self, url, path, sha256)

    monkeypatch.setattr(Bucket, "get_file", counting)
    for _ in range(2):
        Delivery(shipment, tmp_path / "cache").prepare()
    assert fetched == [shipment.url]
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [shipment.sha256]


def test_a_worker_without_keys_says_so(
    server: S3Server, with_keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shipment_module, "SMALL", 100)
    shipment = shipped(own_job("csv", write_own("csv", tmp_path)), server.root)
    monkeypatch.delenv("BUCKET_SECRET_ACCESS_KEY")
    with pytest.raises(BucketError, match="on workers they belong into the endpoint's template"):
        Delivery(shipment, tmp_path / "cache").prepare()
    assert list((tmp_path / "cache").iterdir()) == []


def test_damaged_data_in_a_job_are_refused(tmp_path: Path):
    shipment = shipped(own_job("csv", write_own("csv", tmp_path)))
    content = bytearray(base64.b64decode(shipment.data))
    content[100] ^= 1
    damaged = shipment.model_copy(update={"data": base64.b64encode(content).decode()})
    with pytest.raises(CorruptDataError, match=f"expected sha256:{shipment.sha256}, got sha256:"):
        Delivery(damaged, tmp_path / "cache").prepare()
    with pytest.raises(CorruptDataError, match="no base64"):
        Delivery(shipment.model_copy(update={"data": "?"}), tmp_path / "cache").prepare()
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written_is_an_error_of_the_place(tmp_path: Path):
    shipment = shipped(own_job("csv", write_own("csv", tmp_path)))
    (tmp_path / "cache").write_bytes(b"a file in the way")
    with pytest.raises(OutputError, match="cannot write") as caught:
        Delivery(shipment, tmp_path / "cache").prepare()
    assert failure_kind(caught.value) == "backend"
    assert failure_kind(BucketError("no access")) == "backend"


DAY = 24 * 3600


def test_old_data_and_what_killed_workers_left_are_removed(tmp_path: Path):
    cache = tmp_path / "cache"
    ages = {".part-old": 1.1, ".part-new": 0.9, "a" * 64: 30.1, "b" * 64: 29.9}
    for name, days in ages.items():
        (cache / name).mkdir(parents=True)
        then = (cache / name).stat().st_mtime - days * DAY
        os.utime(cache / name, (then, then))
    shipment = shipped(own_job("csv", write_own("csv", tmp_path)))
    Delivery(shipment, cache).prepare()
    left = {path.name for path in cache.iterdir()}
    assert left == {".part-new", "b" * 64, shipment.sha256}


def test_data_in_use_do_not_grow_old(tmp_path: Path):
    delivery = Delivery(shipped(own_job("csv", write_own("csv", tmp_path))), tmp_path / "cache")
    delivery.prepare()
    kept = tmp_path / "cache" / delivery.shipment.sha256
    os.utime(kept, (0, 0))
    delivery.prepare()
    assert kept.stat().st_mtime > 0


FETCH = """
import sys, time
from pathlib import Path
from hpo_torch_runpod.delivery import Delivery
from hpo_torch_runpod.shipment import Shipment

folder = Path(sys.argv[1])
delivery = Delivery(Shipment.model_validate_json((folder / "shipment.json").read_text()),
                    folder / "cache")
(folder / f"ready-{sys.argv[2]}").touch()
while len(list(folder.glob("ready-*"))) < 2:
    time.sleep(0.001)
delivery.prepare()
print(sorted(path.name for path in (folder / "cache" / delivery.shipment.sha256).iterdir()))
"""


def test_two_processes_fetch_at_once(
    server: S3Server, with_keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shipment_module, "SMALL", 100)
    shipment = shipped(own_job("folder", write_own("folder", tmp_path)), server.root)
    (tmp_path / "shipment.json").write_text(shipment.model_dump_json())
    started = [
        subprocess.Popen(
            [sys.executable, "-c", FETCH, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    said = [process.communicate(timeout=100)[0].strip() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert said == ["['head.json', 'images.npy', 'labels.npy']"] * 2
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [shipment.sha256]
