"""What must be true of a run's folder however often its processes were killed on the way."""

from __future__ import annotations

import csv
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

from hpo_torch.data.load import load_prepared
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.protocol.events import EpochFinished, StudyFinished, TrialFinished
from hpo_torch.results.event_log import read_events
from hpo_torch.results.summary import RunView, best_of
from hpo_torch.study.storage import STUDY_NAME, open_storage
from hpo_torch.training.evaluate import confusion_and_loss
from hpo_torch.training.lightning_module import Classifier

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.results.records import TrialResult
    from hpo_torch.results.run_directory import RunDirectory

# Times differ from run to run.
MEASURED_ANEW = {"seconds", "health_seconds"}


def check_whole(path: Path, trials: int) -> None:
    """Check that a run has all its trials, each once, and that all its files agree."""
    view = RunView.open(path)
    assert view.is_complete
    assert [result.trial for result in view.trials] == _numbers(path)
    assert len(view.trials) == trials
    configurations = {json.dumps(t.hyperparameters, sort_keys=True) for t in view.trials}
    assert len(configurations) == trials
    _check_events(path, view.trials)
    _check_storage(view.directory, view.trials)
    _check_table_and_summary(view)
    _check_nothing_is_left(path)
    _check_best_model(view)


def figures(result: TrialResult) -> dict[str, Any]:
    """Return everything of a trial but what is measured by the clock."""
    measured = result.measurements
    return {
        "hyperparameters": result.hyperparameters,
        "seed": result.seed,
        "state": result.state,
        "score": result.score,
        "kept_epoch": result.kept_epoch,
        "epochs": [epoch.model_dump(exclude=MEASURED_ANEW) for epoch in result.epochs],
        "measurements": measured
        and measured.model_dump(exclude={"training_seconds", "inference_seconds"}),
    }


def _numbers(path: Path) -> list[int]:
    return sorted(int(folder.name) for folder in (path / "trials").iterdir())


def _check_events(path: Path, results: list[TrialResult]) -> None:
    events = read_events(path / "events.jsonl")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    for result in results:
        logged = [e for e in events if isinstance(e, EpochFinished) and e.trial == result.trial]
        assert [e.metrics.epoch for e in logged] == list(range(1, len(result.epochs) + 1))
        assert [e.metrics for e in logged] == result.epochs
    ends = Counter(event.trial for event in events if isinstance(event, TrialFinished))
    assert ends == {result.trial: 1 for result in results}
    assert isinstance(events[-1], StudyFinished)


def _check_storage(run: RunDirectory, results: list[TrialResult]) -> None:
    import optuna

    study = optuna.load_study(study_name=STUDY_NAME, storage=open_storage(run))
    assert all(trial.state.is_finished() for trial in study.trials)
    told = {t.number: t for t in study.trials if "rejected" not in t.user_attrs}
    assert list(told) == [result.trial for result in results]
    for result in results:
        trial = told[result.trial]
        if result.state != "pruned":
            assert trial.value == result.score
        assert trial.user_attrs["hyperparameters"] == result.hyperparameters
        assert len(trial.user_attrs["attempts"]) == result.attempts
        assert sorted(trial.intermediate_values) == [e.epoch for e in result.epochs]


def _check_table_and_summary(view: RunView) -> None:
    with view.directory.trials_table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == [result.trial for result in view.trials]
    for row, result in zip(rows, view.trials, strict=True):
        assert row["state"] == result.state
        assert row["score"] == ("" if result.score is None else str(result.score))
    summary, best = view.summary, best_of(view.trials)
    assert summary is not None
    assert best is not None
    assert summary.counts == view.counts
    assert (summary.unfinished, summary.best_trial) == (0, best.trial)
    assert summary.best_score == best.score
    assert view.test_report is not None
    assert summary.test_accuracy == view.test_report.accuracy


def _check_nothing_is_left(path: Path) -> None:
    assert list(path.rglob(".*.tmp")) == []
    assert list(path.glob("trials/*/*.ckpt")) == []
    assert not (path / ".engine.json").exists()
    assert not (path / "study.journal.lock").exists()


def _check_best_model(view: RunView) -> None:
    """Compute the winner's validation accuracy from its saved weights, in float32 as trained."""
    best, config = view.best, view.config
    assert best is not None
    assert best.measurements is not None
    model = Classifier.load_from_checkpoint(view.directory.best_checkpoint, map_location="cpu")
    assert model.hparams["hyperparameters"] == best.hyperparameters
    loader = installed_registry().datasets.load(config.data.dataset)
    cpu = torch.device("cpu")
    source = load_prepared(loader, config.data, config.search.seed, cpu)
    prepared = source.for_trial(best.hyperparameters)
    batches = prepared.data_module(best.hyperparameters, seed=0).val_dataloader()
    confusion, _ = confusion_and_loss(model.network, batches, prepared.num_classes)
    accuracy = float(confusion.diagonal().sum() / confusion.sum())
    assert abs(accuracy - best.measurements.val_accuracy) < 1e-6
