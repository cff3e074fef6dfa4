"""What whole runs send and receive per trial, and that no key is in anything they leave.

A real command, real worker processes, the stand-in between them, and a real S3 server.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from own_data import write_images
from s3_server import BUCKET, S3Server

from hpo_torch.testing.runpod_standin import Endpoint, RunpodStandin
from hpo_torch_runpod.wire import decode_chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Programs and workers import torch and runpod; on a busy machine each takes a minute for that.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

WORKER = [sys.executable, "-u", "-m", "hpo_torch_runpod.worker.main"]
TRIALS = 2


@dataclass(frozen=True)
class World:
    """A stand-in of RunPod, a bucket, and an empty folder to work in."""

    standin: RunpodStandin
    server: S3Server
    folder: Path

    @property
    def secrets(self) -> dict[str, str]:
        return {
            "the account's key": self.standin.api_key,
            "the bucket's key": self.server.secret_access_key,
            "the name of the bucket's key": self.server.access_key_id,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hpo_torch.cli.app", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                **self.standin.environment(),
                **self.server.environment,
                "HOME": str(self.folder),
                "RUNPOD_ENDPOINT_ID": "trainers",
            },
            capture_output=True,
            text=True,
            timeout=1500,
            check=False,
        )

    def search(self, name: str, *arguments: str) -> Path:
        done = self.run(
            "optimize", "--backend", "runpod", "--trials", str(TRIALS), "--jobs", "2",
            "--epochs", "1", "--queue-timeout", "1500", "--name", name, "--quiet", *arguments,
        )  # fmt: skip
        logs = [self.standin.log_of(worker.id) for worker in self.standin.workers]
        assert done.returncode == 0, "\n".join([done.stderr, *logs])
        (self.folder / f"{name}.stderr").write_text(done.stderr)
        (self.folder / f"{name}.stdout").write_text(done.stdout)
        return self.folder / "runs" / name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    for name in ("volume", "worker-home"):
        (folder / name).mkdir()
    with S3Server() as server, RunpodStandin() as standin:
        standin.add_endpoint(
            Endpoint(
                id="trainers",
                command=WORKER,
                workers_max=1,
                idle_timeout_seconds=300,
                env={
                    **server.environment,
                    "HOME": str(folder / "worker-home"),
                    "HPO_TORCH_VOLUME": str(folder / "volume"),
                    "OMP_NUM_THREADS": "1",
                },
            )
        )
        yield World(standin, server, folder)


@pytest.fixture(scope="module")
def digits(world: World) -> Path:
    """A run on a named data set."""
    world.standin.counts.clear()
    return world.search("digits", "--dataset", "digits")


@pytest.fixture(scope="module")
def own(world: World, digits: Path) -> Path:
    """A run on own images that are too many to travel with a job."""
    write_images(world.folder / "images", per_class=80, side=32)
    world.standin.counts.clear()
    return world.search(
        "own", "--dataset", "folder", "--data-path", "images", "--bucket", world.server.root
    )


def results(run: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in run.glob("trials/*/result.json")]


def test_a_trial_on_a_named_set_sends_little(world: World, digits: Path):
    submits = world.standin.counts.exchanges("submit", endpoint="trainers")
    assert len(submits) == TRIALS
    assert max(each.received for each in submits) < 10_000
    assert world.standin.counts.bytes_from_clients() < 100_000 * TRIALS


def test_what_comes_back_beside_the_weights_is_little(world: World, digits: Path):
    # RunPod tells every chunk twice: in the stream, and again at the job's end.
    weights = sum(
        2 * len(json.dumps(chunk))
        for job in world.standin.jobs
        for chunk in (sent["output"] for sent in job.chunks)
        if any(line.kind == "artefact" for line in decode_chunk(chunk).lines)
    )
    received = world.standin.counts.bytes_to_clients()
    assert 0 < weights < received
    assert received - weights < 100_000 * TRIALS


def test_every_trial_says_what_it_sent_and_received(world: World, digits: Path):
    used = [usage for result in results(digits) for usage in result["usage"]]
    assert len(used) == TRIALS
    # Ours count headers, the stand-in's bodies only.
    assert sum(usage["bytes_sent"] for usage in used) < 100_000 * TRIALS
    assert all(usage["bytes_sent"] > 500 for usage in used)
    assert all(usage["bytes_received"] > 500 for usage in used)
    assert {usage["data_fraction"] for usage in used} == {1.0}


def test_own_data_go_to_the_bucket_once(world: World, own: Path):
    stored = [key for key in world.server.objects() if "/hpo-torch/data/" in key]
    assert len(stored) == 1
    size = world.server.client().head_object(Bucket=BUCKET, Key=stored[0])["ContentLength"]
    assert size > 100_000
    submits = world.standin.counts.exchanges("submit", endpoint="trainers")
    assert len(submits) == TRIALS
    assert max(each.received for each in submits) < 10_000
    assert [path.name for path in (world.folder / "volume/hpo-torch/shipments").iterdir()] == [
        stored[0].rpartition("/")[2]
    ]
    costs = json.loads(world.run("runpod", "costs", str(own), "--json").stdout)
    assert costs["bytes_uploaded"] == size


def test_a_run_on_own_data_is_scored_with_the_test_part_that_stayed_at_home(own: Path):
    summary = json.loads((own / "summary.json").read_text(encoding="utf-8"))
    # All test images are the same grey, half of them of either class: every network has half.
    assert summary["test_accuracy"] == 0.5


def left_by(world: World) -> Iterator[tuple[str, bytes]]:
    """Yield everything that runs leave, unpacked: files, jobs, what workers sent and wrote."""
    for path in world.folder.rglob("*"):
        if path.is_file():
            yield from unpacked(str(path.relative_to(world.folder)), path.read_bytes())
    for job in world.standin.jobs:
        yield f"job {job.id}", repr(job).encode()
        for chunk in (sent["output"] for sent in job.chunks):
            lines = decode_chunk(chunk).lines
            yield f"chunk {chunk['n']} of job {job.id}", repr(lines).encode()
    for worker in world.standin.workers:
        yield f"log of {worker.id}", world.standin.log_of(worker.id).encode()


def unpacked(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, content
    if zipfile.is_zipfile(io.BytesIO(content)):  # an export, arrays, weights
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from unpacked(f"{name}/{member}", archive.read(member))


def test_no_key_is_in_anything_that_runs_leave(world: World, digits: Path, own: Path):
    for run in (digits, own):
        exported = world.run("export", run.name, "-o", f"{run.name}.zip")
        assert exported.returncode == 0, exported.stderr
    places = dict(left_by(world))
    assert any(place.startswith("runs/own/") for place in places)
    assert any(place.startswith("own.zip/") for place in places)
    assert any(b"hyperparameters" in places[place] for place in places if place.startswith("job "))
    assert any(b"EpochMetrics" in places[place] for place in places if place.startswith("chunk"))
    found = [
        f"{what} is in {place}"
        for place, content in places.items()
        for what, secret in world.secrets.items()
        if secret.encode() in content
    ]
    assert found == []
