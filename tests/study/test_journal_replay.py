from __future__ import annotations

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from hpo_torch.study import journal_replay
from hpo_torch.study.journal_file import RunJournal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.journal"


def run_trials(storage, count, name="s"):
    study = optuna.create_study(storage=storage, study_name=name, load_if_exists=True)
    for _ in range(count):
        trial = study.ask()
        trial.suggest_float("rate", 1e-4, 1.0, log=True)
        trial.suggest_int("width", 8, 64)
        if trial.suggest_categorical("optimizer", ["adam", "sgd"]) == "sgd":
            trial.suggest_float("momentum", 0.0, 1.0)
        study.tell(trial, 0.5)
    return study


def trials_of(storage, name="s"):
    return optuna.load_study(study_name=name, storage=storage).get_trials()


def test_trials_are_those_of_optunas_own_replay(path):
    theirs = JournalStorage(JournalFileBackend(str(path)))
    run_trials(theirs, 10)
    run_trials(RunJournal(path), 10)
    run_trials(theirs, 5)
    known = trials_of(JournalStorage(JournalFileBackend(str(path))))
    assert len(known) == 25
    assert trials_of(RunJournal(path)) == known
    assert [list(trial.params) for trial in trials_of(RunJournal(path))] == [
        list(trial.params) for trial in known
    ]


def test_each_distribution_is_read_once(path, monkeypatch):
    run_trials(RunJournal(path), 20)
    read = []
    monkeypatch.setattr(
        journal_replay.JournalStorageReplayResult,
        "_apply_set_trial_param",
        lambda self, log, real=journal_replay.JournalStorageReplayResult._apply_set_trial_param: (
            read.append(log["param_name"]) or real(self, log)
        ),
    )
    trials = trials_of(RunJournal(path))
    assert sorted(read) == ["momentum", "optimizer", "rate", "width"]
    assert len({trial.params["rate"] for trial in trials}) == 20


def test_studies_of_one_journal_have_their_own_distributions(path):
    storage = RunJournal(path)
    run_trials(storage, 2, "s")
    other = optuna.create_study(storage=storage, study_name="other")
    trial = other.ask()
    assert trial.suggest_categorical("width", ["narrow", "wide"]) in ("narrow", "wide")
    (read,) = trials_of(RunJournal(path), "other")
    assert set(read.params) == {"width"}


def test_another_kind_of_distribution_is_refused_as_optuna_does(path):
    storage = RunJournal(path)
    study = run_trials(storage, 3)
    trial = study.ask()
    for _ in range(2):  # the second time, too
        with pytest.raises(ValueError, match="Cannot set different distribution kind"):
            storage.set_trial_param(trial._trial_id, "width", 1.0, FloatDistribution(0.0, 1.0))
    storage.set_trial_param(trial._trial_id, "width", 9.0, IntDistribution(8, 64))
    assert trials_of(storage) == trials_of(JournalStorage(JournalFileBackend(str(path))))


def test_a_finished_trial_is_not_changed(path):
    storage = RunJournal(path)
    run_trials(storage, 1)
    before = trials_of(storage)
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_param(before[0]._trial_id, "width", 9.0, IntDistribution(8, 64))
    assert trials_of(storage) == before


def test_a_record_that_somebody_holds_stays_as_it_is(path):
    storage = RunJournal(path)
    study = run_trials(storage, 1)
    trial = study.ask()
    (held,) = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,))
    storage.set_trial_param(trial._trial_id, "width", 9.0, IntDistribution(8, 64))
    assert held.params == {}
