from __future__ import annotations

import pytest
from pydantic import ValidationError

from hpo_torch.protocol.events import (
    AttemptSettled,
    StudyStarted,
    TrainingFinished,
    TrialFinished,
    TrialRetried,
    parse_event,
)
from hpo_torch.protocol.spending import Spending
from hpo_torch.protocol.usage import Cost, RemoteUsage


def usage(lower, upper=1.0):
    return RemoteUsage(
        job="j-1",
        endpoint="e-1",
        tier="ADA_24",
        price_per_second=0.00031,
        price_source="table of 2026-06-08",
        queue_seconds=3.0,
        execution_seconds=10.0,
        cost_lower=lower,
        cost_upper=upper,
    )


def started(purpose="search"):
    return StudyStarted(
        run="r", dataset="d", mode="simple", objective="o", trials=2, backend="b", purpose=purpose
    )


def retried(trial, used, attempt="a"):
    return TrialRetried(
        trial=trial,
        attempt=attempt,
        failure_kind="worker_died",
        message="",
        next_attempt="b",
        usage=used,
    )


def finished(trial, *used):
    return TrialFinished(
        trial=trial,
        attempt="b",
        state="complete",
        score=0.5,
        epochs_run=1,
        seconds=1.0,
        usage=list(used),
    )


def heard(*events):
    spending = Spending()
    for event in events:
        spending.hear(event)
    return spending.cost


def test_costs_add_up():
    assert Cost.of([]) == Cost(lower=0.0, upper=0.0)
    assert Cost.of([usage(0.25, 0.5), usage(0.5, 1.5)]) == Cost(lower=0.75, upper=2.0)
    assert Cost(lower=1.0, upper=2.0) + Cost(lower=0.5, upper=4.0) == Cost(lower=1.5, upper=6.0)


def test_negative_figures_are_refused():
    with pytest.raises(ValidationError, match="cost_lower"):
        usage(-0.1)


def test_usage_travels_with_its_event():
    event = TrainingFinished(trial=0, attempt="a", outcome="stopped", usage=usage(0.25))
    assert parse_event(event.model_dump_json()) == event


def test_nothing_rented_costs_nothing():
    assert heard(started(), retried(0, None), finished(0)) is None


def test_an_attempt_counts_once_before_and_after_its_trial_has_ended():
    first, last = usage(0.25), usage(0.5)
    assert heard(started(), retried(0, first)) == Cost(lower=0.25, upper=1.0)
    ended = heard(started(), retried(0, first), finished(0, first, last))
    assert ended == Cost(lower=0.75, upper=2.0)


def test_an_attempt_whose_trial_goes_on_later_counts():
    paused = TrainingFinished(trial=1, attempt="a", outcome="stopped", usage=usage(0.5))
    assert heard(started(), finished(0, usage(0.25)), paused) == Cost(lower=0.75, upper=2.0)


def test_of_an_attempt_that_was_found_again_the_last_word_counts():
    given_up = TrainingFinished(
        trial=0, attempt="a", outcome="failed", failure_kind="backend", usage=usage(0.25, 0.5)
    )
    found = retried(0, usage(0.5))
    assert heard(started(), given_up, started(), found) == Cost(lower=0.5, upper=1.0)
    again = retried(0, usage(0.25), attempt="b")
    assert heard(started(), given_up, found, again) == Cost(lower=0.75, upper=2.0)
    silent = retried(0, None)
    assert heard(started(), given_up, silent) == Cost(lower=0.25, upper=0.5)


def test_what_is_settled_later_counts_instead_of_what_was_told():
    settled = AttemptSettled(trial=0, attempt="a", usage=usage(0.5))
    assert heard(started(), settled) == Cost(lower=0.5, upper=1.0)
    assert heard(started(), retried(0, usage(0.25)), settled) == Cost(lower=0.5, upper=1.0)
    ended = heard(started(), settled, finished(0, usage(0.5), usage(0.25)))
    assert ended == Cost(lower=0.75, upper=2.0)
    assert parse_event(settled.model_dump_json()) == settled


def test_trials_of_a_confirmation_are_others():
    search = (started(), retried(0, usage(0.25)))
    confirmation = (started("confirmation"), finished(0, usage(0.5)))
    assert heard(*search, *confirmation) == Cost(lower=0.75, upper=2.0)
