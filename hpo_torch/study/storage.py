"""The study's storage: Optuna's journal file in the run's folder."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from hpo_torch.study.pruners import make_pruner
from hpo_torch.study.samplers import make_sampler

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.config.schema import SearchSettings

STUDY_NAME = "hpo-torch"


def open_storage(journal: Path) -> JournalStorage:
    """Open (or begin) a journal file.

    Symbolic links, Optuna's default lock, need a privilege on Windows; there the lock is a file
    opened exclusively.
    """
    lock = JournalFileOpenLock(str(journal)) if sys.platform == "win32" else None
    return JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))


def create_study(journal: Path, settings: SearchSettings, *, parallel: bool) -> optuna.Study:
    """Create the run's study; every score is maximised (all are bounded, 0..1)."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=open_storage(journal),
        study_name=STUDY_NAME,
        direction="maximize",
        sampler=make_sampler(settings, parallel=parallel),
        pruner=make_pruner(settings),
    )
