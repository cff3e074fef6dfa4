"""A trial that is interrupted and gone on with ends as if it had never been interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from interrupted_trials import (
    CNN,
    EPOCHS,
    LSTM,
    assert_equal_ends,
    crash_after,
    in_folder,
    of_epochs,
    stop_after,
    train,
)

from hpo_torch.protocol.events import parse_event


@pytest.mark.parametrize("interrupt", [crash_after, stop_after])
@pytest.mark.parametrize("family", ["cnn", "lstm"])
def test_interrupted_after_any_epoch_ends_bit_identically(request, tmp_path, family, interrupt):
    # Only one of the fixtures: texts come with a registry of their own.
    make, values = {"cnn": ("make_job", CNN), "lstm": ("make_text_job", LSTM)}[family]
    job = request.getfixturevalue(make)(**values)
    whole = train(in_folder(job, tmp_path / "whole"))
    assert len(of_epochs(whole)) == EPOCHS
    for epoch in range(1, EPOCHS + 1):
        folder = tmp_path / f"until-{epoch}"
        interrupt(in_folder(job, folder), epoch)
        rest = train(in_folder(job, folder, attempt="b", known_epochs=epoch))
        assert rest[0].epochs_done == epoch
        assert of_epochs(rest) == of_epochs(whole)[epoch:]
        assert {event.attempt for event in rest} == {"b"}
        assert_equal_ends(rest, folder, whole, tmp_path / "whole")


def test_interrupted_after_every_epoch_ends_bit_identically(make_job, tmp_path):
    job = make_job(**CNN)
    whole = train(in_folder(job, tmp_path / "whole"))
    folder = tmp_path / "pieces"
    for epoch in range(1, EPOCHS):
        crash_after(in_folder(job, folder, attempt=str(epoch), known_epochs=epoch - 1), epoch)
    rest = train(in_folder(job, folder, attempt="last", known_epochs=EPOCHS - 1))
    assert of_epochs(rest) == of_epochs(whole)[-1:]
    assert_equal_ends(rest, folder, whole, tmp_path / "whole")


KILLED = """
import os, signal, sys, threading
from hpo_torch.protocol.job import TrialJob
from hpo_torch.training.train_trial import train_trial

def emit(event):
    if event.kind == "epoch_finished" and event.metrics.epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    print(event.model_dump_json(), flush=True)

job = TrialJob.model_validate_json(sys.stdin.read())
train_trial(job, emit, threading.Event(), worker="w")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_before_an_epoch_is_told_ends_bit_identically(make_job, tmp_path):
    """Another process trains, and dies by SIGKILL with its second epoch stored, but not told."""
    job = make_job(**CNN)
    whole = train(in_folder(job, tmp_path / "whole"))
    folder = tmp_path / "killed"
    process = subprocess.run(
        [sys.executable, "-c", KILLED],
        check=False,
        input=in_folder(job, folder).model_dump_json(),
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    told = [parse_event(line) for line in process.stdout.splitlines()]
    rest = train(in_folder(job, folder, attempt="b", known_epochs=1))
    assert rest[0].epochs_done == 2
    assert of_epochs([*told, *rest]) == of_epochs(whole)
    assert_equal_ends(rest, folder, whole, tmp_path / "whole")


def test_epochs_that_nobody_has_heard_of_are_told_first(make_job, tmp_path):
    job = in_folder(make_job(**CNN), tmp_path / "trial")
    crash_after(job, 3)
    events = train(job.model_copy(update={"attempt": "b", "known_epochs": 1}))
    assert (events[0].kind, events[0].epochs_done) == ("trial_started", 3)
    assert [e.metrics.epoch for e in events if e.kind == "epoch_finished"] == [2, 3, 4]
    assert {event.attempt for event in events} == {"b"}


def test_alerts_of_untold_epochs_are_told_too(make_job, tmp_path):
    """A learning rate of 3 kills units: `neuron_utilization` says so after the first epoch."""
    job = make_job(epochs=2, optimizer="sgd", learning_rate=3.0, dropout=0.0, batch_norm=False)
    job = in_folder(job, tmp_path / "trial")
    whole = train(in_folder(job, tmp_path / "whole"))
    alerts = [event.message for event in whole if event.kind == "health_alert"]
    assert alerts
    crash_after(job, 1)
    rest = train(job.model_copy(update={"attempt": "b"}))
    assert [event.message for event in rest if event.kind == "health_alert"] == alerts


def test_time_adds_up_over_attempts(make_job, tmp_path):
    job = in_folder(make_job(**CNN), tmp_path / "trial")
    crash_after(job, 2)
    events = train(job.model_copy(update={"attempt": "b"}))
    seconds = [e.metrics.seconds for e in events if e.kind == "epoch_finished"]
    assert len(seconds) == EPOCHS
    assert min(seconds) > 0.0
    assert events[-1].measurements.training_seconds == pytest.approx(sum(seconds))


def test_training_that_stopped_early_is_not_gone_on_with(make_job, tmp_path):
    """At a learning rate of 1e-6, no epoch improves on the first."""
    job = make_job(
        epochs=20, learning_rate=1e-6, optimizer="sgd", training={"patience": 1}, dropout=0.0
    )
    whole = train(in_folder(job, tmp_path / "whole"))
    epochs = len(of_epochs(whole))
    assert epochs < 20
    folder = tmp_path / "trial"
    crash_after(in_folder(job, folder), epochs)
    rest = train(in_folder(job, folder, attempt="b", known_epochs=epochs))
    assert [event.kind for event in rest] == ["trial_started", "training_finished"]
    assert_equal_ends(rest, folder, whole, tmp_path / "whole")


def test_retry_with_divided_batches_goes_on_from_the_state(make_job, tmp_path):
    job = in_folder(make_job(**CNN), tmp_path / "trial")
    crash_after(job, 2)
    events = train(job.model_copy(update={"accumulate": 2, "known_epochs": 2}))
    assert events[0].epochs_done == 2
    assert [e.metrics.epoch for e in events if e.kind == "epoch_finished"] == [3, 4]


def test_mixed_precision_ends_bit_identically(make_job, tmp_path):
    job = make_job(**CNN, training={"precision": "bf16-mixed"})
    whole = train(in_folder(job, tmp_path / "whole"))
    crash_after(in_folder(job, tmp_path / "trial"), 2)
    rest = train(in_folder(job, tmp_path / "trial", known_epochs=2))
    assert_equal_ends(rest, tmp_path / "trial", whole, tmp_path / "whole")
