from __future__ import annotations

import stat
import sys

import pytest

from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.errors import DeviceUnavailableError
from hpo_torch_local import readiness as module
from hpo_torch_local.readiness import cuda_names, readiness

posix = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Put a stand-in for nvidia-smi, which prints or fails, into the path."""

    def install(script):
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    return install


def test_cpu_is_ready():
    found = readiness(ExecutionSettings(device="cpu"))
    assert (found.ready, found.reason) == (True, "CPU")


@pytest.mark.parametrize(
    ("count", "names", "reason"),
    [
        (1, ["NVIDIA L4"], "1 CUDA device (NVIDIA L4)"),
        (2, ["NVIDIA L4", "NVIDIA L4"], "2 CUDA devices (NVIDIA L4)"),
        (2, ["NVIDIA L4", "NVIDIA H200"], "2 CUDA devices (NVIDIA L4, NVIDIA H200)"),
        (1, [], "1 CUDA device"),
    ],
)
def test_cuda_devices_are_counted_and_named(monkeypatch, count, names, reason):
    monkeypatch.setattr(module, "check_device", lambda settings: count)
    monkeypatch.setattr(module, "cuda_names", lambda: names)
    assert readiness(ExecutionSettings()).reason == reason


def test_absent_device_is_not_ready(monkeypatch):
    def absent(settings):
        raise DeviceUnavailableError("no CUDA device")

    monkeypatch.setattr(module, "check_device", absent)
    found = readiness(ExecutionSettings(device="cuda"))
    assert (found.ready, found.reason) == (False, "no CUDA device")


@posix
def test_names_are_what_the_driver_prints(driver):
    driver('[ "$1" = --query-gpu=name ] && printf "NVIDIA L4\\nNVIDIA H200\\n"')
    assert cuda_names() == ["NVIDIA L4", "NVIDIA H200"]


@posix
def test_driver_that_fails_names_nothing(driver):
    driver("exit 9")
    assert cuda_names() == []
