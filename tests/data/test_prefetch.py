from __future__ import annotations

import threading
import time

import pytest

from hpo_torch.data.prefetch import prefetch


def test_prefetch_keeps_the_order():
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0.0)
        return item * item

    assert list(prefetch(slow_first, range(6), 3)) == [0, 1, 4, 9, 16, 25]
    assert list(prefetch(slow_first, [], 3)) == []


def test_prefetch_works_ahead_but_no_further():
    made: list[int] = []
    results = prefetch(lambda item: made.append(item) or item, range(100), 3)
    assert next(results) == 0
    deadline = time.monotonic() + 10
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert made == [0, 1, 2, 3]  # the one that was taken, and three more
    results.close()


def test_prefetch_works_on_another_thread():
    (thread,) = prefetch(lambda _: threading.get_ident(), [0], 1)
    assert thread != threading.get_ident()


def test_prefetch_raises_where_the_result_would_have_come():
    results = prefetch(lambda item: 1 // item, [1, 0, 1], 2)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_prefetch_that_is_left_early_ends_its_thread():
    results = prefetch(lambda item: item, range(100), 2)
    next(results)
    results.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("prefetch")]
