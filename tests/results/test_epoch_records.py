from __future__ import annotations

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import EpochFinished, HealthAlert, TrialRetried, TrialStarted
from hpo_torch.results.epoch_records import EpochRecords
from hpo_torch.results.event_log import EventLog


@pytest.fixture
def finished(measurements, make_epoch):
    """Return a function that makes an epoch of an attempt, told apart by its training loss."""

    def make(attempt, epoch, loss=0.5):
        return EpochFinished(
            trial=0,
            attempt=attempt,
            epochs=8,
            metrics=make_epoch(epoch, train_loss=loss),
            so_far=measurements,
        )

    return make


def retried(attempt, next_attempt):
    return TrialRetried(
        trial=0,
        attempt=attempt,
        failure_kind="worker_died",
        message="",
        next_attempt=next_attempt,
    )


def write(path, *events):
    with EventLog(path) as log:
        return [log.append(event) for event in events]


def losses(epochs):
    return {event.metrics.epoch: event.metrics.train_loss for event in epochs}


def test_epochs_of_a_trial_are_those_of_its_attempt(tmp_path, finished, make_trial):
    log = tmp_path / "events.jsonl"
    alert = HealthAlert(trial=0, attempt="a", epoch=1, message='"kind":"epoch_finished"')
    first, _, _, second = write(
        log, finished("a", 1), alert, finished("other", 1), finished("a", 2)
    )
    assert EpochRecords(log).of(make_trial(attempt="a")) == [first, second]


def test_epochs_before_retries_belong_to_the_trial(tmp_path, finished, make_trial):
    log = tmp_path / "events.jsonl"
    write(
        log,
        finished("a", 1, 0.1),
        retried("a", "b"),
        retried("b", "c"),
        finished("c", 2, 0.2),
        finished("elsewhere", 3, 0.9),
    )
    records = EpochRecords(log)
    assert losses(records.of(make_trial(attempt="c"))) == {1: 0.1, 2: 0.2}
    assert losses(records.of(make_trial(attempt="a"))) == {1: 0.1}


def test_what_a_later_attempt_trained_again_is_its_own_from_there_on(
    tmp_path, finished, make_trial
):
    log = tmp_path / "events.jsonl"
    write(
        log,
        *[finished("a", epoch, 0.1) for epoch in (1, 2, 3, 4)],
        retried("a", "b"),
        finished("b", 2, 0.2),
        finished("b", 3, 0.3),
    )
    # The fourth epoch went another way than the third that led to the result.
    assert losses(EpochRecords(log).of(make_trial(attempt="b"))) == {1: 0.1, 2: 0.2, 3: 0.3}


def test_attempts_that_name_each_other_end(tmp_path, finished, make_trial):
    log = tmp_path / "events.jsonl"
    write(log, retried("a", "b"), retried("b", "a"), finished("a", 1, 0.1), finished("b", 2, 0.2))
    assert losses(EpochRecords(log).of(make_trial(attempt="b"))) == {1: 0.1, 2: 0.2}


def test_torn_last_line_is_no_epoch_yet(tmp_path, finished, make_trial):
    log = tmp_path / "events.jsonl"
    write(log, finished("a", 1, 0.1), finished("a", 2, 0.2))
    log.write_bytes(log.read_bytes()[:-1])
    assert losses(EpochRecords(log).of(make_trial(attempt="a"))) == {1: 0.1}


def test_several_logs_are_one_and_missing_ones_are_passed_over(tmp_path, finished, make_trial):
    first, second = tmp_path / "events.jsonl", tmp_path / "confirmation.jsonl"
    write(first, finished("a", 1, 0.1))
    write(second, finished("b", 1, 0.2))
    records = EpochRecords(tmp_path / "missing.jsonl", first, second)
    assert losses(records.of(make_trial(attempt="a"))) == {1: 0.1}
    assert losses(records.of(make_trial(attempt="b"))) == {1: 0.2}
    assert records.of(make_trial(attempt="c")) == []


def test_log_is_indexed_once(tmp_path, finished, make_trial):
    log = tmp_path / "events.jsonl"
    write(log, finished("a", 1, 0.1))
    records = EpochRecords(log)
    write(log, finished("a", 2, 0.2))
    for _ in range(2):
        assert losses(records.of(make_trial(attempt="a"))) == {1: 0.1}
    log.unlink()
    with pytest.raises(OutputError, match=r"events\.jsonl"):
        records.of(make_trial(attempt="a"))


def test_unreadable_log_is_an_output_error(tmp_path):
    log = tmp_path / "events.jsonl"
    log.mkdir()
    with pytest.raises(OutputError, match=r"events\.jsonl"):
        EpochRecords(log)


def test_line_that_is_no_epoch_is_an_output_error_that_names_it(tmp_path, finished, make_trial):
    log = tmp_path / "events.jsonl"
    write(log, finished("a", 1))
    with log.open("ab") as file:
        file.write(b'{"trial":0,"attempt":"a","kind":"epoch_finished"}\n')
    with pytest.raises(OutputError, match=r"events\.jsonl, line 2"):
        EpochRecords(log).of(make_trial(attempt="a"))


def started(attempt, done):
    return TrialStarted(
        trial=0,
        attempt=attempt,
        worker="w",
        device="cpu",
        precision="32-true",
        hyperparameters={},
        parameters=1,
        epochs=8,
        epochs_done=done,
    )


def test_epochs_before_an_interruption_belong_to_the_trial(tmp_path, finished, make_trial):
    # Who resumes a search takes an interrupted trial up with a new attempt, and announces no retry.
    log = tmp_path / "events.jsonl"
    write(log, started("a", 0), finished("a", 1, 0.1), finished("a", 2, 0.2))
    write(log, started("b", 2), finished("b", 3, 0.3))
    records = EpochRecords(log)
    assert losses(records.of(make_trial(attempt="b"))) == {1: 0.1, 2: 0.2, 3: 0.3}
    ended_without_another_epoch = tmp_path / "ended.jsonl"
    write(ended_without_another_epoch, finished("a", 1, 0.1), started("b", 1))
    records = EpochRecords(ended_without_another_epoch)
    assert losses(records.of(make_trial(attempt="b"))) == {1: 0.1}


def test_logs_number_their_own_trials(tmp_path, finished, make_trial):
    search, confirmation = tmp_path / "events.jsonl", tmp_path / "confirmation.jsonl"
    write(search, finished("a", 1, 0.1))
    write(confirmation, finished("b", 1, 0.5), finished("b", 2, 0.4))
    records = EpochRecords(search, confirmation)
    assert losses(records.of(make_trial(attempt="a"))) == {1: 0.1}
    assert losses(records.of(make_trial(attempt="b"))) == {1: 0.5, 2: 0.4}
