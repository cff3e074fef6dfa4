"""A study that several engines work on, through a database."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import optuna
import sqlalchemy

from hpo_torch.errors import InvalidValueError, StorageError
from hpo_torch.study.agreement import SETTINGS, check_agreement, settings_that_matter
from hpo_torch.study.database import Database, cause
from hpo_torch.study.elsewhere import fetch_results, fetch_winner
from hpo_torch.study.patient_storage import PatientStorage
from hpo_torch.study.standings import Standings
from hpo_torch.study.storage import furnish, load_or_create

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.plan import StudyPlan
    from hpo_torch.study.workplace import Workplace


def check_shared_study(url: str, config: RunConfig) -> bool:
    """Check that the database can be used, and that the study, if it is there, is the one meant.

    Returns:
        Whether the study is there, with its queue and earlier trials.

    Raises:
        InvalidValueError: The URL is no database's, or winners are to be confirmed.
        MissingDependencyError: The database's driver is not installed.
        StorageError: The server cannot be reached, or refuses us.
        UsageError: The study was begun with other settings.
    """
    if config.search.confirm:
        raise InvalidValueError(
            "search.confirm",
            "0 in a study that engines share",
            config.search.confirm,
            "Train the best trials again when the study is complete: hpo-torch retrain.",
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    name = config.output.name
    with closing(Database(url)) as database:
        storage = open_database(database)
        if name in optuna.get_all_study_names(storage):
            study = optuna.load_study(study_name=name, storage=storage)
            if SETTINGS in study.user_attrs:
                _check(study, config)
                return True
    return False


def open_shared_study(
    database: Database, plan: StudyPlan, run: RunDirectory, note: Callable[[str], None]
) -> optuna.Study:
    """Open the study named in the run's settings, or make it with all that it begins with.

    Engines do so one at a time. What is written last says that the study is whole.

    Raises:
        StorageError, UsageError: As for `check_shared_study`.
    """
    storage = open_database(database)
    notes: list[str] = []
    with database.alone("new study"):
        # A run that shares its study has the study's name in its settings; see `optimize`.
        study = load_or_create(storage, str(plan.config.output.name), plan, parallel=True)
        if SETTINGS in study.user_attrs:
            _check(study, plan.config)
        else:
            notes = furnish(study, plan, run)
            study.set_user_attr(SETTINGS, settings_that_matter(plan.config))
    for line in notes:
        note(line)
    return study


def open_database(database: Database) -> PatientStorage:
    """Make Optuna's tables if need be, by one engine at a time.

    Raises:
        StorageError: We may not, or another version of Optuna has made them.
    """
    try:
        with database.alone("tables"):
            return PatientStorage(database)
    except (sqlalchemy.exc.SQLAlchemyError, RuntimeError) as error:
        raise StorageError(f"{database.shown} cannot hold a study: {cause(error)}") from error


def gather(place: Workplace) -> tuple[Workplace, str | None]:
    """Complete a run's folder by what the other engines of its study found.

    Returns:
        The place with all engines' standings, and where the winner's weights are if they cannot be
        reached from here; best_model/ is empty then.
    """
    study, run = place.study, place.run
    search = place.plan.config.search
    place = replace(place, standings=Standings(search, fetch_results(study, run)))
    best = place.standings.best
    if best is None:
        return place, None
    run.write_best(best, place.plan.config)
    away = fetch_winner(study, best, run)
    if away is None:
        return place, None
    latest = Standings(search, fetch_results(study, run)).best
    if latest is not None and latest.trial != best.trial:  # found since, by an engine at work
        return gather(place)
    run.drop_best_model()
    weights = f"{away.host}:{away.run.best_checkpoint}"
    place.warn(
        f"the winner, trial {best.trial}, was trained by another engine, whose folder cannot be "
        f"read from here: its weights are in {weights}"
    )
    return place, weights


def _check(study: optuna.Study, config: RunConfig) -> None:
    theirs = study.user_attrs[SETTINGS]
    check_agreement(study.study_name, settings_that_matter(config), theirs)
