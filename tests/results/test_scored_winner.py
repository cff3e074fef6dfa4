from __future__ import annotations

import pytest
from scored_model import scored_model

from hpo_torch.results.architecture import Architecture
from hpo_torch.results.records import read_record
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.scored_winner import is_scored

OF_EVERY_NETWORK = {
    "test_report.json",
    "test_predictions.npz",
    "confident_mistakes.npz",
    "architecture.json",
}


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create(tmp_path, "x")


@pytest.mark.parametrize("convolutional", [True, False])
def test_everything_is_written_and_then_the_model_is_scored(run, convolutional):
    assert not is_scored(run)
    scored = scored_model(convolutional=convolutional)
    scored.write(run)
    assert is_scored(run)
    more = {"activation_maps.npz"} if convolutional else set()
    written = {path.name for path in run.best_model_dir.iterdir()}
    assert written == OF_EVERY_NETWORK | more | {"labels.json"}
    assert read_record(run.architecture, Architecture) == scored.architecture


@pytest.mark.parametrize("name", sorted(OF_EVERY_NETWORK | {"activation_maps.npz"}))
def test_model_that_lacks_a_file_is_not_scored(run, name):
    scored_model().write(run)
    (run.best_model_dir / name).unlink()
    assert not is_scored(run)


def test_report_is_written_last(run, monkeypatch):
    monkeypatch.setattr(RunDirectory, "write_test_report", lambda *_: pytest.fail("reached"))
    with pytest.raises(pytest.fail.Exception):
        scored_model().write(run)
    left = {path.name for path in run.best_model_dir.iterdir()}
    assert left == (OF_EVERY_NETWORK | {"activation_maps.npz"}) - {"test_report.json"}


def test_another_winner_drops_what_scoring_left(run, tmp_path, make_trial):
    scored_model().write(run)
    weights = tmp_path / "weights"
    weights.write_bytes(b"others")
    run.keep_best_model(make_trial(1), weights)
    assert not any(path.exists() for path in (*run.scored_files, run.activation_maps))
