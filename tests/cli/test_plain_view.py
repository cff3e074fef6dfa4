"""Plain lines about trials that run in several places, and cost something."""

from __future__ import annotations

import io

from rich.console import Console

from hpo_torch.cli.plain_view import PlainView
from hpo_torch.protocol.events import TrialFinished, TrialRetried, TrialStarted
from hpo_torch.protocol.usage import RemoteUsage

USAGE = RemoteUsage(
    job="j-1",
    endpoint="e-1",
    tier="ADA_24",
    price_per_second=0.00031,
    price_source="table of 2026-06-08",
    queue_seconds=3.0,
    execution_seconds=10.0,
    cost_lower=0.0031,
    cost_upper=0.0056,
)


def started(trial, worker, device):
    return TrialStarted(
        trial=trial,
        attempt="a",
        worker=worker,
        device=device,
        precision="32-true",
        hyperparameters={},
        parameters=1234,
        epochs=5,
    )


def finished(trial, *usage):
    return TrialFinished(
        trial=trial,
        attempt="a",
        state="complete",
        score=0.5,
        epochs_run=5,
        seconds=9.0,
        usage=list(usage),
    )


def lines(*events, earlier=()):
    output = io.StringIO()
    view = PlainView(Console(file=output, width=200), earlier)
    for event in events:
        view.hear(event)
    return output.getvalue().splitlines()


def test_one_place_needs_no_name():
    (line,) = lines(started(0, "local-0", "cpu (x86_64)"))
    assert line == "trial 0: 1,234 parameters, up to 5 epochs on cpu (x86_64) (32-true)"


def test_from_the_second_place_on_workers_are_named():
    first, second = lines(started(0, "pod", "cuda:0 (L4)"), started(1, "local-0", "cpu (x86_64)"))
    assert "by" not in first
    assert second.endswith("on cpu (x86_64) (32-true), by local-0")


def test_costs_are_told_with_the_trial_and_in_all():
    retried = TrialRetried(
        trial=0,
        attempt="x",
        failure_kind="worker_died",
        message="gone",
        next_attempt="a",
        usage=USAGE,
    )
    *_, first, second, third = lines(
        retried, finished(0, USAGE, USAGE), finished(1, USAGE), finished(2)
    )
    assert first.endswith("9 s  $0.0062 to $0.0112, in all $0.0062 to $0.0112")
    assert second.endswith("9 s  $0.0031 to $0.0056, in all $0.0093 to $0.0168")
    assert third.endswith("9 s")


def test_what_earlier_processes_spent_counts_in_all():
    (line,) = lines(finished(1, USAGE), earlier=[finished(0, USAGE)])
    assert line.endswith("9 s  $0.0031 to $0.0056, in all $0.0062 to $0.0112")
