"""RunPod jobs for the worker's handler, without RunPod."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

from hpo_torch.config.schema import DataSettings, HealthSettings, TrainingSettings
from hpo_torch.protocol.job import TrialJob
from hpo_torch.search.families import search_space
from hpo_torch.testing.fake_training import FAKE_TARGET
from hpo_torch_runpod.job_input import JobInput
from hpo_torch_runpod.wire import decode_chunk


def runpod_job(*trials, job_id="job-1", target=FAKE_TARGET, **changes):
    """A job as RunPod hands it to the SDK."""
    sent = JobInput(submission="s", trials=trials, train_target=target, **changes)
    return {"id": job_id, "input": json.loads(sent.model_dump_json())}


async def collect(handler, job):
    async with aclosing(handler.handle(job)) as chunks:
        return [chunk async for chunk in chunks]


def chunks_of(handler, job):
    """All that a job yields."""
    return asyncio.run(collect(handler, job))


def lines_in(chunks):
    """The lines of chunks whose numbers have no gap."""
    batches = [decode_chunk(chunk) for chunk in chunks]
    assert [batch.number for batch in batches] == list(range(len(batches)))
    return [line for batch in batches for line in batch.lines]


def lines_of(handler, job):
    """All lines of a job."""
    return lines_in(chunks_of(handler, job))


def digits_job(epochs=1, **changes):
    """A small, real trial on the digits."""
    fixed = {"conv_layers": 1, "filters": 16, "hidden_units": 32, "batch_size": 128}
    space = search_space("cnn", (1, 8, 8), 1150, 1, 200)
    job = TrialJob(
        study="test",
        trial=0,
        attempt="0-a",
        seed=1,
        data=DataSettings(dataset="digits"),
        split_seed=0,
        family="cnn",
        hyperparameters=space.defaults(space.check_fixed(fixed | {"epochs": epochs})),
        training=TrainingSettings(precision="32-true"),
        health=HealthSettings(probe_size=64, gradient_probe_size=32),
    )
    return job.model_copy(update=changes)
