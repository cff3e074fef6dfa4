from __future__ import annotations

import optuna
import pytest
import yaml

from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView
from hpo_torch.study import proposals
from hpo_torch.study.trial_marks import our_trials


def test_trial_0_is_the_default_configuration(run_script):
    run = run_script([[0.5, 0.9]])
    values = run.backend.jobs[0].hyperparameters
    assert (values["conv_layers"], values["filters"], values["kernel_size"]) == (2, 32, 3)
    assert values["activation"] == "relu"


def test_score_of_completed_trials_is_told_to_optuna(run_script):
    run = run_script([[0.5, 0.9], [0.6, 0.8]])
    assert [trial.value for trial in run.study.trials] == [0.9, 0.8]
    assert run.reason == "all trials done"


def test_health_mode_mixes_accuracy_and_health(run_script):
    run = run_script([[0.9]], mode="health", health_weight=0.25)
    # 0.75 x accuracy 0.9 + 0.25 x health 0.5
    assert run.study.trials[0].value == pytest.approx(0.8)


def test_what_optuna_recorded_is_what_trained(run_script):
    run = run_script([[0.5]] * 6)
    for trial, job in zip(run.study.trials, run.backend.jobs, strict=True):
        assert trial.user_attrs["hyperparameters"] == job.hyperparameters
        assert trial.params.items() <= job.hyperparameters.items()


def test_fixed_hyperparameter_is_in_every_trial_and_not_searched(run_script):
    run = run_script([[0.5]] * 4, fix={"filters": 16}, activation="gelu")
    for trial, job in zip(run.study.trials, run.backend.jobs, strict=True):
        assert job.hyperparameters["filters"] == 16
        assert job.hyperparameters["activation"] == "gelu"
        assert job.hyperparameters["hidden_activation"] == "gelu"
        assert not {"filters", "activation", "hidden_activation"} & set(trial.params)


def test_trial_below_the_median_is_pruned_and_later_epochs_do_not_count(run_script):
    good = [0.5, 0.8, 0.9]
    run = run_script([good, good, good, [0.1, 0.2, 0.99]])
    assert run.states == {0: "complete", 1: "complete", 2: "complete", 3: "pruned"}
    assert run.backend.stopped == {3}
    pruned = run.results[3]
    # The worker sent a third epoch (0.99) before it stopped; the decision fell after the second.
    assert [epoch.val_accuracy for epoch in pruned.epochs] == [0.1, 0.2]
    assert pruned.score == 0.2
    assert run.study.trials[3].state == optuna.trial.TrialState.PRUNED
    assert RunView(run.run).best.trial == 0


def test_first_epoch_is_not_judged(run_script):
    good = [0.5, 0.8]
    run = run_script([good, good, good, good, [0.1, 0.9]])
    assert run.states[4] == "complete"


@pytest.mark.parametrize(("epochs", "state"), [(2, "complete"), (3, "pruned")])
def test_last_epoch_is_not_judged(run_script, epochs, state):
    good, bad = [0.5, 0.8], [0.1, 0.2]
    run = run_script([good, good, good, bad], min_epochs=epochs, max_epochs=epochs)
    assert run.states[3] == state


def test_pruner_none_prunes_nothing(run_script):
    good = [0.5, 0.8, 0.9]
    run = run_script([good, good, good, good, [0.1, 0.1, 0.1]], pruner="none")
    assert set(run.states.values()) == {"complete"}


def test_diverged_trial_gets_the_finite_worst_score_and_stays_in_the_history(run_script):
    run = run_script([[0.5, "diverged"], [0.6, 0.7]])
    assert run.study.trials[0].state == optuna.trial.TrialState.COMPLETE
    assert run.study.trials[0].value == 0.0
    assert run.study.trials[0].user_attrs["failure_kind"] == "diverged"
    result = run.results[0]
    assert (result.state, result.failure_kind, result.score) == ("failed", "diverged", 0.0)
    assert RunView(run.run).best.trial == 1


@pytest.mark.parametrize("kind", ["user_code", "data"])
def test_failed_trial_does_not_end_the_study(run_script, kind):
    run = run_script([[0.5, kind], [0.6, 0.7]])
    assert run.states == {0: "failed", 1: "complete"}
    assert run.study.trials[0].state == optuna.trial.TrialState.FAIL
    traceback = run.run.trial_dir(0) / "traceback.txt"
    attempt = run.backend.jobs[0].attempt
    assert traceback.read_text() == f"---- attempt 1 ({attempt}) ----\nTraceback ...\n"


def test_events_are_numbered_without_gaps_and_end_every_trial_once(run_script):
    run = run_script([[0.5, 0.9], [0.5, "user_code"], [0.6, 0.8]])
    stored = read_events(run.run.events)
    assert [event.seq for event in stored] == list(range(1, len(stored) + 1))
    assert stored == run.events
    finished = [event.trial for event in stored if event.kind == "trial_finished"]
    assert finished == [0, 1, 2]
    assert "training_finished" not in {event.kind for event in stored}


def test_best_weights_are_kept_and_the_others_dropped(run_script):
    run = run_script([[0.5, 0.7], [0.6, 0.9], [0.6, 0.8]])
    assert run.run.best_checkpoint.read_text() == "weights of trial 1"
    assert not list(run.run.path.glob("trials/*/model.ckpt"))
    best = yaml.safe_load(run.run.best_hyperparameters.read_text())
    assert best["trial"] == 1
    assert best["best_value"] == 0.9
    assert best["hyperparameters"] == run.backend.jobs[1].hyperparameters


def test_equal_seeds_search_equally_and_others_differently(run_script):
    script = [[0.5], [0.7], [0.6], [0.8], [0.55], [0.65], [0.75]]
    first = run_script(script, name="first")
    again = run_script(script, name="again")
    other = run_script(script, name="other", seed=2)
    chosen = [[job.hyperparameters for job in run.backend.jobs] for run in (first, again, other)]
    assert chosen[0] == chosen[1]
    assert chosen[0][1:] != chosen[2][1:]
    seeds = [[job.seed for job in run.backend.jobs] for run in (first, again, other)]
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == len(script)
    assert not set(seeds[0]) & set(seeds[2])


def test_as_many_trials_in_flight_as_the_backend_takes(run_script):
    run = run_script([[0.5, 0.6]] * 7, capacity=3)
    assert run.backend.most_in_flight == 3
    assert len(run.results) == 7


def test_trials_in_flight_when_the_space_is_exhausted_train_to_their_end(run_script, monkeypatch):
    monkeypatch.setattr(proposals, "exhausted", lambda study: len(our_trials(study)) == 3)
    script = [[0.5] * 2, [0.5] * 9, [0.5, "worker_died", *[0.6] * 7]]
    run = run_script(script, trials=5, capacity=2, pruner="none")
    assert run.reason == "search space exhausted"
    assert run.states == dict.fromkeys(range(3), "complete")
    assert [len(result.epochs) for result in run.results] == [2, 9, 8]
    assert run.summary.unfinished == 0
    assert [job.trial for job in run.backend.jobs] == [0, 1, 2, 2]


def test_deadline_of_a_search_that_is_exhausted_still_holds(run_script, monkeypatch):
    monkeypatch.setattr(proposals, "exhausted", lambda study: len(our_trials(study)) == 2)
    run = run_script([[0.5] * 9] * 2, trials=5, capacity=2, interrupts=(4,))
    assert (run.reason, run.summary.unfinished) == ("interrupted", 2)
