"""A RunpodBackend on a FakeCloud, with everything fast."""

from __future__ import annotations

import time

from trial_words import epoch, finished, started

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.execution.backend import RunSite
from hpo_torch.protocol.events import TrainingFinished
from hpo_torch_runpod import backend as module
from hpo_torch_runpod.endpoint_facts import EndpointFacts
from hpo_torch_runpod.ledger import Ledger, Proven
from hpo_torch_runpod.preflight import Preflight
from hpo_torch_runpod.prices import table_prices
from hpo_torch_runpod.reports import Timings

FAST = Timings(running=0.01, queued=0.01, drain=0.02, settle=0.3, grace=0.3, silence=0.1, close=5.0)
ENDPOINTS = {"AMPERE_16": "small", "AMPERE_48": "large"}


class CloudBackends:
    """Makes backends that all work for one run on one cloud; closes them at the end."""

    def __init__(self, cloud, folder, monkeypatch):
        self.cloud, self.warnings, self._made = cloud, [], []
        self.site = RunSite(folder=folder, warn=self.warnings.append)
        monkeypatch.setenv("RUNPOD_API_KEY", "rpa_TEST")
        monkeypatch.setattr(module.preflight, "check", _check)
        monkeypatch.setattr(
            module.RunpodBackend, "_connect", lambda _, *where: cloud.connect(*where)
        )

    def start(self, *, jobs=1, timings=FAST, device="auto", proven=True, **remote):
        """Start a backend; where its endpoints are `proven`, they get several jobs at once."""
        if proven:
            ledger = Ledger(self.site.backend_folder / "jobs.jsonl")
            for name in set(ENDPOINTS.values()) - ledger.proven():
                ledger.add(Proven(endpoint=name))
        settings = ExecutionSettings(jobs=jobs, device=device, remote=remote)
        backend = module.RunpodBackend(settings, timings=timings)
        backend.start(self.site)
        self._made.append(backend)
        return backend

    def close(self):
        for backend in self._made:
            backend.close()


def _check(remote):
    facts = {
        name: EndpointFacts(endpoint=name, tier=tier, idle_timeout=5.0)
        for tier, name in ENDPOINTS.items()
    }
    settings = remote.model_copy(update={"endpoints": ENDPOINTS})
    return Preflight(settings=settings, endpoints=facts, prices=table_prices())


def until(backend, condition, seconds=10.0):
    """Poll until a condition of all events so far holds; return them."""
    events, deadline = [], time.monotonic() + seconds
    while not condition(events):
        assert time.monotonic() < deadline, f"so far: {events}"
        events += backend.poll(0.05)
    return events


def until_ended(backend, count=1):
    return until(backend, lambda events: len(ends(events)) >= count)


def ends(events):
    return [event for event in events if isinstance(event, TrainingFinished)]


def submit(backend, *trials):
    """Submit trials, and let the backend post them."""
    for trial in trials:
        backend.submit(trial)
    assert backend.poll(0.0) == []


def train(job, trial, epochs=2):
    """Have a job train a trial to its end."""
    job.say(started(trial), *(epoch(trial, n) for n in range(1, epochs + 1)), finished(trial))
