"""A search that is killed, and resumed, finds what an uninterrupted one finds, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
import torch

from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView

PROGRAM = [sys.executable, "-m", "hpo_torch.cli.app"]
SEARCH = ("--trials", "4", "--epochs", "4", "--jobs", "1", "--mode", "simple", "--pruner", "none")
SEARCH += ("--no-health-stop",)  # every trial has all its epochs
SMALL = ("--output-dir", "runs", "--set", "health.probe_size=64", "--plots", "none")


@pytest.fixture
def start(tmp_path):
    """Start `hpo-torch ARGUMENTS --json` and return it when an event arrives."""
    started = []

    def go(*arguments, until):
        process = subprocess.Popen(
            [*PROGRAM, *arguments, "--json"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        for line in process.stdout:
            if until(json.loads(line)):
                return process
        pytest.fail(f"it ended before: {process.stderr.read()}")

    yield go
    for process in started:
        process.kill()
        process.communicate()


def epoch(trial, number):
    def is_it(event):
        return (
            event["kind"] == "epoch_finished"
            and event["trial"] == trial
            and event["metrics"]["epoch"] == number
        )

    return is_it


def findings(run):
    """What a run found, without what depends on the clock."""
    return [
        (
            trial.trial,
            trial.state,
            trial.score,
            trial.seed,
            trial.hyperparameters,
            trial.kept_epoch,
            [(e.train_loss, e.train_accuracy, e.val_loss, e.val_accuracy) for e in trial.epochs],
            trial.measurements.health,
        )
        for trial in RunView.open(run).trials
    ]


def weights(run):
    return torch.load(run / "best_model/model.ckpt", weights_only=True)["state_dict"]


def test_killed_search_finds_the_same_after_resuming(start, hpo_torch, tmp_path):
    whole = hpo_torch("optimize", *SEARCH, *SMALL, "--name", "whole", "--quiet")
    assert whole.code == 0, whole.err
    search = start("optimize", *SEARCH, *SMALL, "--name", "killed", until=epoch(1, 2))
    os.kill(search.pid, signal.SIGKILL)
    search.communicate()
    again = start("resume", "runs/killed", until=epoch(2, 1))
    os.kill(again.pid, signal.SIGKILL)
    again.communicate()
    result = hpo_torch("resume", "runs/killed", "--quiet")
    assert result.code == 0, result.err
    killed, reference = tmp_path / "runs/killed", tmp_path / "runs/whole"
    assert findings(killed) == findings(reference)
    assert weights(killed).keys() == weights(reference).keys()
    assert all(torch.equal(w, weights(reference)[name]) for name, w in weights(killed).items())
    attempts = [trial.attempts for trial in RunView.open(killed).trials]
    assert attempts[1] >= 2
    events = read_events(killed / "events.jsonl")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    epochs = [(e.trial, e.metrics.epoch) for e in events if e.kind == "epoch_finished"]
    assert sorted(epochs) == [(trial, number) for trial in range(4) for number in range(1, 5)]
    assert not list(killed.glob("trials/*/*.ckpt"))


def test_complete_run_says_so_and_more_trials_may_be_wanted(hpo_torch, tmp_path):
    short = ("--trials", "1", "--epochs", "1", "--mode", "simple")
    assert hpo_torch("optimize", *short, *SMALL, "--name", "x", "--quiet").code == 0
    done = hpo_torch("resume", "runs/x")
    assert (done.code, "1 of 1 trials are done" in done.out) == (0, True)
    more = hpo_torch("resume", "runs/x", "--trials", "2")
    assert (more.code, "1 of 2 trials are done" in more.out) == (0, True)
    assert RunView.open(tmp_path / "runs/x").counts["complete"] == 2
    fewer = hpo_torch("resume", "runs/x", "--trials", "1")
    assert (fewer.code, "2 trials of this run have ended already" in fewer.err) == (2, True)


def test_second_process_on_a_run_is_told_who_has_it(start, hpo_torch):
    search = start("optimize", *SEARCH, *SMALL, "--name", "x", until=epoch(0, 1))
    second = hpo_torch("resume", "runs/x")
    assert second.code == 9
    assert f"process {search.pid} on " in second.err


def test_unknown_run_is_named(hpo_torch):
    result = hpo_torch("resume", "nothing-here")
    assert result.code == 2
    assert "unknown run 'nothing-here'" in result.err
