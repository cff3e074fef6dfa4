"""Where a run ran: machine, Python and package versions; found without importing torch."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from pathlib import Path

from hpo_torch.protocol.measurements import Frozen

PACKAGES = (
    "hpo-torch",
    "torch",
    "torchvision",
    "lightning",
    "optuna",
    "numpy",
    "scikit-learn",
    "pydantic",
    "matplotlib",
)
"""The packages whose versions change results."""


class Environment(Frozen):
    """environment.json.

    Attributes:
        cores: CPU cores that this process may use.
        memory_bytes: Physical memory; None where the system does not tell.
        devices: What trials trained on, as their workers reported it ("NVIDIA H100").
        packages: Version by package name; packages that are not installed are absent.
    """

    system: str
    python: str
    cpu: str
    cores: int
    memory_bytes: int | None
    devices: list[str]
    packages: dict[str, str]


def describe_environment(devices: list[str]) -> Environment:
    """Look at this machine; `devices` are the workers' own words."""
    return Environment(
        system=platform.platform(),
        python=platform.python_version(),
        cpu=_cpu_model(),
        cores=_usable_cores(),
        memory_bytes=_memory_bytes(),
        devices=devices,
        packages=package_versions(),
    )


def package_versions() -> dict[str, str]:
    """Return the installed version of each of `PACKAGES`, from the distributions' metadata."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _cpu_model() -> str:
    try:
        listing = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        listing = ""
    found = re.search(r"^model name\s*:\s*(.+)$", listing, re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _usable_cores() -> int:
    # Only Linux knows which cores a process is bound to.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_bytes() -> int | None:
    # Windows has no sysconf.
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
