"""RunPod serverless on loopback: real SDK clients and real SDK workers, no network, no account."""

from __future__ import annotations

from hpo_torch.testing.runpod_standin.counts import Counts, Exchange
from hpo_torch.testing.runpod_standin.endpoint import MEGABYTE, Endpoint, RateLimit
from hpo_torch.testing.runpod_standin.faults import Fault, Faults
from hpo_torch.testing.runpod_standin.fleet import Worker
from hpo_torch.testing.runpod_standin.job import Job
from hpo_torch.testing.runpod_standin.server import RunpodStandin

__all__ = [
    "RunpodStandin",
    "Endpoint",
    "RateLimit",
    "MEGABYTE",
    "Fault",
    "Faults",
    "Job",
    "Worker",
    "Counts",
    "Exchange",
]
