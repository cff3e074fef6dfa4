from __future__ import annotations

import pytest
from trial_words import alert

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.chunk_order import ChunkOrder
from hpo_torch_runpod.wire import dump_line, encode_chunk

JOB = fake_job(0)


def chunk(number, message):
    return encode_chunk(number, [dump_line(alert(JOB, message))])


FIRST, SECOND, THIRD = (chunk(number, f"n{number}") for number in range(3))


def words(lines):
    return [line.message for line in lines]


def test_chunks_in_order_pass():
    order = ChunkOrder()
    assert [words(order.take(each)) for each in (FIRST, SECOND)] == [["n0"], ["n1"]]


def test_early_chunks_wait_and_late_ones_release_them():
    order = ChunkOrder()
    assert order.take(THIRD) == order.take(SECOND) == []
    assert words(order.behind_gap) == ["n1"]
    assert words(order.take(FIRST)) == ["n0", "n1", "n2"]
    assert not order.has_gap


def test_repeated_chunks_are_dropped():
    order = ChunkOrder()
    for each in (FIRST, SECOND):
        order.take(each)
    assert order.take(FIRST) == order.take(SECOND) == []
    assert words(order.take(THIRD)) == ["n2"]


@pytest.mark.parametrize(
    "damaged", [None, 7, {}, {"n": 1}, {"n": 1, "z": "???"}, {"n": 1, "z": "\u00e9"}, "text"]
)
def test_a_damaged_chunk_is_missing_until_it_comes_whole(damaged):
    order = ChunkOrder()
    order.take(FIRST)
    assert order.take(damaged) == []
    assert order.take(THIRD) == []
    assert words(order.take(SECOND)) == ["n1", "n2"]


def test_a_gap_that_nothing_fills_can_be_skipped():
    order = ChunkOrder()
    order.take(THIRD)
    assert words(order.skip_gap()) == ["n2"]
    assert order.skip_gap() == []


def test_a_job_that_runs_again_begins_anew_and_its_first_run_stays_known():
    order = ChunkOrder()
    for each in (FIRST, SECOND):
        order.take(each)
    assert words(order.take(chunk(0, "again"))) == ["again"]
    assert order.restarts == 1
    assert order.take(SECOND) == []  # late, of the first run
    assert words(order.take(chunk(1, "more"))) == ["more"]
