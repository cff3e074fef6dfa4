from __future__ import annotations

import pytest
from synthetic_study import bare_trial, summary_with

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.searched import searched_hyperparameters
from hpo_torch.results.summary import RunView


@pytest.fixture
def view(tmp_path):
    """Return a function that makes a run's view: settings of the search, trials, importance."""

    def build(trials, importance=None, **search):
        run = RunDirectory.create(tmp_path, "x")
        run.write_config(RunConfig.model_validate({"search": search}))
        for trial in trials:
            run.write_trial(trial)
        if importance is not None:
            run.write_summary(summary_with(importance))
        return RunView(run)

    return build


def names(found):
    return [searched.name for searched in found]


def test_only_what_was_searched_and_differs_is_found(view):
    trials = [
        bare_trial(0, filters=16, dropout=0.5, epochs=3, learning_rate=1e-3),
        bare_trial(1, filters=32, dropout=0.5, epochs=5, learning_rate=1e-2),
    ]
    # epochs differ, as a queue could make them; but they were fixed, and dropout never changed.
    found = searched_hyperparameters(view(trials, fix={"epochs": 3}))
    assert names(found) == ["filters", "learning_rate"]


def test_forced_activation_is_not_searched(view):
    trials = [bare_trial(0, activation="relu"), bare_trial(1, activation="swish")]
    assert searched_hyperparameters(view(trials, activation="relu")) == []


def test_a_space_of_one_value_is_not_searched(view):
    trials = [bare_trial(0, filters=16), bare_trial(1, filters=32)]
    space = {"cnn": {"filters": {"choices": [16]}}}
    assert searched_hyperparameters(view(trials, space=space)) == []


def test_scales_follow_the_search_space_and_its_changes(view):
    trials = [
        bare_trial(0, learning_rate=1e-3, dropout=0.1, filters=64, conv_layers=1, pool_size=3),
        bare_trial(1, learning_rate=1e-2, dropout=0.2, filters=16, conv_layers=2, pool_size=2),
        bare_trial(2, learning_rate=1e-2, dropout=0.2, filters=32, conv_layers=2, pool_size=2),
    ]
    space = {"cnn": {"dropout": {"low": 0.05, "high": 0.5, "log": True}}}
    found = {each.name: each for each in searched_hyperparameters(view(trials, space=space))}
    assert found["learning_rate"].log
    assert found["dropout"].log
    assert found["filters"].options == (16, 32, 64)
    assert found["conv_layers"].whole
    assert not found["conv_layers"].log
    assert found["pool_size"].options == (2, 3)
    assert all(each.numeric for each in found.values())


def test_names_and_yes_no_are_options_and_no_numbers(view):
    trials = [
        bare_trial(0, optimizer="sgd", batch_norm=True, momentum=0.9),
        bare_trial(1, optimizer="adam", batch_norm=False),
        bare_trial(2, optimizer="sgd", batch_norm=False, momentum=0.8),
    ]
    found = {each.name: each for each in searched_hyperparameters(view(trials))}
    # As the space lists them: adam, adamw, rmsprop, sgd; adamw and rmsprop were never tried.
    assert found["optimizer"].options == ("adam", "sgd")
    assert found["batch_norm"].options == (False, True)
    assert not found["optimizer"].numeric
    assert not found["batch_norm"].numeric
    assert found["momentum"].values == {0: 0.9, 2: 0.8}


def test_a_queued_zero_has_no_logarithm(view):
    trials = [bare_trial(0, weight_decay=0.0), bare_trial(1, weight_decay=1e-3)]
    (found,) = searched_hyperparameters(view(trials))
    assert not found.log


def test_the_most_important_come_first_and_the_unknown_last(view):
    trials = [
        bare_trial(0, filters=16, dropout=0.5, learning_rate=1e-3),
        bare_trial(1, filters=32, dropout=0.1, learning_rate=1e-2),
    ]
    found = searched_hyperparameters(view(trials, {"learning_rate": 0.7, "dropout": 0.3}))
    assert names(found) == ["learning_rate", "dropout", "filters"]
    assert [each.importance for each in found] == [0.7, 0.3, None]


def test_states_say_between_which_trials_something_must_differ(view):
    trials = [
        bare_trial(0, filters=16),
        bare_trial(1, filters=16),
        bare_trial(2, "failed", filters=256),
    ]
    found = view(trials)
    assert names(searched_hyperparameters(found)) == ["filters"]
    assert searched_hyperparameters(found, ["complete"]) == []


def test_own_family_s_space_is_read(view):
    trials = [bare_trial(0, family="lstm", lstm_units=32), bare_trial(1, lstm_units=64)]
    assert names(searched_hyperparameters(view(trials))) == ["lstm_units"]


def test_nothing_differs_in_an_empty_run(view):
    assert searched_hyperparameters(view([])) == []
