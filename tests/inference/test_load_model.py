from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import hpo_torch
from hpo_torch.errors import OutputError, UnknownNameError
from hpo_torch.inference.find_checkpoint import find_checkpoint, run_of
from hpo_torch.results.run_directory import RunDirectory


def test_run_folder_and_checkpoint_are_the_same_model(digits_run):
    folder = digits_run.path
    for path in (folder, folder / "best_model", folder / "best_model" / "model.ckpt"):
        assert find_checkpoint(path) == digits_run.best_checkpoint
        assert run_of(path).name == "run"
    trial = digits_run.trial_dir(0)
    assert find_checkpoint(trial) == trial / "model.ckpt"
    assert run_of(trial) is None  # not the run's best model, though the same weights
    assert repr(hpo_torch.load_model(str(folder))) == (
        "<TrainedModel: classifies images as one of 10 classes on cpu>"
    )


def test_run_is_known_from_inside(digits_run, monkeypatch):
    monkeypatch.chdir(digits_run.path / "best_model")
    for inside in (".", "model.ckpt", ".."):
        assert run_of(Path(inside)).name == "run"
    monkeypatch.chdir(digits_run.trial_dir(0))
    assert run_of(Path()) is None


@pytest.mark.parametrize("name", ["x" * 300, f"{'x' * 300}/run"])
def test_path_longer_than_names_can_be_is_an_unknown_model(tmp_path, name):
    with pytest.raises(UnknownNameError, match="unknown run or model"):
        find_checkpoint(tmp_path / name)


def test_what_holds_no_model_is_told(digits_run, tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown run or model 'runn'\. Did you mean 'run'"):
        hpo_torch.load_model(digits_run.path.with_name("runn"))
    with pytest.raises(OutputError, match=r"holds no model: expected a run's folder, or one with"):
        hpo_torch.load_model(tmp_path)
    new = RunDirectory.create(tmp_path, "new")
    new.config.write_text("{}")
    with pytest.raises(OutputError, match="no trial of this run has completed"):
        hpo_torch.load_model(new.path)


def test_file_that_is_no_classifier_is_told(tmp_path):
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(OutputError, match="is no checkpoint that can be read"):
        hpo_torch.load_model(path)
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(OutputError, match=r"of hpo-torch .*: it has no 'hyper_parameters'"):
        hpo_torch.load_model(path)


def test_importing_hpo_torch_imports_no_torch():
    code = "import sys, hpo_torch; print('torch' in sys.modules, hpo_torch.load_model.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "load_model"]
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = hpo_torch.nothing
