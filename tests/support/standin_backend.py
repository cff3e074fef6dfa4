"""The stand-in's endpoints with hpo-torch's workers, and settings for them."""

from __future__ import annotations

import sys
from pathlib import Path

import hpo_torch
from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.testing.runpod_standin import Endpoint

LIGHT_WORKER = Path(__file__).parent.parent / "assets" / "runpod_handlers" / "light_worker.py"
COMMAND = [sys.executable, "-u", str(LIGHT_WORKER)]


def endpoint(name, volume, *, env=None, **more):
    """An endpoint whose workers share a folder as their volume."""
    own = {"HPO_TORCH_VOLUME": str(volume), "OMP_NUM_THREADS": "1", **(env or {})}
    image = f"registry/hpo-torch-worker:{hpo_torch.__version__}"
    return Endpoint(id=name, command=COMMAND, env=own, image=image, **more)


def settings(name, *, jobs=1, **remote):
    """A run's settings on this endpoint."""
    return ExecutionSettings(jobs=jobs, remote={"endpoint": name, **remote})


class Salted:
    """A backend whose attempts have other ids where they run than where they are asked for.

    The suite's tests all use the same few ids; workers, which outlive a test, take an id that they
    know for the same attempt, posted again.
    """

    def __init__(self, backend, salt):
        self.inner, self._salt = backend, f"-{salt}"

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def submit(self, job):
        self.inner.submit(self._salted(job))

    def reattach(self, job):
        return self.inner.reattach(self._salted(job))

    def poll(self, timeout):
        return [self._plain(event) for event in self.inner.poll(timeout)]

    def _salted(self, job):
        return job.model_copy(update={"attempt": job.attempt + self._salt})

    def _plain(self, event):
        attempt = event.attempt.removesuffix(self._salt)
        return event.model_copy(update={"attempt": attempt})
