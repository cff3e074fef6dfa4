from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hpo_torch.data.memory import free_memory, memory_limit

CPU = torch.device("cpu")


def test_memory_limit_is_in_billions_of_bytes():
    assert memory_limit(CPU, 1.5) == 1_500_000_000
    assert memory_limit(CPU, 0.0) == 0


def test_memory_limit_is_half_of_what_is_free_by_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hpo_torch.data.memory.free_memory", lambda _: 1001)
    assert memory_limit(CPU, None) == 500


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="needs Linux")
def test_free_memory_is_what_the_kernel_says():
    lines = Path("/proc/meminfo").read_text().splitlines()
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    # other processes come and go
    assert free_memory(CPU) == pytest.approx(1024 * kilobytes["MemAvailable"], rel=0.2)
