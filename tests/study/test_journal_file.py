from __future__ import annotations

import os

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from hpo_torch.errors import OutputError
from hpo_torch.study.journal_file import RunJournal, grouped_writes


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.journal"


def run_trials(storage, count, start=0):
    study = optuna.create_study(
        storage=storage, study_name="s", load_if_exists=True, direction="maximize"
    )
    for number in range(start, start + count):
        with grouped_writes(storage):
            trial = study.ask()
            trial.suggest_float("x", 0, 1)
            trial.suggest_categorical("kind", ["a", "b"])
        trial.report(0.5, 1)
        with grouped_writes(storage):
            trial.set_user_attr("mark", number)
            study.tell(trial, number / 10)
    return study


def snapshot(storage):
    return [
        (t.number, t.state, t.value, t.params, t.user_attrs, t.intermediate_values)
        for t in optuna.load_study(study_name="s", storage=storage).trials
    ]


def test_optunas_own_backend_reads_the_same(path):
    study = run_trials(RunJournal(path), 3)
    assert [trial.value for trial in study.trials] == [0.0, 0.1, 0.2]
    theirs = JournalStorage(JournalFileBackend(str(path)))
    assert snapshot(theirs) == snapshot(RunJournal(path)) == snapshot(study._storage)


def test_what_another_process_writes_is_seen(path):
    ours = RunJournal(path)
    run_trials(ours, 2)
    run_trials(JournalStorage(JournalFileBackend(str(path))), 2, start=2)
    run_trials(ours, 2, start=4)
    assert [row[4]["mark"] for row in snapshot(ours)] == [0, 1, 2, 3, 4, 5]
    assert snapshot(ours) == snapshot(RunJournal(path))


def test_group_is_written_with_one_call(path, monkeypatch):
    storage = RunJournal(path)
    study = run_trials(storage, 1)
    sizes = []
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: sizes.append(len(data)) or real(fd, data))
    with grouped_writes(storage):
        before = path.stat().st_size
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        study.tell(trial, 0.5)
        assert path.stat().st_size == before
    assert len(sizes) == 1
    assert path.stat().st_size == before + sizes[0]
    assert len(path.read_bytes()[before:].splitlines()) == 3


def ask_and_fail(study):
    with grouped_writes(study._storage):
        study.ask().suggest_float("x", 0, 1)
        raise ZeroDivisionError


def test_group_that_fails_inside_leaves_nothing_and_the_storage_goes_on(path):
    storage = RunJournal(path)
    study = run_trials(storage, 2)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError):
        ask_and_fail(study)
    assert path.read_bytes() == before
    assert snapshot(storage) == snapshot(RunJournal(path))
    run_trials(storage, 2, start=2)
    assert [row[:3] for row in snapshot(storage)] == [
        (number, optuna.trial.TrialState.COMPLETE, number / 10) for number in range(4)
    ]
    assert snapshot(storage) == snapshot(JournalStorage(JournalFileBackend(str(path))))


def test_first_group_that_fails_leaves_no_study(path):
    storage = RunJournal(path)

    def fail_inside():
        with grouped_writes(storage):
            optuna.create_study(storage=storage, study_name="s").enqueue_trial({"x": 0.5})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_inside()
    assert path.read_bytes() == b""
    assert optuna.get_all_study_names(storage) == []
    run_trials(storage, 1)
    assert [row[4]["mark"] for row in snapshot(RunJournal(path))] == [0]


@pytest.mark.parametrize("torn", [b'{"op_code": 4', b"{", b"\0" * 70_000])
def test_torn_last_line_is_cut_by_the_next_write(path, torn):
    run_trials(RunJournal(path), 2)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    storage = RunJournal(path)
    assert len(snapshot(storage)) == 2
    run_trials(storage, 1, start=2)
    assert path.read_bytes().startswith(whole + b'{"')
    assert snapshot(storage) == snapshot(JournalStorage(JournalFileBackend(str(path))))


def test_damaged_line_is_named(path):
    run_trials(RunJournal(path), 1)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"oops\n", *lines[2:]]))
    with pytest.raises(OutputError, match=r"study\.journal, line 3"):
        RunJournal(path)


def test_full_disk_leaves_the_file_as_it_was(path, nearly_full_disk):
    storage = RunJournal(path)
    run_trials(storage, 1)
    before = path.read_bytes()
    with nearly_full_disk(), pytest.raises(OutputError, match="No space left on device"):
        run_trials(storage, 1, start=1)
    assert path.read_bytes() == before
    assert snapshot(storage) == snapshot(RunJournal(path))
    run_trials(storage, 1, start=1)


def test_lock_of_a_killed_process_is_removed_and_a_living_ones_is_waited_for(path):
    storage = RunJournal(path)
    lock = path.with_name("study.journal.lock")
    lock.symlink_to(path)
    storage.file.free_stale_lock(patience=0.05)
    assert not os.path.lexists(lock)
    run_trials(storage, 1)
    assert not os.path.lexists(lock)


def test_only_durable_groups_wait_for_the_disk(path, monkeypatch):
    storage = RunJournal(path)
    study = optuna.create_study(storage=storage, study_name="s")
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    trial = study.ask()
    trial.report(0.5, 1)
    with grouped_writes(storage, durable=False):
        study.tell(trial, 0.5)
    assert synced == []
    with grouped_writes(storage):
        study.ask()
    assert len(synced) == 1


def test_operations_are_read_one_after_the_other(path, monkeypatch):
    run_trials(RunJournal(path), 5)
    storage = RunJournal(path)
    parsed = []
    parse = storage.file._parse
    monkeypatch.setattr(storage.file, "_parse", lambda line: parsed.append(line) or parse(line))
    logs = storage.file.read_logs(0)
    next(logs)
    assert len(parsed) == 1
    assert 1 + len(list(logs)) == len(parsed) == len(path.read_bytes().splitlines())


def test_what_a_group_has_written_is_not_parsed_again(path, monkeypatch):
    storage = RunJournal(path)
    study = run_trials(storage, 1)
    parsed = []
    parse = storage.file._parse
    monkeypatch.setattr(storage.file, "_parse", lambda line: parsed.append(line) or parse(line))
    with grouped_writes(storage):
        study.ask().suggest_float("x", 0, 1)
    assert len(study.get_trials(deepcopy=False)) == 2
    assert parsed == []
    JournalStorage(JournalFileBackend(str(path))).set_study_user_attr(study._study_id, "a", 1)
    assert study.user_attrs == {"a": 1}
    assert len(parsed) == 1
