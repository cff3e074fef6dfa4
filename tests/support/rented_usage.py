"""What an attempt on rented hardware used, and a backend that goes on after another."""

from __future__ import annotations

from hpo_torch.protocol.usage import RemoteUsage

USAGE = RemoteUsage(
    job="j-1",
    endpoint="e-1",
    tier="ADA_24",
    price_per_second=0.25,
    price_source="table of 2026-06-08",
    queue_seconds=3.0,
    execution_seconds=1.0,
    cost_lower=0.25,
    cost_upper=1.0,
)


def survived(run_script, script):
    backend = run_script.backend(script)
    backend._spent = {(0, 1)}
    return backend
