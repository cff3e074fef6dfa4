"""As `test_crashes`, with objective and health: the front's weights outlive every crash."""

from __future__ import annotations

import os

import pytest
from killed import Killed, kill_at

from hpo_torch.results.event_log import EventLog, read_events
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.journal_file import JournalFile
from hpo_torch.study.single_engine import SingleEngineLeases

# 0 leads; 1 is less healthy; 2 fails; 3 leaves 0 more than delta behind, and 1 leads; 4 dominates 1
# and leads; 5 is pruned at the rung of epoch 2; 6 dominates 0 and 4, and leads.
SCRIPT = [
    [(0.5, 0.1), (0.6, 0.3), (0.78, 0.55)],
    [(0.5, 0.1), (0.7, 0.4), (0.80, 0.50)],
    [(0.5, 0.1), "user_code"],
    [(0.5, 0.1), (0.8, 0.5), (0.84, 0.20)],
    [(0.5, 0.1), (0.9, 0.5), (0.80, 0.52)],
    [(0.1, 0.1), (0.2, 0.1), (0.30, 0.30)],
    [(0.5, 0.1), (0.9, 0.6), (0.83, 0.60)],
]
SETTINGS = {
    "mode": "pareto",
    "delta": 0.05,
    "pruner": "asha",
    "pruner_options": {"min_resource": 2, "reduction_factor": 2},
    "fix": {"epochs": 3},
}
WINDOWS = [
    (JournalFile, "_write"),
    (EventLog, "append"),
    (SingleEngineLeases, "finish"),
    (RunDirectory, "write_trial"),
    (RunDirectory, "write_best"),
    (RunDirectory, "keep_best_model"),
    (RunDirectory, "add_to_table"),
    (RunDirectory, "drop_checkpoints"),
    (RunDirectory, "write_summary"),
]


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda _: None)


def figures(run):
    return {
        result.trial: (result.state, result.score, result.hyperparameters, len(result.epochs))
        for result in run.results
    }


def in_optuna(run):
    return [
        (
            trial.number,
            trial.state,
            trial.values,
            trial.params,
            {name: pair for name, pair in trial.user_attrs.items() if "after_epoch" in name},
        )
        for trial in run.study.trials
    ]


def kept(run):
    return sorted(int(path.parent.name) for path in run.run.path.glob("trials/*/model.ckpt"))


def assert_whole(run):
    assert [entry.trial for entry in run.summary.front.trials] == [3, 6]
    assert kept(run) == [3, 6]
    for number in kept(run):
        assert run.run.weights(number).read_text() == f"weights of trial {number}"
    assert run.run.best_checkpoint.read_text() == "weights of trial 6"
    assert run.run.holds_best_model(run.results[6])
    assert "\nbest_value: 0.83\n" in run.run.best_hyperparameters.read_text()
    assert not list(run.run.path.glob("trials/*/training_state.ckpt"))
    events = read_events(run.run.events)
    ends = [event.trial for event in events if event.kind == "trial_finished"]
    assert sorted(ends) == list(range(len(SCRIPT)))


@pytest.fixture
def undisturbed(run_script):
    run = run_script(SCRIPT, name="undisturbed", **SETTINGS)
    assert_whole(run)
    return run


def test_script_is_what_it_says(undisturbed):
    ends = [event for event in undisturbed.events if event.kind == "trial_finished"]
    assert [event.leader for event in ends] == [0, 0, 0, 1, 4, 4, 6]
    assert undisturbed.states == {
        **dict.fromkeys(range(len(SCRIPT)), "complete"),
        2: "failed",
        5: "pruned",
    }


@pytest.mark.timeout(180)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("window", WINDOWS, ids=[name for _, name in WINDOWS])
def test_killed_study_ends_like_an_undisturbed_one(window, moment, run_script, undisturbed):
    owner, method = window
    occurrence = 0
    while True:
        occurrence += 1
        name = f"killed-{occurrence}"
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, owner, method, moment, occurrence)
            try:
                run_script(SCRIPT, name=name, **SETTINGS)
            except Killed:
                pass
            else:
                break
        resumed = run_script(SCRIPT, name=name, again=True, **SETTINGS)
        assert figures(resumed) == figures(undisturbed), occurrence
        assert in_optuna(resumed) == in_optuna(undisturbed), occurrence
        assert_whole(resumed)
    assert occurrence > 1
