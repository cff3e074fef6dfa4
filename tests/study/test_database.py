"""A database that is away, refuses us, or never was there: on a real server."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager

import optuna
import pytest
import sqlalchemy
from sqlalchemy.exc import OperationalError, ProgrammingError

from hpo_torch.errors import InvalidValueError, MissingDependencyError, StorageError
from hpo_torch.study.database import Database, patiently
from hpo_torch.study.patient_storage import PatientStorage


@pytest.fixture
def database(database_url):
    made = Database(database_url)
    yield made
    made.close()


def new_study(database):
    return optuna.create_study(storage=PatientStorage(database), study_name="shared")


def run_trials(study, count):
    """Use everything of Optuna's storage that a study uses."""
    for _ in range(count):
        trial = study.ask()
        trial.suggest_float("x", 0.0, 1.0)
        trial.set_user_attr("hyperparameters", {"x": 1})
        trial.report(0.5, 1)
        study.tell(trial, 0.5)


def test_database_refuses_a_url_of_another_kind():
    with pytest.raises(InvalidValueError, match="postgresql://"):
        Database("mysql://db/studies")


def test_database_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpo-torch\[postgresql\]'"):
        Database("postgresql://ann:sesame@127.0.0.1:1/studies")


def test_database_names_a_server_that_cannot_be_reached_without_the_password():
    shown = r"^postgresql://ann@127\.0\.0\.1:1/studies .*refused"
    with pytest.raises(StorageError, match=shown) as info:
        Database("postgresql://ann:sesame@127.0.0.1:1/studies")
    assert "sesame" not in str(info.value)


def test_database_says_that_a_password_is_wrong_without_showing_it(database_url):
    wrong = database_url.replace("open-sesame", "abracadabra")
    with pytest.raises(StorageError, match=r"password authentication failed.*PGPASSWORD") as info:
        Database(wrong)
    assert "abracadabra" not in str(info.value)


def test_database_takes_the_password_from_the_environment(database_url, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "open-sesame")
    Database(database_url.replace(":open-sesame", "")).close()


def test_patient_storage_outlasts_cut_connections(postgres, database):
    study = new_study(database)
    for _ in range(5):
        run_trials(study, 2)
        postgres.cut_connections()
    run_trials(study, 1)
    assert [trial.value for trial in study.trials] == [0.5] * 11


def test_patient_storage_outlasts_a_server_that_is_restarted_meanwhile(postgres, database):
    study = new_study(database)
    run_trials(study, 3)
    postgres.stop()
    worker = threading.Thread(target=run_trials, args=(study, 3))
    worker.start()
    worker.join(timeout=1.0)
    assert worker.is_alive()
    postgres.start()
    worker.join()
    assert [trial.value for trial in study.trials] == [0.5] * 6


def test_tell_after_a_lost_answer_is_content(database, monkeypatch):
    study = new_study(database)
    trial = study.ask()
    original = optuna.storages.RDBStorage.set_trial_state_values
    calls = []

    def answer_lost_once(*args, **options):
        calls.append(args)
        result = original(*args, **options)
        if len(calls) == 1:
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))
        return result

    monkeypatch.setattr(optuna.storages.RDBStorage, "set_trial_state_values", answer_lost_once)
    study.tell(trial, 0.5)
    assert len(calls) == 2
    assert study.trials[0].value == 0.5


def test_telling_a_finished_trial_is_still_refused(database):
    study = new_study(database)
    trial = study.ask()
    study.tell(trial, 0.5)
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        study._storage.set_trial_state_values(trial._trial_id, optuna.trial.TrialState.FAIL)


def test_patiently_gives_up_with_the_reason():
    def away():
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    with pytest.raises(StorageError, match=r"away for 0 seconds: connection refused\. Nothing is"):
        patiently(away, patience=0.0)


def test_patiently_repeats_nothing_that_is_wrong_itself(database):
    calls = []

    def wrong():
        calls.append(1)
        with database.engine.begin() as connection:
            connection.execute(sqlalchemy.text("SELECT * FROM nowhere"))

    with pytest.raises(ProgrammingError, match="nowhere"):
        patiently(wrong)
    assert calls == [1]


def test_alone_lets_one_engine_in_at_a_time(database):
    inside, most = [], []

    def enter():
        with database.alone("test"):
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=enter) for _ in range(4)]
    with database.alone("test"):
        for thread in threads:
            thread.start()
        threads[0].join(timeout=0.2)
        assert not most
    for thread in threads:
        thread.join()
    assert most == [1] * 4


def test_alone_survives_losing_its_connection(postgres, database):
    with database.alone("test"):
        postgres.cut_connections()
    with database.alone("test"):
        pass


def test_alone_outlasts_a_server_that_is_restarted_meanwhile(postgres, database):
    entered = []

    def enter():
        with database.alone("test"):
            entered.append(1)

    enter()
    postgres.stop()
    worker = threading.Thread(target=enter)
    worker.start()
    worker.join(timeout=1.0)
    assert worker.is_alive()
    postgres.start()
    worker.join()
    assert entered == [1, 1]


def lose_first_answer(database, monkeypatch):
    begin, calls = database.engine.begin, []

    @contextmanager
    def lossy():
        with begin() as connection:
            yield connection
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))

    monkeypatch.setattr(database.engine, "begin", lossy)
    return calls


def test_queued_trial_is_ours_though_the_answer_was_lost(database, monkeypatch):
    study = new_study(database)
    study.enqueue_trial({"x": 0.25})
    study.enqueue_trial({"x": 0.75})
    calls = lose_first_answer(database, monkeypatch)
    trial = study.ask()
    assert (trial.number, trial.suggest_float("x", 0, 1), len(calls)) == (0, 0.25, 2)
    assert [each.state.name for each in study.trials] == ["RUNNING", "WAITING"]
    assert study.trials[0].datetime_start is not None


def test_queued_trial_that_another_engine_took_is_not_ours(database, monkeypatch):
    study = new_study(database)
    study.enqueue_trial({"x": 0.25})
    (waiting,) = study.get_trials(deepcopy=False)
    other = optuna.load_study(study_name="shared", storage=PatientStorage(database))
    assert other.ask().number == 0
    running = optuna.trial.TrialState.RUNNING
    assert not study._storage.set_trial_state_values(waiting._trial_id, running)
