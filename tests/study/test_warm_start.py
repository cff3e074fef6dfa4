"""An earlier run's folder, as the study leaves it, and what a new study takes from it."""

from __future__ import annotations

from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState

from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import InvalidValueError, UnknownNameError, UsageError
from hpo_torch.protocol.events import EpochFinished
from hpo_torch.protocol.measurements import EpochMetrics, HealthReading, Measurements
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.records import TrialResult
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.search.domains import Choice
from hpo_torch.search.objectives import find_objective
from hpo_torch.search.study_space import study_space
from hpo_torch.study.epoch_values import values_after
from hpo_torch.study.references import read_references
from hpo_torch.study.warm_start import WARM_START_ATTRIBUTE, Target, map_run, warm_start

SPACE = cnn_space((1, 8, 8), 1_438, 5, 20)


def measured(accuracy, *, calm=0.5, seconds=10.0):
    return Measurements(
        val_accuracy=accuracy,
        val_loss=1.0,
        last_val_accuracy=accuracy - 0.1,
        skill=accuracy,
        parameters=100,
        training_seconds=seconds,
        health={"calm": HealthReading(value=calm)},
        overall_health=0.123,  # of other weights: not what this study computes
    )


def result(number, accuracies, *, state="complete", kind=None, **hyperparameters):
    return TrialResult(
        trial=number,
        attempt="a",
        state=state,
        score=None if kind else 0.99,
        seed=1,
        family="cnn",
        hyperparameters=SPACE.defaults(SPACE.check_fixed(hyperparameters)),
        measurements=None if kind else measured(accuracies[-1], seconds=10.0 * (number + 1)),
        epochs=[
            EpochMetrics(
                epoch=epoch,
                train_loss=1.0,
                train_accuracy=accuracy,
                val_loss=1.0,
                val_accuracy=accuracy,
                learning_rate=0.1,
                seconds=1.0,
            )
            for epoch, accuracy in enumerate(accuracies, 1)
        ],
        failure_kind=kind,
        started="2026-01-01T00:00:00+00:00",
        seconds=5.0,
    )


EARLIER = [
    result(0, [0.5, 0.8]),
    result(1, [0.3, 0.4], state="pruned", dropout=0.5),
    result(2, [], state="failed", kind="diverged", learning_rate=0.03),
    result(3, [], state="failed", kind="data", learning_rate=0.02),
    result(4, [0.6, 0.7], filters=64, optimizer="sgd"),
]


@pytest.fixture
def earlier(tmp_path):
    """Write an earlier run's folder."""

    def write(results=EARLIER, **data):
        run = RunDirectory.create(tmp_path, "earlier")
        run.write_config(RunConfig.model_validate({"data": data}))
        with EventLog(run.events) as log:
            for trial in results:
                run.write_trial(trial)
                for metrics in trial.epochs:
                    log.append(
                        EpochFinished(
                            trial=trial.trial,
                            attempt="a",
                            epochs=10,
                            metrics=metrics,
                            so_far=measured(metrics.val_accuracy),
                        )
                    )
        return run.path

    return write


def target(weights=None, **search):
    config = RunConfig.model_validate({"search": {"mode": "simple", **search}})
    space, fixed = study_space(config, "cnn", input_shape=(1, 8, 8), examples=1_797, flips=False)
    return Target(
        config=config,
        space=space,
        fixed=fixed,
        objective=find_objective(config.search.optimize_for),
        weights=weights or {"calm": 1.0},
    )


def start(mapped):
    study = optuna.create_study(direction="maximize")
    return study, warm_start(study, mapped)


def test_finished_trials_become_optunas(earlier):
    study, report = start(map_run(earlier(), target()))
    assert [t.state for t in study.trials] == [
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.COMPLETE,
        TrialState.COMPLETE,
    ]
    assert [t.value for t in study.trials] == [0.8, 0.4, 0.0, 0.7]  # the third diverged
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.8}
    assert study.trials[1].params["dropout"] == 0.5
    assert {t.user_attrs[WARM_START_ATTRIBUTE] for t in study.trials} == {"earlier"}
    assert report.added == {0: 0, 1: 1, 2: 2, 4: 3}
    assert [(left.trial, left.reason) for left in report.left_out] == [(3, "failed (data)")]
    assert report.lines() == [
        "warm start: 4 of 5 trials of earlier are used",
        "warm start: 1 left out: failed (data)",
    ]


def test_added_trials_are_as_if_they_had_been_asked_for(earlier):
    study, _ = start(map_run(earlier(), target()))
    study.enqueue_trial(EARLIER[4].hyperparameters)
    asked = study.ask()
    SPACE.sample(asked, {})
    assert study.trials[3].distributions == asked.distributions
    assert study.trials[3].params == asked.params


def test_sampler_and_pruner_know_them(earlier):
    study, _ = start(map_run(earlier(), target()))
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=4, seed=1)
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=2)
    trial = study.ask()
    SPACE.sample(trial, {})
    assert trial.relative_params  # so TPE has modelled something
    trial.report(0.1, 2)
    assert trial.should_prune()


def test_score_is_computed_by_this_studys_settings(earlier):
    path = earlier()
    last = map_run(path, target(optimize_for="accuracy")).trials[0]
    assert last.value == pytest.approx(0.7)
    healthy = map_run(path, target(mode="health", health_weight=0.5)).trials[0]
    assert healthy.value == pytest.approx(0.5 * 0.8 + 0.5 * 0.5)  # calm 0.5 is all of its health


def test_costs_are_relative_to_the_earlier_runs_first(earlier):
    study, report = start(map_run(earlier(), target(optimize_for="training_time")))
    assert study.trials[0].value == pytest.approx(0.8 * 0.5)  # skill times the economy of 10/10
    assert report.references == {"training_seconds": 10.0}
    assert read_references(study).training_seconds == 10.0


def test_other_objectives_set_no_references(earlier):
    study, report = start(map_run(earlier(), target()))
    assert report.references == {}
    assert read_references(study).training_seconds is None


@pytest.mark.parametrize(
    ("search", "reason"),
    [
        ({"space": {"cnn": {"filters": {"choices": [16, 32]}}}}, "filters 64 is none of 16, 32"),
        ({"fix": {"filters": 32}}, "filters is 32 here"),
        ({"space": {"cnn": {"optimizer": {"choices": ["adam", "adamw"]}}}}, "optimizer sgd is"),
    ],
)
def test_trial_that_does_not_fit_is_left_out_with_the_reason(earlier, search, reason):
    mapped = map_run(earlier(), target(**search))
    assert list(mapped.trials) == [0, 1, 2]
    assert mapped.left_out[-1].trial == 4
    assert mapped.left_out[-1].reason.startswith(reason)


def test_hyperparameter_that_one_side_lacks_leaves_the_trial_out(earlier):
    older = dict(EARLIER[0].hyperparameters)
    del older["dropout"]
    newer = {**EARLIER[0].hyperparameters, "sparkle": 1}
    changed = [
        EARLIER[0],
        EARLIER[1].model_copy(update={"hyperparameters": older}),
        EARLIER[4].model_copy(update={"hyperparameters": newer}),
    ]
    reasons = [left.reason for left in map_run(earlier(changed), target()).left_out]
    assert reasons == ["dropout has no value", "sparkle is none of its hyperparameters here"]


def test_constrained_combination_that_cannot_exist_is_left_out(earlier):
    impossible = {**EARLIER[0].hyperparameters, "conv_layers": 3, "pool_size": 3}
    changed = [EARLIER[0], EARLIER[4].model_copy(update={"hyperparameters": impossible})]
    (left,) = map_run(earlier(changed), target()).left_out
    assert (left.trial, left.reason) == (4, "pool_size is 2 here")


def test_run_of_other_data_is_refused(earlier):
    with pytest.raises(InvalidValueError, match=r"data\.dataset is 'digits', as this one's"):
        map_run(earlier(dataset="mnist"), target())


def test_run_without_a_fitting_trial_is_refused(earlier):
    narrow = {"cnn": {"learning_rate": {"low": 0.005, "high": 0.01}}}
    with pytest.raises(UsageError, match=r"none of the 5 finished trials .*learning_rate 0.001"):
        map_run(earlier(), target(space=narrow))


def test_run_of_another_family_is_refused(earlier):
    lstm = replace(target(), space=replace(SPACE, family="lstm"))
    with pytest.raises(UsageError, match="is of family cnn"):
        map_run(earlier(), lstm)


def test_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown run 'absent'"):
        map_run(tmp_path / "absent", target())


def test_objective_that_was_not_measured_leaves_out(earlier):
    with pytest.raises(UsageError, match="inference_speed was not measured"):
        map_run(earlier(EARLIER[:1]), target(optimize_for="inference_speed"))


def test_choice_compares_types(earlier):
    parameters = tuple(
        replace(p, domain=Choice((0, 1))) if p.name == "batch_norm" else p for p in SPACE.parameters
    )
    numbers = replace(target(), space=replace(SPACE, parameters=parameters))
    with pytest.raises(UsageError, match="batch_norm true is none of 0, 1"):
        map_run(earlier(EARLIER[:1]), numbers)


def test_where_objective_and_health_are_two_both_are_told(earlier):
    study = optuna.create_study(directions=["maximize"] * 2)
    warm_start(study, map_run(earlier(), target(mode="pareto")))
    assert [t.values for t in study.trials] == [[0.8, 0.5], None, [0.0, 0.0], [0.7, 0.5]]
    assert [values_after(study.trials[0], epoch) for epoch in (1, 2)] == [(0.5, 0.5), (0.8, 0.5)]
    assert values_after(study.trials[1], 2) == (0.4, 0.5)  # pruned: what it had reached is known
    assert all(not t.intermediate_values for t in study.trials)
