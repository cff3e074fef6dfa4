from __future__ import annotations

from datetime import timedelta

import pytest
from told_run import ToldRun

from hpo_torch.plugin_api import OutputError
from hpo_torch_server.event_fold import KEPT_ALERTS, EventFold


@pytest.fixture
def run(tmp_path):
    return ToldRun(tmp_path)


def folded(run):
    fold = EventFold(run.directory.events)
    for line in run.directory.events.read_bytes().splitlines(keepends=True):
        fold.hear(line)
    return fold


def test_a_trial_is_open_until_it_has_ended(run):
    run.begin()
    run.start(0)
    run.epoch(0, 1)
    fold = folded(run)
    assert list(fold.open) == [0]
    assert (fold.seq, fold.ended_seq, fold.leader) == (3, 0, None)
    run.end(0, score=0.7)
    run.start(1)
    fold = folded(run)
    assert list(fold.open) == [1]
    assert (fold.ended_seq, fold.leader, dict(fold.counts)) == (4, 0, {"complete": 1})
    assert fold.take_ended() == [0]
    assert fold.take_ended() == []


def test_epochs_are_read_when_they_are_asked_for(run):
    run.begin()
    run.start(0, learning_rate=0.25)
    for epoch, accuracy in ((1, 0.5), (2, 0.75)):
        run.epoch(0, epoch, accuracy, score=accuracy / 2)
    trial = folded(run).open[0]
    assert trial.curve == []
    trial.read(run.directory.events)
    assert [(each.epoch, each.val_accuracy) for each in trial.curve] == [(1, 0.5), (2, 0.75)]
    assert trial.last.score == 0.375
    assert trial.unread == []
    assert trial.started.hyperparameters == {"learning_rate": 0.25}


def test_what_a_later_attempt_trains_again_is_the_later_attempts(run):
    run.begin()
    run.start(0, attempt="a")
    for epoch in (1, 2, 3):
        run.epoch(0, epoch, accuracy=epoch / 10, attempt="a")
    run.retry(0, "a", "b")
    run.start(0, attempt="b", done=1)
    run.epoch(0, 2, accuracy=0.9, attempt="b")
    trial = folded(run).open[0].read(run.directory.events)
    assert [(each.epoch, each.val_accuracy) for each in trial.curve] == [(1, 0.1), (2, 0.9)]
    assert trial.retries == 1
    assert trial.since == "2026-11-25T10:00:02.000+00:00"  # the first attempt's start


def test_who_goes_on_with_a_run_finds_earlier_epochs(run):
    run.begin()
    run.start(0)
    run.epoch(0, 1)
    run.begin(finished=0)  # the first process was killed
    trial = folded(run).open[0]
    assert not trial.training
    run.start(0, done=1)
    run.epoch(0, 2)
    trial = folded(run).open[0].read(run.directory.events)
    assert trial.training
    assert [each.epoch for each in trial.curve] == [1, 2]


@pytest.mark.parametrize("ends", ["training", "study"])
def test_a_trial_that_is_left_for_another_process_trains_no_more(run, ends):
    run.begin()
    run.start(0)
    if ends == "training":
        run.stop_training(0)
    else:
        run.finish("interrupted")
    fold = folded(run)
    assert not fold.open[0].training
    assert (fold.finished is not None) == (ends == "study")


def test_only_the_last_alerts_are_kept(run):
    run.begin()
    for number in range(KEPT_ALERTS + 3):
        run.alert(0, 1, f"alert {number}")
    messages = [each.message for each in folded(run).open[0].alerts]
    assert len(messages) == KEPT_ALERTS
    assert messages[-1] == f"alert {KEPT_ALERTS + 2}"


def test_an_end_that_is_told_again_counts_once(run):
    run.begin()
    run.end(0)
    run.begin(finished=1)
    run.end(0, "pruned")
    fold = folded(run)
    assert +fold.counts == {"pruned": 1}


def test_pauses_are_in_no_span(run):
    run.begin()
    run.start(0)
    run.wait(timedelta(hours=5))
    run.begin()
    run.start(0)
    spans = folded(run).spans
    assert [(last - first).total_seconds() for first, last in spans] == [1.0, 1.0]
    assert EventFold(run.directory.events).spans == []


def test_a_copy_stays_as_it_is(run):
    run.begin()
    run.start(0)
    run.epoch(0, 1)
    run.alert(0, 1, "first")
    fold = folded(run)
    copy = fold.open[0].read(run.directory.events).copy()
    for event in (run.epoch(0, 2), run.alert(0, 2, "second")):
        fold.hear(event.model_dump_json().encode() + b"\n")
    fold.open[0].read(run.directory.events)
    assert [each.epoch for each in copy.curve] == [1]
    assert [each.message for each in copy.alerts] == ["first"]


@pytest.mark.parametrize(
    "line",
    [
        b"{}\n",
        b'{"kind":"study_started"}\n',
        b'{"trial":1,"kind":"trial_finished","state":"complete"}\n',
        b"no json\n",
    ],
)
def test_a_line_that_is_no_event_is_an_error(run, line):
    with pytest.raises(OutputError, match=r"events\.jsonl, line 1: "):
        EventFold(run.directory.events).hear(line)


def test_an_epoch_that_is_no_event_is_an_error_when_it_is_read(run):
    fold = EventFold(run.directory.events)
    fold.hear(b'{"trial":1,"kind":"epoch_finished"}\n')
    with pytest.raises(OutputError, match=r"events\.jsonl, line 1: "):
        fold.open[1].read(fold.path)


def test_a_trial_that_leads_no_more_is_told_apart(run):
    run.begin()
    run.end(0, "failed", None)
    assert folded(run).leader is None
    run.end(12, score=0.5)
    assert folded(run).leader == 12
    run.end(3, score=0.1)
    assert folded(run).leader == 12
