from __future__ import annotations

import pytest
from trial_words import alert

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.chunk_order import ChunkOrder
from hpo_torch_runpod.wire import dump_line, encode_chunk

JOB = fake_job(0)


def chunk(number, message, run="a"):
    return encode_chunk(run, number, [dump_line(alert(JOB, message))])


FIRST, SECOND, THIRD = (chunk(number, f"n{number}") for number in range(3))


def words(heard):
    return [line.message for line in heard.lines]


@pytest.fixture
def order():
    return ChunkOrder()


def test_chunks_in_order_pass(order):
    assert [words(order.take(each)) for each in (FIRST, SECOND)] == [["n0"], ["n1"]]
    assert order.restarts == 0


def test_early_chunks_wait_and_late_ones_release_them(order):
    assert words(order.take(THIRD)) == words(order.take(SECOND)) == []
    assert words(order.behind_gap) == ["n1"]
    assert words(order.take(FIRST)) == ["n0", "n1", "n2"]
    assert not order.has_gap


def test_repeated_chunks_are_dropped(order):
    for each in (FIRST, SECOND):
        order.take(each)
    assert words(order.take(FIRST)) == words(order.take(SECOND)) == []
    assert words(order.take(THIRD)) == ["n2"]


@pytest.mark.parametrize(
    "damaged",
    [
        *(None, 7, {}, "text", {"r": "a", "n": 1}, {"n": 1, "z": SECOND["z"]}),
        *({"r": "a", "n": 1, "z": letters} for letters in ("???", "\u00e9")),
    ],
)
def test_a_damaged_chunk_is_missing_until_it_comes_whole(order, damaged):
    order.take(FIRST)
    assert words(order.take(damaged)) == []
    assert words(order.take(THIRD)) == []
    assert words(order.take(SECOND)) == ["n1", "n2"]


def test_a_gap_that_nothing_fills_can_be_skipped(order):
    order.take(THIRD)
    assert words(order.skip_gap()) == ["n2"]
    assert words(order.skip_gap()) == []


def test_a_job_that_runs_again_begins_anew(order):
    for each in (FIRST, SECOND):
        order.take(each)
    heard = order.take(chunk(0, "again", "b"))
    assert (heard.run, words(heard), order.restarts) == ("b", ["again"], 1)
    assert words(order.take(SECOND)) == []  # repeated, of the first run
    assert words(order.take(chunk(1, "more", "b"))) == ["more"]


def test_late_chunks_of_a_lost_worker_are_not_its_successors(order):
    order.take(FIRST)
    order.take(chunk(0, "again", "b"))
    late = order.take(SECOND)  # has the number that the new run's next one has too
    assert (late.run, words(late)) == ("a", ["n1"])
    after = order.take(chunk(1, "more", "b"))
    assert (after.run, words(after), order.restarts) == ("b", ["more"], 1)


def test_two_runs_that_say_the_same_are_two(order):
    assert words(order.take(FIRST)) == ["n0"]
    assert words(order.take(chunk(0, "n0", "b"))) == ["n0"]
    assert order.restarts == 1


def test_what_a_lost_worker_left_out_is_nothing_to_wait_for(order):
    order.take(FIRST)
    order.take(THIRD)
    assert order.has_gap
    order.take(chunk(0, "again", "b"))
    assert not order.has_gap
    order.take(chunk(2, "ahead", "b"))
    assert words(order.behind_gap) == ["ahead"]
    # Unless it was not lost after all, and its aggregate has everything.
    assert words(order.take(SECOND)) == ["n1", "n2"]
