from __future__ import annotations

import inspect
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import hpo_torch
from hpo_torch.api import search
from hpo_torch.config.schema import RunConfig
from hpo_torch.errors import InvalidValueError, UnknownNameError, UsageError
from hpo_torch.protocol.events import StudyStarted
from hpo_torch.results.run_directory import RunDirectory

BEGUN = StudyStarted(
    run="runs/x", dataset="digits", mode="health", objective="val_accuracy", trials=2, backend="b"
)


@pytest.fixture
def searched(monkeypatch, tmp_path):
    """Take the search's place: it says that it began, and returns a folder. Holds what it got."""
    got = {}

    def begin(config, registry, audience):
        got.update(config=config, audience=audience)
        for listener in audience.listeners:
            listener(BEGUN)
        return RunDirectory(tmp_path / "runs" / "x")

    monkeypatch.setattr("hpo_torch.study.optimize.optimize", begin)
    return got


def test_import_is_light():
    heavy = "('torch', 'lightning', 'optuna', 'matplotlib', 'pandas', 'pydantic', 'rich')"
    script = f"import sys, hpo_torch; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_package_offers_its_functions_and_nothing_else():
    for name in hpo_torch.__all__:
        assert getattr(hpo_torch, name)
        assert name in dir(hpo_torch)
    with pytest.raises(AttributeError, match="has no attribute 'optimise'"):
        _ = hpo_torch.optimise


def test_options_and_settings_become_the_configuration(searched, tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_TORCH_SEARCH_SEED", "7")
    monkeypatch.setenv("HPO_TORCH_SEARCH_TRIALS", "8")
    file = tmp_path / "c.yaml"
    file.write_text("search: {trials: 9, timeout: 60}\n")
    result = hpo_torch.optimize(
        config=file,
        settings={"search.trials": 4, "training": {"patience": 3}},
        dataset="mnist",
        trials=5,
        epochs=2,
        fix={"activation": "relu"},
        output_dir=tmp_path,
        progress=False,
    )
    config = searched["config"]
    assert (config.data.dataset, config.output.dir) == ("mnist", str(tmp_path))
    # Option over settings over environment over file over default.
    assert (config.search.trials, config.search.seed, config.search.timeout) == (5, 7, 60)
    assert (config.search.min_epochs, config.search.max_epochs) == (2, 2)
    assert (config.training.patience, config.search.fix) == (3, {"activation": "relu"})
    assert result.run == tmp_path / "runs" / "x"


def test_unknown_names_and_impossible_values_are_told_before_anything_begins(searched):
    with pytest.raises(UnknownNameError, match=r"option 'trails'.*'trials'"):
        hpo_torch.optimize(trails=5)
    with pytest.raises(UnknownNameError, match=r"option 'setings'.*'settings'"):
        hpo_torch.optimize(setings={})
    with pytest.raises(UnknownNameError, match=r"setting 'search\.trails'.*'search\.trials'"):
        hpo_torch.optimize(settings={"search.trails": 5})
    with pytest.raises(InvalidValueError, match=r"search\.trials"):
        hpo_torch.optimize(trials=0)
    with pytest.raises(UsageError, match="cannot be read"):
        hpo_torch.optimize(config="none.yaml")
    assert searched == {}


def test_callbacks_hear_events_and_progress_is_plain_lines(searched, capsys):
    heard = []
    hpo_torch.optimize(callbacks=[heard.append])
    assert heard == [BEGUN]
    assert "run folder: runs/x" in capsys.readouterr().out
    hpo_torch.optimize(callbacks=[heard.append], progress=False)
    assert heard == [BEGUN, BEGUN]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("progress", [True, False])
def test_warnings_go_to_the_logger(searched, caplog, progress):
    hpo_torch.optimize(progress=progress)
    with caplog.at_level(logging.WARNING, "hpo_torch"):
        searched["audience"].warn("3 files were left out")
    assert [record.message for record in caplog.records] == ["3 files were left out"]


def test_resume_hands_on_what_is_to_change(monkeypatch, tmp_path):
    got = []

    def go_on(path, changes, registry, audience):
        got.append((path, dict(changes)))
        return RunDirectory(path)

    monkeypatch.setattr("hpo_torch.study.resume.resume", go_on)
    result = hpo_torch.resume(str(tmp_path), trials=100, settings={"execution": {"jobs": 2}})
    assert got == [(tmp_path, {"execution.jobs": 2, "search.trials": 100})]
    assert result.run == tmp_path


def test_home_is_meant_by_a_tilde(monkeypatch):
    got = []

    def go_on(path, changes, registry, audience):
        got.append(path)
        return RunDirectory(path)

    monkeypatch.setattr("hpo_torch.study.resume.resume", go_on)
    hpo_torch.resume("~/runs/x", progress=False)
    assert got == [Path.home() / "runs" / "x"]
    run = RunDirectory.create(Path.home(), "x")
    run.write_config(RunConfig())
    assert hpo_torch.open_run("~/x").run == run.path


def test_own_arguments_are_no_options():
    parameters = inspect.signature(search.optimize).parameters
    assert {name for name in parameters if name != "options"} == set(search._OWN)
    assert not set(search._OWN) & set(search.OPTIONS)
