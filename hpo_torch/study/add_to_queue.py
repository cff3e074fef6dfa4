"""More configurations for the queue of a study that has begun, whoever works on it meanwhile."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import optuna

from hpo_torch.data.requests import data_request
from hpo_torch.errors import UsageError
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.database import Database
from hpo_torch.study.journal_file import RunJournal, grouped_writes
from hpo_torch.study.plan import plan_study
from hpo_torch.study.queue_file import enqueue, queue_notes, read_queue
from hpo_torch.study.resume import changed
from hpo_torch.study.shared_study import open_database
from hpo_torch.study.storage import STUDY_NAME, is_begun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from optuna.storages import BaseStorage

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.hooks.registry import Registry


def add_to_queue(path: Path, queue: Path, registry: Registry, note: Callable[[str], None]) -> int:
    """Put the configurations of a file at the end of a run's queue.

    They are trained before what the sampler chooses, as trials among those that are wanted: of a
    run that is complete, when it is resumed with more. The storage is Optuna's own, and made for
    several writers, so the run's lock is not needed.

    Args:
        path: The run's folder.
        queue: A YAML or JSON list of configurations.
        registry: What is installed.
        note: Takes one line about what the sampler cannot learn from.

    Returns:
        How many there were.

    Raises:
        UnknownNameError: There is no such run.
        UsageError: The study has not begun, or a configuration is not possible; none was added.
        StorageError, OutputError: The storage cannot be written; none was added.
    """
    run = RunDirectory.open(path)
    config = changed(run, {})
    if config.execution.storage is None and not is_begun(run):
        raise UsageError(
            f"the study of {run.path} has not begun, so that its queue is still that of "
            "search.enqueue; try again once it has a trial"
        )
    plan = plan_study(config, registry, data_request(config.data), begun=True)
    entries = read_queue(queue, plan.space, plan.fixed)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with ExitStack() as opened:
        storage, name = _storage(run, config, opened)
        study = optuna.load_study(study_name=name, storage=storage)
        with grouped_writes(storage):
            enqueue(study, plan.space, entries)
    for line in queue_notes(plan.space, entries):
        note(line)
    return len(entries)


def _storage(run: RunDirectory, config: RunConfig, opened: ExitStack) -> tuple[BaseStorage, str]:
    """Return where the study is, and its name there."""
    url = config.execution.storage
    if url is None:
        return RunJournal(run.journal), STUDY_NAME
    database = opened.enter_context(closing(Database(url)))
    return open_database(database), str(config.output.name)
