"""The study's storage: Optuna's journal file in the run's folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna

from hpo_torch.search.modes import optimises_two
from hpo_torch.study.journal_file import RunJournal, grouped_writes
from hpo_torch.study.patient_storage import database_of
from hpo_torch.study.pruners import make_pruner
from hpo_torch.study.queue_file import enqueue
from hpo_torch.study.samplers import make_sampler
from hpo_torch.study.search_notes import search_notes
from hpo_torch.study.single_engine import SingleEngineLeases
from hpo_torch.study.sql_leases import SqlLeases
from hpo_torch.study.warm_start import warm_start

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.storages import BaseStorage

    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.leases import Leases
    from hpo_torch.study.plan import StudyPlan

STUDY_NAME = "hpo-torch"


def open_storage(run: RunDirectory) -> BaseStorage:
    """Open (or begin) the run's journal; for who holds the run's lock."""
    storage = RunJournal(run.journal)
    storage.file.free_stale_lock()
    return storage


def is_begun(run: RunDirectory) -> bool:
    """Whether the run's study exists: it is written in one piece."""
    return run.journal.exists() and run.journal.stat().st_size > 0


def open_study(
    storage: BaseStorage, plan: StudyPlan, run: RunDirectory, note: Callable[[str], None]
) -> optuna.Study:
    """Open the run's study, or make it with all that it begins with: there is no half-made one.

    Every score is maximised (all are bounded, 0..1), and so is health where it is a second one.
    """
    begun, notes = is_begun(run), []
    with grouped_writes(storage):
        parallel = plan.config.execution.jobs > 1
        study = load_or_create(storage, STUDY_NAME, plan, parallel=parallel)
        if not begun:
            notes = furnish(study, plan, run)
    for line in notes:
        note(line)
    return study


def load_or_create(
    storage: BaseStorage, name: str, plan: StudyPlan, *, parallel: bool
) -> optuna.Study:
    """Open a study with the sampler and pruner that are wanted, or make an empty one."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = plan.config.search
    return optuna.create_study(
        storage=storage,
        study_name=name,
        directions=["maximize"] * (2 if optimises_two(search) else 1),
        sampler=make_sampler(search, plan.space, plan.fixed, parallel=parallel),
        pruner=make_pruner(search, plan.space, plan.fixed),
        load_if_exists=True,
    )


def furnish(study: optuna.Study, plan: StudyPlan, run: RunDirectory) -> list[str]:
    """Give a new study what it begins with: an earlier run's trials, and queued configurations.

    warm_start.json is written before the study counts as begun: whoever finds the study finds it.

    Returns:
        What people should know, in lines.
    """
    notes = []
    if plan.warm_start is not None:
        report = warm_start(study, plan.warm_start)
        run.write_warm_start(report)
        notes += report.lines()
    enqueue(study, plan.space, [*plan.queue, plan.defaults])
    return [*notes, *search_notes(plan)]


def open_leases(study: optuna.Study, wanted: int) -> Leases:
    """Make the leases by which the study's loop knows what is left to do."""
    database = database_of(study)
    if database is not None:
        return SqlLeases(database, study, wanted)
    return SingleEngineLeases(study, wanted)
