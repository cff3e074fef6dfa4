"""The program as its user runs it: in a process of its own, in an empty folder."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "hpo_torch.cli.app"]


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def run(self) -> Path:
        """The run's folder, as --quiet prints it."""
        return Path(self.out.strip().splitlines()[-1])


@pytest.fixture
def hpo_torch(tmp_path):
    """Run `hpo-torch ARGUMENTS` to its end."""

    def go(*arguments, timeout=240):
        done = subprocess.run(
            [*PROGRAM, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return go


@pytest.fixture
def search(hpo_torch, tmp_path):
    """Search the digits briefly with `--quiet`; returns the run's folder."""

    def go(*arguments):
        small = ("--quiet", "--output-dir", "runs", "--set", "health.probe_size=64")
        result = hpo_torch("optimize", *small, *arguments)
        assert result.code == 0, result.err
        return tmp_path / result.run

    return go
