"""The user's own data, from the backend's side: what is posted, said and counted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cloud_backend import FAST, ends, submit, train, until_ended
from own_data import own_job, write_images
from s3_server import S3Server

from hpo_torch_runpod import shipment
from hpo_torch_runpod.bucket import BucketError
from hpo_torch_runpod.ledger import Submitted, Uploaded, read_ledger
from hpo_torch_runpod.shipment import Shipper


@pytest.fixture
def job(tmp_path, monkeypatch):
    """A trial on own images, of which about half can be sent."""
    monkeypatch.setitem(Shipper.__init__.__kwdefaults__, "largest_inline", 6_000)
    return own_job("folder", write_images(tmp_path / "own", per_class=100))


def test_a_part_of_own_data_is_warned_of_and_counted(backends, cloud, job, tmp_path):
    backend = backends.start()
    submit(backend, job)
    posted = cloud.job(seconds=100.0)  # torch is imported to read the data
    sent = posted.input["data"]
    assert 0.3 < sent["fraction"] < 0.9
    assert str(tmp_path) not in str(posted.input)
    posted.take()
    train(posted, job)
    posted.complete()
    (end,) = ends(until_ended(backend))
    assert end.usage.data_fraction == sent["fraction"]
    (warning,) = [line for line in backends.warnings if "own data" in line]
    assert f"{sent['fraction']:.1%} of them" in warning


def test_another_process_knows_which_part_a_job_has(backends, cloud, job):
    # The first process asks no more, as if it had been killed.
    submit(backends.start(timings=replace(FAST, queued=1000.0, running=1000.0)), job)
    posted = cloud.job(seconds=100.0)
    ledger = backends.site.backend_folder / "jobs.jsonl"
    cloud.wait_for(lambda: any(isinstance(line, Submitted) for line in read_ledger(ledger)))
    posted.take()
    other = backends.start()
    assert other.reattach(job)
    train(posted, job)
    posted.complete()
    (end,) = ends(until_ended(other))
    assert end.usage.data_fraction == posted.input["data"]["fraction"] < 1


def test_what_goes_to_the_bucket_is_noted_once(backends, cloud, tmp_path, monkeypatch):
    monkeypatch.setattr(shipment, "SMALL", 1_000)
    job = own_job("folder", write_images(tmp_path / "own"))
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for number in range(2):
            backend = backends.start(bucket=server.root)
            submit(backend, job.model_copy(update={"attempt": f"a{number}"}))
            cloud.job(number, seconds=100.0)
            backend.close()
    lines = read_ledger(backends.site.backend_folder / "jobs.jsonl")
    sent = cloud.job().input["data"]
    noted = [(line.url, line.size) for line in lines if isinstance(line, Uploaded)]
    assert noted == [(sent["url"], sent["size"])]


def test_a_bucket_that_cannot_be_used_is_said_before_anything_is_posted(backends):
    with pytest.raises(BucketError, match="needs BUCKET_ACCESS_KEY_ID"):
        backends.start(bucket="s3://some-bucket")
