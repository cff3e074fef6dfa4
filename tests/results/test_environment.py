from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from hpo_torch.results.environment import describe_environment, package_versions


def test_describe_environment_reports_this_machine():
    environment = describe_environment(["cpu"])
    assert environment.python == platform.python_version()
    assert environment.devices == ["cpu"]
    assert environment.cpu
    assert 1 <= environment.cores <= os.cpu_count()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/meminfo")
def test_memory_is_what_the_kernel_says():
    first = Path("/proc/meminfo").read_text().splitlines()[0]
    assert describe_environment([]).memory_bytes == 1024 * int(first.split()[1])


def test_package_versions_are_those_installed_and_only_those():
    versions = package_versions()
    assert versions["torch"] == importlib.metadata.version("torch")
    assert all(importlib.metadata.version(name) == version for name, version in versions.items())


def test_results_do_not_import_torch():
    script = (
        "import sys, hpo_torch.results.environment as e, hpo_torch.results.catalogue; "
        "e.describe_environment([]); "
        "sys.exit(any(name in sys.modules for name in ('torch', 'optuna', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
