"""Optuna's database storage, each call of which outlasts a server that is away for a while."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import text
from sqlalchemy.orm import scoped_session, sessionmaker
from sqlalchemy.pool import NullPool

from hpo_torch.study.database import CONNECT_ARGUMENTS, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import optuna

    from hpo_torch.study.database import Database


# Optuna's own statements, in one: repeated, it finds its own work, which the microsecond tells from
# another engine's.
_POP = text(
    """
    UPDATE trials SET state = 'RUNNING', datetime_start = :moment
    WHERE trial_id = :trial
        AND (state = 'WAITING' OR (state = 'RUNNING' AND datetime_start = :moment))
    """
)


def _patient(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **options: Any) -> Any:
        return patiently(lambda: method(*args, **options))

    return call


class PatientStorage(RDBStorage):
    """RDBStorage whose calls are tried again while the server is away.

    A call may take effect although its answer is lost; repeated, each of them is harmless: values
    are set again, a parameter is there already, and a trial that was created twice is one more
    that nobody works on, which the study's end tidies up.

    Attributes:
        database: Where it is.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        # Optuna fills str.format fields of a URL.
        url = database.url.replace("{", "{{").replace("}", "}}")
        options = {"poolclass": NullPool, "connect_args": CONNECT_ARGUMENTS}
        super().__init__(url, engine_kwargs=options)
        # From here on with the database's connections, which it closes.
        self.engine = database.engine
        self.scoped_session = scoped_session(sessionmaker(bind=self.engine))

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Set them; finding the trial finished after a lost answer means that they are set.

        A waiting trial that is to run goes to one engine, which knows it after a lost answer, too:
        else nobody would train it.
        """
        if state == TrialState.RUNNING:
            return self._pop(trial_id)
        tries = 0

        def call() -> bool:
            nonlocal tries
            tries += 1
            try:
                return super(PatientStorage, self).set_trial_state_values(trial_id, state, values)
            except UpdateFinishedTrialError:
                if tries > 1 and self.get_trial(trial_id).state == state:
                    return True
                raise

        return patiently(call)

    def _pop(self, trial_id: int) -> bool:
        values = {"trial": trial_id, "moment": datetime.now()}

        def call() -> bool:
            with self.engine.begin() as connection:
                return connection.execute(_POP, values).rowcount == 1

        return patiently(call)

    create_new_study = _patient(RDBStorage.create_new_study)
    set_study_user_attr = _patient(RDBStorage.set_study_user_attr)
    set_study_system_attr = _patient(RDBStorage.set_study_system_attr)
    get_study_id_from_name = _patient(RDBStorage.get_study_id_from_name)
    get_study_name_from_id = _patient(RDBStorage.get_study_name_from_id)
    get_study_directions = _patient(RDBStorage.get_study_directions)
    get_study_user_attrs = _patient(RDBStorage.get_study_user_attrs)
    get_study_system_attrs = _patient(RDBStorage.get_study_system_attrs)
    get_all_studies = _patient(RDBStorage.get_all_studies)
    get_trial_id_from_study_id_trial_number = _patient(
        RDBStorage.get_trial_id_from_study_id_trial_number
    )
    set_trial_intermediate_value = _patient(RDBStorage.set_trial_intermediate_value)
    set_trial_user_attr = _patient(RDBStorage.set_trial_user_attr)
    set_trial_system_attr = _patient(RDBStorage.set_trial_system_attr)
    get_trial = _patient(RDBStorage.get_trial)
    # Optuna's cache in front of the storage calls these.
    _create_new_trial = _patient(RDBStorage._create_new_trial)
    _set_trial_param = _patient(RDBStorage._set_trial_param)
    _get_best_trial_id = _patient(RDBStorage._get_best_trial_id)
    _get_trials = _patient(RDBStorage._get_trials)


def database_of(study: optuna.Study) -> Database | None:
    """Return the database of a shared study; None for one that only this engine can have."""
    # Optuna puts a cache between a study and a database.
    storage = getattr(study._storage, "_backend", None)
    return storage.database if isinstance(storage, PatientStorage) else None


def exclusively(study: optuna.Study) -> AbstractContextManager[None]:
    """Keep the other engines of a shared study from doing something at the same time."""
    database = database_of(study)
    return nullcontext() if database is None else database.alone(f"study {study.study_name}")
