from __future__ import annotations

import threading

import pytest

from hpo_torch.execution.run_job import failed_training, run_job
from hpo_torch.testing.fake_training import fake_job, train


def events_of(behaviour: str, train=train):
    events = []
    run_job(train, fake_job(4, behaviour), events.append, threading.Event(), worker="w")
    return events


def test_run_job_passes_a_well_behaved_job_through():
    kinds = [event.kind for event in events_of("complete")]
    assert kinds == ["trial_started", "epoch_finished", "epoch_finished", "training_finished"]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("raise", "RuntimeError: raised on purpose"),
        ("exit", "SystemExit: 5"),
        ("vanish", "the training function returned no result"),
    ],
)
def test_run_job_adds_the_missing_training_finished(behaviour, message):
    started, last = events_of(behaviour)
    assert started.kind == "trial_started"
    assert (last.trial, last.attempt) == (4, "4-attempt")
    assert (last.outcome, last.failure_kind, last.message) == ("failed", "user_code", message)


def test_run_job_logs_what_happens_after_the_end(caplog):
    events = events_of("linger")
    assert [event.kind for event in events] == ["trial_started", "training_finished"]
    assert events[-1].outcome == "completed"
    assert "trial 4: an error after its end" in caplog.text
    assert "training_finished emitted after training_finished" in caplog.text


def test_run_job_fails_a_job_whose_last_word_could_not_be_sent():
    sent = []

    def emit(event):
        if event.kind == "training_finished" and event.outcome == "completed":
            raise ValueError("cannot be sent")
        sent.append(event)

    run_job(train, fake_job(0), emit, threading.Event(), worker="w")
    assert sent[-1].outcome == "failed"
    assert sent[-1].message == "ValueError: cannot be sent"


def test_failed_training_carries_kind_message_and_details():
    event = failed_training(fake_job(2), "worker_died", "killed", "tail")
    assert (event.trial, event.failure_kind, event.message) == (2, "worker_died", "killed")
    assert event.traceback == "tail"
