"""Trials that another engine has finished when the study's loop comes to them."""

from __future__ import annotations

import optuna
from sqlalchemy import text

from hpo_torch.study.patient_storage import PatientStorage
from hpo_torch.study.trial_marks import NEVER_BEGUN, reject

SCRIPT = [[0.5, 0.6], [0.2, 0.3, 0.4], [0.6, 0.9]]


def shared(database):
    storage = PatientStorage(database)
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def test_a_lease_of_a_trial_that_was_rejected_already_is_used_for_another(engine, database):
    engine("first", interrupts=(4,))
    study = shared(database)
    stray = study.ask()
    reject(study, stray, NEVER_BEGUN)
    lease = {"study": study._study_id, "trial": stray.number}
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO hpo_torch_leases VALUES (:study, 2, :trial, NULL, NULL, 'open')"),
            lease,
        )
    second = engine("second", [*SCRIPT, [0.7]], trials=3)
    assert [trial.state.name for trial in shared(database).trials] == [
        "COMPLETE",
        "COMPLETE",
        "FAIL",
        "COMPLETE",
    ]
    assert second.states == {0: "complete", 1: "complete", 3: "complete"}


def test_a_trial_that_was_told_by_others_while_its_lease_is_ours_is_let_be(engine, database):
    def tell(poll):
        if poll == 2:
            shared(database).tell(0, 0.7)

    done = engine("late", [[0.1, 0.2, 0.3]], on_poll=tell)
    assert done.warnings == ["trial 0 belongs to another engine by now"]
    assert [trial.value for trial in shared(database).trials] == [0.7]
    assert done.results == []
