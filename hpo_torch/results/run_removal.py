"""Removing runs: what would be lost, and away with it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import output_error
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import whole_run_lock

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Loss:
    """What is lost with a run.

    Attributes:
        path: The run's folder.
        trials: Trials whose results it has.
        files: Number of its files.
        size: Theirs, bytes.
        best_model: Whether it has a best model.
    """

    path: Path
    trials: int
    files: int
    size: int
    best_model: bool


def loss_of(path: Path) -> Loss:
    """Say what would be lost with a run, damaged or not.

    Raises:
        UnknownNameError: There is no such folder.
        OutputError: The folder is no run, or cannot be read.
        RunInUseError: A process works on it, or trains one of its trials again.
    """
    run = RunDirectory.open(path)
    if path.is_symlink():
        raise OutputError(f"{path} is a link: remove the run that it leads to, {path.resolve()}")
    with whole_run_lock(path):
        try:
            sizes = [each.lstat().st_size for each in path.rglob("*") if not each.is_dir()]
            trials = len(list(path.glob("trials/*/result.json")))
        except OSError as error:
            raise output_error("read", path, error) from error
    return Loss(path, trials, len(sizes), sum(sizes), run.best_checkpoint.exists())


def remove_run(path: Path) -> None:
    """Remove a run for good.

    Without its config.yaml, which goes first, the folder is no run any more: what an error leaves
    behind is taken for none.

    Raises:
        RunInUseError: A process works on it; nothing was removed.
        OutputError: Something could not be removed; the message says what.
    """
    run = RunDirectory.open(path)
    try:
        with whole_run_lock(path):
            run.config.unlink()
        shutil.rmtree(path)
    except OSError as error:
        raise output_error("remove", path, error) from error
