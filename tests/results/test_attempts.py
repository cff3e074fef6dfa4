from __future__ import annotations

from datetime import timedelta

import pytest
from synthetic_study import START, begun, finished, retried, started

from hpo_torch.errors import OutputError
from hpo_torch.protocol.events import AttemptSettled, HealthAlert
from hpo_torch.protocol.usage import RemoteUsage
from hpo_torch.results.attempts import read_attempts
from hpo_torch.results.event_log import EventLog


@pytest.fixture
def log(tmp_path):
    """Return a function that writes (second, event) pairs, and returns their log."""

    def write(*told):
        with EventLog(tmp_path / "events.jsonl") as events:
            for second, event in told:
                moment = (START + timedelta(seconds=second)).isoformat(timespec="milliseconds")
                events.append(event.model_copy(update={"time": moment}))
        return tmp_path / "events.jsonl"

    return write


def rows(attempts):
    return [
        (
            each.trial,
            each.attempt,
            each.worker,
            (each.began - START).total_seconds(),
            (each.ended - START).total_seconds(),
            each.ending,
        )
        for each in attempts.attempts
    ]


def spans(attempts):
    return [tuple((end - START).total_seconds() for end in span) for span in attempts.spans]


def alert(trial, attempt):
    return HealthAlert(trial=trial, attempt=attempt, epoch=1, message='"kind":"trial_finished"')


def test_every_attempt_has_its_worker_times_and_ending(log):
    path = log(
        (0, begun()),
        (1, started(0, "a", "w-0")),
        (2, started(1, "b", "w-1")),
        (5, alert(0, "a")),
        (9, finished(0, "a", "complete")),
        (10, retried(1, "b", "c")),
        (12, started(1, "c", "w-0")),
        (15, finished(1, "c", "pruned")),
    )
    found = read_attempts(path)
    assert rows(found) == [
        (0, "a", "w-0", 1, 9, "complete"),
        (1, "b", "w-1", 2, 10, "retried"),
        (1, "c", "w-0", 12, 15, "pruned"),
    ]
    assert spans(found) == [(0, 15)]


def test_an_interrupted_attempt_ends_where_it_was_last_heard_of(log):
    path = log(
        (0, begun()),
        (1, started(0, "a", "w")),
        (7, alert(0, "a")),
        (100, begun()),
        (101, started(0, "b", "w")),
        (110, finished(0, "b", "complete")),
    )
    found = read_attempts(path)
    assert rows(found) == [(0, "a", "w", 1, 7, "unfinished"), (0, "b", "w", 101, 110, "complete")]
    assert spans(found) == [(0, 7), (100, 110)]


def test_an_attempt_that_is_settled_later_has_not_gone_on_until_then(log):
    usage = RemoteUsage(
        job="j", endpoint="e", tier="t", price_per_second=0.0, price_source="table",
        queue_seconds=0.0, execution_seconds=1.0, cost_lower=0.0, cost_upper=0.0,
    )  # fmt: skip
    path = log(
        (0, begun()),
        (1, started(0, "a", "w")),
        (7, alert(0, "a")),
        (100, begun()),
        (101, AttemptSettled(trial=0, attempt="a", usage=usage)),
    )
    assert rows(read_attempts(path)) == [(0, "a", "w", 1, 7, "unfinished")]


def test_an_end_that_only_the_next_process_told_is_not_stretched_over_the_pause(log):
    path = log(
        (0, begun()),
        (1, started(0, "a", "w")),
        (7, alert(0, "a")),
        (100, begun()),
        (100.5, finished(0, "a", "complete")),
    )
    assert rows(read_attempts(path)) == [(0, "a", "w", 1, 7, "complete")]


def test_a_training_that_outlived_its_process_is_one_attempt(log):
    path = log(
        (0, begun()),
        (1, started(0, "a", "w")),
        (100, begun()),
        (101, started(0, "a", "w")),
        (110, finished(0, "a", "complete")),
    )
    assert rows(read_attempts(path)) == [(0, "a", "w", 1, 110, "complete")]


def test_what_never_began_to_train_has_no_worker_and_no_length(log):
    path = log((0, begun()), (4, retried(0, "a", "b")), (9, finished(0, "b", "failed")))
    assert rows(read_attempts(path)) == [
        (0, "a", None, 4, 4, "retried"),
        (0, "b", None, 9, 9, "failed"),
    ]


def test_a_torn_last_line_is_no_event(log):
    path = log((0, begun()), (1, started(0, "a", "w")), (9, finished(0, "a", "complete")))
    path.write_bytes(path.read_bytes()[:-1])
    assert rows(read_attempts(path)) == [(0, "a", "w", 1, 1, "unfinished")]


def test_without_a_log_there_are_no_attempts(tmp_path):
    found = read_attempts(tmp_path / "events.jsonl")
    assert (found.attempts, found.spans) == ([], [])


def test_an_unreadable_log_is_an_output_error(tmp_path):
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"events\.jsonl"):
        read_attempts(tmp_path / "events.jsonl")
