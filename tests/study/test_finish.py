from __future__ import annotations

from types import SimpleNamespace

import pytest
from scored_model import scored_model

from hpo_torch.config.schema import RunConfig
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.finish import score_winner
from hpo_torch.training import examine

PLAN = SimpleNamespace(config=RunConfig())


@pytest.fixture
def scorings(monkeypatch):
    """The checkpoints that met the test set."""
    met = []

    def met_the_test_set(path, *_):
        met.append(path)
        return scored_model()

    monkeypatch.setattr(examine, "examine_checkpoint", met_the_test_set)
    return met


@pytest.fixture
def run(tmp_path):
    run = RunDirectory.create(tmp_path, "x")
    run.best_model_dir.mkdir()
    run.best_checkpoint.write_bytes(b"weights")
    return run


def test_run_without_a_model_is_not_scored(tmp_path, scorings):
    assert score_winner(PLAN, RunDirectory.create(tmp_path, "x")) is None
    assert scorings == []


def test_winner_meets_the_test_set_once(run, scorings):
    first = score_winner(PLAN, run)
    assert first.accuracy == 0.75
    assert score_winner(PLAN, run) == first
    assert scorings == [run.best_checkpoint]


@pytest.mark.parametrize(
    "name", ["test_report", "test_predictions", "confident_mistakes", "activation_maps"]
)
def test_scoring_that_was_cut_short_is_done_again(run, scorings, name):
    score_winner(PLAN, run)
    path = getattr(run, name)
    path.unlink()
    score_winner(PLAN, run)
    assert len(scorings) == 2
    assert path.exists()
