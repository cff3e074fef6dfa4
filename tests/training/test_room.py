from __future__ import annotations

import subprocess
import sys

import pytest

FRAGMENTED = """
import psutil, torch
from hpo_torch.training.room import give_room_back

def resident():
    return psutil.Process().memory_info().rss / 1e6

before = resident()
# Below glibc's threshold for pages of their own: from the heap, whose end the last one keeps.
large, small = zip(*[(torch.ones(25_000), torch.ones(100)) for _ in range(1000)])
full = resident()
del large
freed = resident()
give_room_back(device_cache=True)
print(full - before, freed - before, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's heap is looked at")
def test_memory_freed_in_the_middle_of_the_heap_goes_back_to_the_system():
    done = subprocess.run(
        [sys.executable, "-c", FRAGMENTED], capture_output=True, check=True, text=True
    )
    full, freed, after = map(float, done.stdout.split())
    assert full == pytest.approx(100, abs=15)  # MB: a thousand times 100 KB
    assert freed > 80  # what `del` alone gives back is not the point of this
    assert after < 20
