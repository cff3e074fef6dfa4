from __future__ import annotations

import hashlib
import json
import random

import pytest
from runpod_jobs import chunks_of, lines_in, lines_of, runpod_job

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.wire import CHUNK_BYTES, StoredArtefact, join_parts
from hpo_torch_runpod.worker import weights

TARGET = "training_stand_ins:weights"


def job_with_weights(trial, size):
    job = fake_job(trial)
    return job.model_copy(update={"hyperparameters": {"size": size}})


def content_of(trial, size):
    return random.Random(trial).randbytes(size)


@pytest.fixture
def bucket(monkeypatch):
    """A bucket whose uploads are kept here."""
    uploads = {}

    class Bucket:
        @classmethod
        def from_environment(cls):
            return cls()

        def put_file(self, path, url):
            uploads[url] = path.read_bytes()

    monkeypatch.setattr(weights, "Bucket", Bucket)
    return uploads


def test_small_weights_come_inline_before_the_last_word(handler, stand_ins):
    lines = lines_of(handler, runpod_job(job_with_weights(5, 1000), target=TARGET))
    part, last = lines
    assert (part.attempt, part.name, part.size) == ("5-attempt", "model.ckpt", 1000)
    assert part.sha256 == hashlib.sha256(content_of(5, 1000)).hexdigest()
    assert join_parts([part]) == content_of(5, 1000)
    assert last.outcome == "completed"


def test_larger_weights_come_in_chunks_that_are_small_enough(handler, stand_ins):
    chunks = chunks_of(handler, runpod_job(job_with_weights(0, 3_900_000), target=TARGET))
    assert all(len(json.dumps(chunk)) <= CHUNK_BYTES for chunk in chunks)
    *parts, last = lines_in(chunks)
    assert len(parts) == 8  # of 540 kB
    assert join_parts(parts) == content_of(0, 3_900_000)
    assert last.kind == "training_finished"


def test_weights_too_large_for_a_job_go_to_the_bucket(handler, stand_ins, bucket):
    job = runpod_job(job_with_weights(0, 4_100_000), target=TARGET, bucket="s3://b/p")
    stored, last = lines_of(handler, job)
    url = "s3://b/p/hpo-torch/weights/fake/0-attempt/model.ckpt"
    sha256 = hashlib.sha256(content_of(0, 4_100_000)).hexdigest()
    assert stored == StoredArtefact(
        attempt="0-attempt", name="model.ckpt", sha256=sha256, size=4_100_000, url=url
    )
    assert bucket == {url: content_of(0, 4_100_000)}
    assert last.outcome == "completed"


def test_weights_far_too_large_are_not_even_compressed(handler, stand_ins, bucket, monkeypatch):
    monkeypatch.setattr(weights, "_WORTH_PACKING", 999)
    trials = [job_with_weights(0, 999), job_with_weights(1, 1000)]
    lines = lines_of(handler, runpod_job(*trials, target=TARGET, bucket="s3://b/p"))
    assert [line.kind for line in lines if line.kind != "training_finished"] == [
        "artefact",
        "stored",
    ]


def test_weights_that_fit_alone_may_be_too_many_together(handler, stand_ins, bucket):
    trials = [job_with_weights(trial, 3_900_000) for trial in range(2)]
    lines = lines_of(handler, runpod_job(*trials, target=TARGET, bucket="s3://b/p"))
    kinds = [line.kind for line in lines]
    # 7.8 MB are more than a job may bring inline
    assert kinds == ["artefact"] * 8 + ["training_finished", "stored", "training_finished"]


def test_weights_that_cannot_leave_stay_on_the_volume_and_the_trial_completes(
    handler, folders, stand_ins
):
    alert, last = lines_of(handler, runpod_job(job_with_weights(0, 4_100_000), target=TARGET))
    assert last.outcome == "completed"
    assert "its weights stay behind: 4,10" in alert.message
    assert "there is no bucket (--bucket s3://BUCKET/PREFIX)" in alert.message
    kept = folders.data.parent / "weights" / "fake" / "0-attempt-model.ckpt"
    assert alert.message.endswith(f"the network volume has them as {kept}")
    assert kept.read_bytes() == content_of(0, 4_100_000)


def test_bucket_without_keys_does_not_fail_the_trial(handler, stand_ins, monkeypatch):
    monkeypatch.delenv("BUCKET_ACCESS_KEY_ID", raising=False)
    job = runpod_job(job_with_weights(0, 4_100_000), target=TARGET, bucket="s3://b/p")
    alert, last = lines_of(handler, job)
    assert last.outcome == "completed"
    assert "BUCKET_ACCESS_KEY_ID" in alert.message


def test_weights_that_nobody_wants_are_not_sent(handler, stand_ins):
    trials = [job_with_weights(trial, 1000) for trial in range(2)]
    job = runpod_job(*trials, target=TARGET, weights_of=("1-attempt",))
    lines = lines_of(handler, job)
    assert [(line.kind, line.attempt) for line in lines] == [
        ("training_finished", "0-attempt"),
        ("artefact", "1-attempt"),
        ("training_finished", "1-attempt"),
    ]


def test_completed_trial_leaves_nothing_on_the_volume(handler, folders, stand_ins):
    lines_of(handler, runpod_job(job_with_weights(0, 1000), target=TARGET))
    (job,) = stand_ins.JOBS
    assert str(folders.data.parent) in job.output_dir
    assert list((folders.data.parent / "work").iterdir()) == []
