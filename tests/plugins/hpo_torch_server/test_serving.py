"""A server gives way to the trainings beside it, and to those that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from hpo_torch_server.serving import NICENESS, give_way

PRINT_NICENESS = (sys.executable, "-c", "import os; print(os.nice(0))")


def niceness():
    return os.getpriority(os.PRIO_PROCESS, 0)  # of the calling thread


def niceness_of_a_process():
    return int(subprocess.run(PRINT_NICENESS, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities on Linux only")
def test_the_server_gives_way_and_jobs_of_an_earlier_thread_do_not():
    usual = niceness()

    def serve(supervisor):
        give_way()
        with ThreadPoolExecutor(1) as later:
            found = [niceness(), later.submit(niceness).result()]
        return [*found, supervisor.submit(niceness_of_a_process).result()]

    with ThreadPoolExecutor(1) as supervisor, ThreadPoolExecutor(1) as server:
        assert supervisor.submit(niceness).result() == usual  # its thread has been started
        found = server.submit(serve, supervisor).result()
    assert found == [min(usual + NICENESS, 19), min(usual + NICENESS, 19), usual]
    assert niceness() == usual
