"""Where a model's checkpoint lies: in a run, in a folder of one model, or named itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.errors import OutputError, UnknownNameError
from hpo_torch.results.found_paths import file_there, folder_there
from hpo_torch.results.run_paths import CONFIG_FILE, RunPaths, run_names
from hpo_torch.results.summary import RunView

if TYPE_CHECKING:
    from pathlib import Path

CHECKPOINT = "model.ckpt"


def find_checkpoint(path: Path) -> Path:
    """Return the checkpoint that a path stands for.

    Args:
        path: A run's folder (its best model), a folder with a model.ckpt (best_model, a trial of
            the front, a retrained trial), or a checkpoint.

    Raises:
        UnknownNameError: There is no such path; the message lists the runs beside it.
        OutputError: There is no model; the message says why.
    """
    if file_there(path):
        return path
    if not folder_there(path):
        beside = run_names(path.parent) if folder_there(path.parent) else []
        raise UnknownNameError("run or model", path.name, beside)
    for candidate in (RunPaths(path).best_checkpoint, path / CHECKPOINT):
        if file_there(candidate):
            return candidate
    raise OutputError(_why_none(path))


def run_of(path: Path) -> RunView | None:
    """Return the run whose best model a path stands for; None where it is another model's."""
    # "." has no parent until it is resolved.
    folder = (path.parent if file_there(path) else path).resolve()
    for candidate in (folder, folder.parent):
        is_run = file_there(candidate / CONFIG_FILE)
        if is_run and find_checkpoint(path).resolve() == _best(candidate):
            return RunView.open(candidate)
    return None


def _best(run: Path) -> Path:
    return RunPaths(run).best_checkpoint.resolve()


def _why_none(path: Path) -> str:
    if not file_there(path / CONFIG_FILE):
        return f"{path} holds no model: expected a run's folder, or one with a {CHECKPOINT}"
    summary = RunView.open(path).summary
    if summary is not None and summary.weights_elsewhere is not None:
        return f"{path} lacks its best model's weights, which are in {summary.weights_elsewhere}"
    return f"{path} holds no model: no trial of this run has completed"
