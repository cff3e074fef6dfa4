"""Which devices this machine has, and what each worker gets of them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import DeviceUnavailableError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.schema import ExecutionSettings

VISIBLE = "CUDA_VISIBLE_DEVICES"
THREADS = "OMP_NUM_THREADS"
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_DRIVER = Path("/proc/driver/nvidia")


def check_device(settings: ExecutionSettings) -> int:
    """Return how many CUDA devices the trials may use; 0 where they use none.

    torch is imported only where the answer needs it: importing it costs seconds.

    Raises:
        InvalidValueError: `settings.device` is no device name.
        DeviceUnavailableError: The device asked for is absent.
    """
    device = settings.device
    if not _DEVICE.fullmatch(device):
        raise InvalidValueError("device", "auto, cpu, cuda, cuda:N or mps", device)
    if device == "cpu" or (device == "auto" and not nvidia_driver_found()):
        return 0
    if device == "mps":
        _require_mps()
        return 0
    count = _cuda_devices()
    if device == "auto":
        return count
    index = device_index(device)
    if (index or 0) >= count:
        here = f"{count} CUDA device(s)" if count else "no CUDA device"
        raise DeviceUnavailableError(_absent(device, here))
    return count if index is None else 1


def check_jobs(settings: ExecutionSettings, cuda_devices: int) -> None:
    """Refuse more workers than CUDA devices unless sharing is asked for; CPUs are shared anyway.

    Args:
        settings: `jobs` and `oversubscribe`.
        cuda_devices: What `check_device` returned.

    Raises:
        InvalidValueError: Workers would share a device unasked.
    """
    if 0 < cuda_devices < settings.jobs and not settings.oversubscribe:
        devices = f"{cuda_devices} CUDA device" + ("s" if cuda_devices > 1 else "")
        raise InvalidValueError(
            "jobs",
            f"at most {cuda_devices}, one trial for each CUDA device",
            settings.jobs,
            f"Use '--jobs {cuda_devices}', or '--oversubscribe' to let trials share {devices} "
            "and their memory.",
        )


def nvidia_driver_found() -> bool:
    """Say whether an NVIDIA driver seems to be installed, without importing torch."""
    return _DRIVER.exists() or shutil.which("nvidia-smi") is not None


def device_index(device: str) -> int | None:
    """Return N of "cuda:N", None without a number."""
    _, colon, number = device.partition(":")
    return int(number) if colon else None


def cpu_threads(jobs: int) -> int:
    """Return the CPU threads of one of `jobs` workers.

    What OMP_NUM_THREADS says, as of any program that uses torch; else the worker's share of the
    cores that we may run on.
    """
    wanted = os.environ.get(THREADS, "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, cores // jobs)


# How often OpenMP threads look for the others before they sleep. libgomp's default is as fast on a
# quiet machine, but there a step took 994 ms on average (median 221) while two other processes
# kept both cores busy, and 149 ms (median 136) with this; never spinning costs small networks 3x.
SPIN_COUNT = "100000"

# Compiled primitives that oneDNN and torch's own cache over it each keep, one for every shape of
# every layer. Each trial has new shapes: with their default, 1024, a worker grew by 14 MB a trial
# over the first 14 trials, with 128 by nothing from trial 30 to 200 once freed memory goes back to
# the system (benchmarks/worker_memory.py, docs/performance.md). One network needs fewer.
PRIMITIVES = "128"


def worker_environment(
    settings: ExecutionSettings, worker: int, cuda_devices: int, inherited: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment variables that worker number `worker` sets before importing torch.

    Args:
        settings: Device and number of jobs.
        worker: Number of the worker, from 0.
        cuda_devices: What `check_device` returned; workers take the devices in turn.
        inherited: The environment so far; its CUDA_VISIBLE_DEVICES renumbers devices.
    """
    threads = str(cpu_threads(settings.jobs))
    defaults = {
        "GOMP_SPINCOUNT": SPIN_COUNT,
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": PRIMITIVES,
        "LRU_CACHE_CAPACITY": PRIMITIVES,
    }
    environment = {name: inherited.get(name, value) for name, value in defaults.items()}
    environment |= {THREADS: threads, "MKL_NUM_THREADS": threads}
    if cuda_devices:
        index = device_index(settings.device)
        chosen = worker % cuda_devices if index is None else index
        visible = inherited.get(VISIBLE)
        environment[VISIBLE] = visible.split(",")[chosen].strip() if visible else str(chosen)
    return environment


def visible_device(device: str, environment: Mapping[str, str]) -> str:
    """Return the job's device as its worker, which may see one CUDA device only, must name it."""
    return "cuda:0" if device.startswith("cuda") and VISIBLE in environment else device


def _cuda_devices() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _require_mps() -> None:
    import torch

    if not torch.backends.mps.is_available():
        raise DeviceUnavailableError(_absent("mps", "no Apple GPU that torch can use"))


def _absent(device: str, here: str) -> str:
    return (
        f"device '{device}' was asked for, but this machine has {here}. "
        "Use '--device cpu', or '--device auto' for the best one there is."
    )
