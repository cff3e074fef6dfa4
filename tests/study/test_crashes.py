"""A process dies between any two writes; the next one brings the study to the same end."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter

import pytest
from killed import Killed, kill_at

from hpo_torch.results.event_log import EventLog, read_events
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.journal_file import JournalFile
from hpo_torch.study.single_engine import SingleEngineLeases

GOOD = [0.5, 0.8, 0.9]
# The best is neither first nor last; one trial fails, one's worker dies, one is pruned.
SCRIPT = [GOOD, [0.6, 0.85, 0.95], [0.5, "user_code"], [0.5, "worker_died", 0.8], [0.1, 0.2, 0.3]]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)  # what a killed process wrote is not lost


def figures(run):
    """What of a run must not depend on when processes died."""
    return {
        result.trial: (
            result.state,
            result.score,
            result.failure_kind,
            result.seed,
            json.dumps(result.hyperparameters),
            [epoch.val_accuracy for epoch in result.epochs],
        )
        for result in run.results
    }


def in_optuna(run):
    return [
        (trial.number, trial.state, trial.value, trial.params, trial.intermediate_values)
        for trial in run.study.trials
    ]


def assert_whole(run):
    events = read_events(run.run.events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    ends = Counter(event.trial for event in events if event.kind == "trial_finished")
    assert ends == dict.fromkeys(range(len(SCRIPT)), 1)
    epochs = [(e.trial, e.metrics.epoch) for e in events if e.kind == "epoch_finished"]
    assert len(epochs) == len(set(epochs))
    with run.run.trials_table.open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["number"]), row["state"]) for row in rows] == list(run.states.items())
    assert run.run.best_checkpoint.read_text() == "weights of trial 1"
    assert "\nbest_value: 0.95\n" in run.run.best_hyperparameters.read_text()
    assert not list(run.run.path.glob("trials/*/*.ckpt"))
    assert not list(run.run.path.rglob("*.tmp"))
    assert (run.summary.unfinished, run.summary.best_trial) == (0, 1)
    assert run.summary.counts == {"complete": 3, "pruned": 1, "failed": 1}


@pytest.fixture
def undisturbed(run_script):
    run = run_script(SCRIPT, name="undisturbed")
    assert run.states == {0: "complete", 1: "complete", 2: "failed", 3: "complete", 4: "pruned"}
    assert_whole(run)
    return run


WINDOWS = [
    (JournalFile, "_write"),
    (EventLog, "append"),
    (SingleEngineLeases, "bind"),
    (SingleEngineLeases, "finish"),
    (RunDirectory, "write_trial"),
    (RunDirectory, "add_traceback"),
    (RunDirectory, "write_best"),
    (RunDirectory, "keep_best_model"),
    (RunDirectory, "add_to_table"),
    (RunDirectory, "drop_checkpoints"),
    (RunDirectory, "write_environment"),
    (RunDirectory, "write_summary"),
    "submit",
]


@pytest.mark.timeout(180)  # dozens of studies each, on a machine that others use as well
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "window", WINDOWS, ids=[w if isinstance(w, str) else w[1] for w in WINDOWS]
)
def test_killed_study_ends_like_an_undisturbed_one(window, moment, run_script, undisturbed):
    owner, method = (run_script.backend, window) if window == "submit" else window
    occurrence = 0
    while True:
        occurrence += 1
        name = f"killed-{occurrence}"
        with pytest.MonkeyPatch.context() as patch:
            calls = kill_at(patch, owner, method, moment, occurrence)
            try:
                run_script(SCRIPT, name=name)
            except Killed:
                pass
            else:
                assert calls() == occurrence - 1  # every call has been the last of a process
                break
        resumed = run_script(SCRIPT, name=name, again=True)
        assert figures(resumed) == figures(undisturbed), occurrence
        assert in_optuna(resumed) == in_optuna(undisturbed), occurrence
        assert_whole(resumed)
    assert occurrence > 1
