"""Leases on a real server, taken at once by threads, and by processes that are killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter

from lease_engine import Engine, hold, work

from hpo_torch.study.leases import Lease


def test_six_threads_finish_sixty_slots_exactly_once(database_url):
    finished: list[int] = []
    threads = [
        threading.Thread(target=lambda: finished.extend(work(database_url, 60))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(finished) == Counter(range(60))
    last = Engine(database_url, 60)
    assert [trial.number for trial in last.study.trials] == list(range(60))
    last.stop()


def test_a_killed_process_is_succeeded_by_exactly_one_engine(database_url):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold, args=(database_url, ready))
    holder.start()
    assert ready.wait(60)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    heirs = [Engine(database_url, 1) for _ in range(4)]
    taken: list[tuple[int, Lease]] = []

    def succeed(index: int) -> None:
        while not taken:
            if lease := heirs[index].leases.take():
                taken.append((index, lease))

    threads = [threading.Thread(target=succeed, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [lease for _, lease in taken] == [Lease(0, 0)]
    assert [heir.leases.take() for heir in heirs] == [None] * 4
    assert heirs[taken[0][0]].finish(0)
    for heir in heirs:
        heir.stop()
