"""Searches with `--backend runpod`: the SDK's client and worker processes, a stand-in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from chaos import PROGRAM
from whole_run import check_whole, figures

from hpo_torch.results.summary import RunView
from hpo_torch.testing.runpod_standin import Endpoint, RunpodStandin
from hpo_torch_runpod.wire import decode_chunk

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

WORKER = [sys.executable, "-u", "-m", "hpo_torch_runpod.worker.main"]
DATA = "HPO_TORCH_TEST_DATA"
# Trials of some seconds. What is drawn at random does not depend on which trial ends first.
MNIST = (
    "--dataset", "mnist", "--mode", "simple", "--trials", "12", "--epochs", "1",
    "--sampler", "random", "--pruner", "none", "--plots", "none",
    "--fix", "conv_layers=1", "--fix", "filters=16", "--fix", "kernel_size=3",
    "--fix", "hidden_layers=1", "--fix", "hidden_units=64", "--fix", "batch_size=256",
    "--fix", "augment_affine=0", "--fix", "augment_colour=0", "--fix", "augment_crop=0",
    "--set", "training.precision=32-true", "--set", "data.validation_split=0.9",
    "--set", "health.probe_size=64", "--set", "health.gradient_probe_size=32",
)  # fmt: skip
DIGITS = (
    "--dataset", "digits", "--trials", "6", "--epochs", "40", "--pruner", "none",
    "--sampler", "random", "--plots", "none", "--fix", "conv_layers=1", "--fix", "filters=16",
    "--fix", "hidden_layers=1", "--fix", "hidden_units=64", "--fix", "batch_size=128",
    "--set", "health.probe_size=64", "--jobs", "2",
)  # fmt: skip


class Cloud:
    """A stand-in with one endpoint, and programs that use it."""

    def __init__(self, standin, folder, environment):
        self.standin, self.folder = standin, folder
        self._environment = environment

    def start(self, *arguments):
        log = (self.folder / "output.txt").open("ab")
        with log:
            return subprocess.Popen(
                [*PROGRAM, *arguments, "--quiet"],
                cwd=self.folder,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def run(self, *arguments):
        code = self.start(*arguments).wait(1500)
        logs = [self.standin.log_of(worker.id)[-2000:] for worker in self.standin.workers]
        assert code == 0, "\n".join([(self.folder / "output.txt").read_text(), *logs])

    def lines(self):
        """All lines that workers sent, of all jobs."""
        for job in self.standin.jobs:
            for sent in job.chunks:
                yield from decode_chunk(sent["output"]).lines


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    """Give a test an endpoint of three workers with a volume that they share."""
    (tmp_path / "volume").mkdir()
    here = {"HPO_TORCH_VOLUME": str(tmp_path / "volume"), "OMP_NUM_THREADS": "1"}
    if DATA in os.environ:
        here["HPO_TORCH_WORKER_DATA"] = os.environ[DATA]
    with RunpodStandin() as standin:
        standin.add_endpoint(
            Endpoint(id="ep", command=WORKER, idle_timeout_seconds=300, ping_seconds=5, env=here)
        )
        environment = {**os.environ, **standin.environment(), "RUNPOD_ENDPOINT_ID": "ep"}
        yield Cloud(standin, tmp_path, environment)


def test_mnist_trains_on_runpod_as_it_does_here_and_sends_little(cloud, test_data_dir):
    """Twelve trials, three at a time, against the same twelve in local worker processes."""
    data = ("--data-dir", str(test_data_dir), *MNIST)
    patience = ("--queue-timeout", "1500")
    cloud.run("optimize", *data, "--backend", "runpod", "--jobs", "3", "--name", "far", *patience)
    one_thread_each = str(os.cpu_count())
    cloud.run(
        "optimize", *data, "--backend", "local", "--device", "cpu", "--jobs", one_thread_each,
        "--name", "near",
    )  # fmt: skip

    far, near = (RunView.open(cloud.folder / "runs" / name) for name in ("far", "near"))

    check_whole(far.directory.path, 12)
    assert [figures(trial) for trial in far.trials] == [figures(trial) for trial in near.trials]
    assert far.summary.test_accuracy == near.summary.test_accuracy
    jobs = cloud.standin.jobs
    assert sorted(trial.worker for trial in far.trials) == sorted(job.worker for job in jobs)
    assert [job.status for job in jobs] == ["COMPLETED"] * 12
    assert len({job.worker for job in jobs}) == 3
    usages = [usage for trial in far.trials for usage in trial.usage]
    assert len(usages) == 12
    assert sum(usage.bytes_sent for usage in usages) / 12 < 100_000
    assert cloud.standin.counts.bytes_from_clients() / 12 < 100_000


def test_search_whose_main_process_is_killed_runs_no_job_twice_and_leaves_none(cloud):
    far = ("--backend", "runpod", "--queue-timeout", "1500", "--name", "killed")
    process = cloud.start("optimize", *DIGITS, *far)
    run = cloud.folder / "runs" / "killed"
    for kills in range(1, 4):
        _wait_for_epochs(run, 15 * kills, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process = cloud.start("resume", str(run))
    assert process.wait(1500) == 0, (cloud.folder / "output.txt").read_text()

    view = RunView.open(run)
    check_whole(run, 6)
    assert [trial.attempts for trial in view.trials] == [1] * 6
    assert all(job.final for job in cloud.standin.jobs)
    starts = Counter(line.attempt for line in cloud.lines() if line.kind == "trial_started")
    assert starts == {trial.attempt: 1 for trial in view.trials}
    assert len(cloud.standin.jobs) == 6


def _wait_for_epochs(run: Path, epochs: int, process) -> None:
    deadline = time.monotonic() + 600
    while _epochs(run) < epochs:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline, f"{_epochs(run)} epochs after 600 s"
        time.sleep(0.02)


def _epochs(run: Path) -> int:
    events = run / "events.jsonl"
    lines = events.read_bytes().split(b"\n")[:-1] if events.exists() else []
    return sum(json.loads(line)["kind"] == "epoch_finished" for line in lines)
