from __future__ import annotations

import pytest
from trial_words import alert, brief, epoch, finished, started

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.follower import Follower
from hpo_torch_runpod.received_files import ReceivedFiles
from hpo_torch_runpod.wire import Claimed, dump_line, encode_chunk

JOB, OTHER = fake_job(0), fake_job(1)


def chunks(*lines, run="a"):
    """Return one chunk a line, numbered from 0."""
    return [encode_chunk(run, number, [dump_line(line)]) for number, line in enumerate(lines)]


@pytest.fixture
def follower():
    made = Follower(ReceivedFiles(lambda *_: None))
    made.adopt(JOB)
    return made


WHOLE = chunks(started(JOB), epoch(JOB, 1), alert(JOB), epoch(JOB, 2), finished(JOB))
WORDS = ["started", 1, "dying units", 2]


def progress(follower, job=JOB):
    return follower.attempts[job.attempt]


def test_events_in_order_and_the_last_word_apart(follower):
    assert brief(follower.take(WHOLE)) == WORDS
    assert progress(follower).finished.outcome == "completed"


def test_chunks_in_any_order_and_repeated_give_the_same(follower):
    events = follower.take([WHOLE[3], WHOLE[0], WHOLE[0]]) + follower.take(WHOLE[::-1])
    assert brief(events + follower.take(WHOLE)) == WORDS


def test_a_job_that_runs_again_tells_only_what_is_new(follower):
    first = follower.take(WHOLE[:2])
    again = chunks(started(JOB), epoch(JOB, 1), epoch(JOB, 2), finished(JOB), run="b")
    assert brief(first + follower.take(again)) == ["started", 1, 2]
    assert (follower.restarts, progress(follower).run) == (1, "b")


def test_late_words_of_a_lost_worker_are_told_once_and_hide_nothing_of_the_next_one(follower):
    again = chunks(started(JOB), epoch(JOB, 1), epoch(JOB, 2), finished(JOB), run="b")
    told = follower.take([WHOLE[0], again[0], WHOLE[1], again[1], again[2], WHOLE[2], again[3]])
    assert brief(told) == ["started", 1, 2, "dying units"]
    assert progress(follower).run == "b"
    assert progress(follower).lost == ""


def test_a_worker_that_was_lost_too_early_has_the_last_word_where_it_comes_first(follower):
    again = chunks(started(JOB), epoch(JOB, 1), run="b")
    follower.take([*WHOLE[:2], *again, *WHOLE[2:]])
    assert (progress(follower).run, progress(follower).finished.outcome) == ("a", "completed")


def test_what_the_study_knew_before_is_not_told_again():
    follower = Follower(ReceivedFiles(lambda *_: None))
    follower.adopt(JOB.model_copy(update={"known_epochs": 1}))
    assert brief(follower.take(WHOLE)) == ["started", "dying units", 2]


def test_a_gap_of_known_epochs_is_skipped_at_once():
    follower = Follower(ReceivedFiles(lambda *_: None))
    follower.adopt(JOB.model_copy(update={"known_epochs": 1}))
    assert brief(follower.take(WHOLE[3:4])) == [2]


def test_a_gap_with_an_unknown_epoch_waits_for_the_aggregate(follower):
    assert brief(follower.take([WHOLE[0], WHOLE[3]])) == ["started"]
    assert brief(follower.take(WHOLE)) == WORDS[1:]
    assert progress(follower).lost == ""


def test_a_gap_that_may_hold_another_trials_end_waits():
    follower = Follower(ReceivedFiles(lambda *_: None))
    for job in (JOB, OTHER):
        follower.adopt(job)
    said = chunks(started(JOB), finished(JOB), started(OTHER), epoch(OTHER, 1))
    assert brief(follower.take([said[0], said[3]])) == ["started"]
    assert brief(follower.take(said)) == ["started", 1]
    assert progress(follower).finished is not None


def test_what_never_came_is_lost_and_later_epochs_are_not_told(follower):
    follower.take([WHOLE[0], WHOLE[3]])
    assert brief(follower.give_up_gaps()) == []
    assert "missing" in progress(follower).lost


def test_an_epoch_that_follows_none_is_lost_too(follower):
    events = follower.take(chunks(started(JOB), epoch(JOB, 2), epoch(JOB, 1)))
    assert brief(events) == ["started"]
    assert progress(follower).lost == "epoch 2 arrived after epoch 0"


def test_nothing_counts_after_the_last_word(follower):
    more = chunks(started(JOB), finished(JOB), epoch(JOB, 1), finished(JOB, "stopped"))
    assert brief(follower.take(more)) == ["started"]
    assert progress(follower).finished.outcome == "completed"


def test_a_claim_leads_to_another_job(follower):
    assert follower.take(chunks(Claimed(attempt=JOB.attempt, by="first"))) == []
    assert progress(follower).claimed_by == "first"


def test_an_attempt_adopted_late_gets_what_was_said_of_it(follower):
    follower.take(chunks(started(OTHER), epoch(OTHER, 1), finished(OTHER)))
    assert brief(follower.adopt(OTHER)) == ["started", 1]
    assert progress(follower, OTHER).finished is not None


def test_seconds_between_are_the_workers(follower):
    follower.take(WHOLE)
    assert progress(follower).seconds_since("2026-11-28T10:00:01.500+00:00") == 1.5
