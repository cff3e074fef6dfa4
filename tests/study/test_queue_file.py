from __future__ import annotations

import json

import optuna
import pytest

from hpo_torch.errors import UsageError
from hpo_torch.search.cnn_space import cnn_space
from hpo_torch.study.queue_file import enqueue, outside, queue_notes, read_list, read_queue

SPACE = cnn_space((1, 8, 8), 1_400, 5, 20)
FULL = SPACE.defaults({"optimizer": "sgd", "filters": 64, "learning_rate": 0.01})


@pytest.fixture
def read(tmp_path):
    def read(text, fixed=None):
        path = tmp_path / "queue.yaml"
        path.write_text(text)
        return read_queue(path, SPACE, fixed or {})

    return read


def ask_all(entries, fixed=None):
    """Return what would be trained, and what Optuna has of it."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    enqueue(study, SPACE, entries)
    asked = []
    for _ in entries:
        trial = study.ask()
        asked.append(SPACE.sample(trial, {**(fixed or {}), **outside(trial)}))
    return asked, [trial.params for trial in study.trials]


def test_whole_configurations_are_trained_as_given_and_in_order(read):
    given = [FULL, SPACE.defaults({"hidden_layers": 3})]
    entries = read(json.dumps(given))  # JSON is YAML, too
    assert ask_all(entries)[0] == given


def test_partial_configuration_keeps_what_it_says(read):
    entries = read("- {filters: 16, learning_rate: 1e-3}\n- {optimizer: sgd, momentum: 0.95}\n")
    first, second = ask_all(entries)[0]
    assert (first["filters"], first["learning_rate"]) == (16, 0.001)
    assert (second["optimizer"], second["momentum"]) == ("sgd", 0.95)


def test_value_outside_of_what_is_searched_trains_and_is_no_parameter(read):
    entries = read("- {weight_decay: 0, filters: 48, dropout: 0.1}")
    asked, params = ask_all(entries)
    assert (asked[0]["weight_decay"], asked[0]["filters"]) == (0.0, 48)
    assert params[0]["dropout"] == 0.1
    assert {"weight_decay", "filters"}.isdisjoint(params[0])
    notes = queue_notes(SPACE, entries)
    assert len(notes) == 2
    assert "queued configuration 1: weight_decay=0.0 is trained as given" in notes[0]


def test_partners_that_must_fit_are_completed(read):
    # Kernel 5 without padding leaves 8x8 images room for one layer; a sampler could choose four.
    entries = read("- {kernel_size: 5, padding: valid}")
    assert entries[0]["conv_layers"] == 1
    asked = ask_all(entries)[0][0]
    assert (asked["kernel_size"], asked["padding"], asked["conv_layers"]) == (5, "valid", 1)


def test_fixed_values_may_be_repeated_but_not_changed(read):
    assert read("- {filters: 32, dropout: 0.2}", {"filters": 32}) == ({"dropout": 0.2},)
    with pytest.raises(UsageError, match=r"entry 1: filters: expected 32, at which .* got 64"):
        read("- {filters: 64}", {"filters": 32})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {filters: 16}\n- {filter: 16}", "entry 2: unknown hyperparameter .*mean 'filters'"),
        ("- {filters: 0}", "entry 1: filters: expected a whole number from 1 to 1024, got 0"),
        ("- {momentum: 0.9}", "entry 1: momentum: expected a value of optimizer beside it"),
        ("- {optimizer: adam, momentum: 0.9}", "entry 1: momentum: expected no value unless"),
        ("- {conv_layers: 4, pool_size: 3}", "entry 1: conv_layers, pool_size: .*too few"),
        ("- 3", "entry 1: expected hyperparameters with their values, got 3"),
        ("filters: 16", "expected a file with a list of configurations.* got 'dict'"),
        ("[]", "expected a file with a list of configurations"),
        ("- {a: [", "is neither YAML nor JSON"),
    ],
)
def test_impossible_queue_names_the_entry(read, text, message):
    with pytest.raises(UsageError, match=message):
        read(text)


def test_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"search\.enqueue: .* cannot be read"):
        read_queue(tmp_path / "absent.yaml", SPACE, {})


def test_a_character_that_json_writes_as_two_is_one(tmp_path):
    path = tmp_path / "queue.json"
    path.write_text(r'[{"\ud83d\ude00": 1}]')
    assert read_list(path) == [{"\U0001f600": 1}]
