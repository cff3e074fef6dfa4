"""Configurations reach the queue of a study that has begun, whoever works on it meanwhile."""

from __future__ import annotations

import json

import pytest
from optuna.trial import TrialState as OptunaState

from hpo_torch.errors import UnknownNameError, UsageError
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.add_to_queue import add_to_queue

# Numbers of configurations that are too large are used up, too.
MANY = [[0.5, 0.5]] * 50


@pytest.fixture
def queue(tmp_path):
    """Write a file of configurations."""

    def write(*configurations):
        path = tmp_path / "queue.json"
        path.write_text(json.dumps(configurations))
        return path

    return write


def trained(run):
    """What was trained, in order: the value of `filters`."""
    return [result.hyperparameters["filters"] for result in run.results]


def waiting(run):
    return [
        trial.system_attrs["fixed_params"]
        for trial in run.study.get_trials(states=(OptunaState.WAITING,))
    ]


def test_a_study_at_work_trains_them_next(run_script, registry, queue, tmp_path):
    file = queue({"filters": 64, "dropout": 0.1}, {"filters": 16, "dropout": 0.1})

    def add(poll):
        if poll == 2:
            assert add_to_queue(tmp_path / "run", file, registry, print) == 2

    run = run_script(MANY, trials=4, on_poll=add, sampler="random")
    # The default first, as it was asked for before; then these two, and then the sampler's.
    assert trained(run)[1:3] == [64, 16]
    assert run.results[1].hyperparameters["dropout"] == 0.1
    assert len(run.results) == 4
    assert waiting(run) == []


def test_a_study_that_rests_trains_them_when_it_goes_on(run_script, registry, queue, tmp_path):
    run_script(MANY, trials=1)
    add_to_queue(tmp_path / "run", queue({"filters": 64, "dropout": 0.1}), registry, print)
    run = run_script(MANY, again=True, trials=3)
    assert trained(run)[1] == 64
    assert len(run.results) == 3


def test_what_cannot_be_trained_is_refused_and_nothing_added(run_script, registry, queue, tmp_path):
    run = run_script(MANY, trials=1)
    file = queue({"filters": 64}, {"filtres": 16})
    with pytest.raises(UsageError, match=r"entry 2: .*Did you mean 'filters'"):
        add_to_queue(tmp_path / "run", file, registry, print)
    assert waiting(run) == []


def test_what_the_sampler_cannot_learn_from_is_said(run_script, registry, queue, tmp_path):
    run_script(MANY, trials=1)
    notes = []
    add_to_queue(tmp_path / "run", queue({"learning_rate": 1e-6}), registry, notes.append)
    (note,) = notes
    assert "learning_rate=1e-06 is trained as given" in note


def test_a_study_that_has_not_begun_still_has_the_queue_of_its_settings(
    registry, make_config, queue, tmp_path
):
    RunDirectory.create(tmp_path, "run").write_config(make_config())
    with pytest.raises(UsageError, match="has not begun"):
        add_to_queue(tmp_path / "run", queue({"filters": 64}), registry, print)


def test_there_must_be_such_a_run(registry, queue, tmp_path):
    with pytest.raises(UnknownNameError, match="unknown run 'run'"):
        add_to_queue(tmp_path / "run", queue({"filters": 64}), registry, print)


def test_engines_that_share_a_study_share_the_queue(engine, registry, queue, tmp_path, monkeypatch):
    done = engine("first", MANY, trials=2)
    file = queue({"filters": 64, "dropout": 0.1})
    monkeypatch.setenv("HPO_TORCH_EXECUTION_STORAGE", done.plan.config.execution.storage)
    add_to_queue(done.run.path, file, registry, print)
    assert trained(engine("second", MANY, trials=3))[-1] == 64
