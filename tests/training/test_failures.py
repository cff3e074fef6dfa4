from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref

import pytest
import torch

from hpo_torch.errors import DataError, OutputError
from hpo_torch.training.failures import failure_kind
from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.train_trial import train_trial


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DataError("broken"), "data"),
        (OutputError("disk full"), "backend"),
        (torch.OutOfMemoryError("CUDA out of memory"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), "out_of_memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), "out_of_memory"),
        (RuntimeError("std::bad_alloc"), "out_of_memory"),
        (RuntimeError("shape mismatch"), "user_code"),
        (ValueError("the teacher ran out of memory"), "user_code"),
    ],
)
def test_failure_kind(error, kind):
    assert failure_kind(error) == kind


def test_ten_terabytes_are_out_of_memory():
    with pytest.raises(Exception, match="memory") as caught:
        torch.ones(10**13, dtype=torch.uint8)
    assert failure_kind(caught.value) == "out_of_memory"


LIMITED = """
import resource, torch
from torch import nn
from hpo_torch.training.failures import failure_kind

networks = {
    "cnn": (nn.Conv2d(1, 64, 3), torch.zeros(1024, 1, 64, 64)),
    "lstm": (nn.LSTM(16, 256, batch_first=True), torch.zeros(1024, 400, 16)),
    "python": (lambda size: list(range(size)), 10**9),
}
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
used = 1024 * int(status["VmSize"].split()[0])
resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, used + 2**28))
for name, (network, inputs) in networks.items():
    try:
        network(inputs)
    except Exception as error:
        print(name, failure_kind(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_a_process_at_its_memory_limit_is_out_of_memory():
    run = subprocess.run(
        [sys.executable, "-c", LIMITED], check=False, capture_output=True, text=True
    )
    expected = ["cnn out_of_memory", "lstm out_of_memory", "python out_of_memory"]
    assert (run.stdout.splitlines(), run.stderr) == (expected, "")


def test_a_failed_trial_holds_no_memory(make_job, monkeypatch):
    """Nothing keeps its network: neither the traceback nor cycles of the trainer's."""
    networks, events = [], []

    def run_out(module, batch, batch_idx):
        networks.append(weakref.ref(module.network))
        return torch.ones(10**13, dtype=torch.uint8)

    monkeypatch.setattr(Classifier, "training_step", run_out)
    gc.disable()  # so that what is freed is freed by the trial's end
    try:
        train_trial(make_job(), events.append, threading.Event(), worker="w")
        assert [network() for network in networks] == [None]
    finally:
        gc.enable()
    assert (events[-1].outcome, events[-1].failure_kind) == ("failed", "out_of_memory")
    assert "run_out" in events[-1].traceback
