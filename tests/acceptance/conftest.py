"""The program as its user runs it: in a process of its own, in an empty folder."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "hpo_torch.cli.app"]
PRIORITIES = ("critical", "high", "medium", "low")
TIMEOUT = 400  # seconds; a quiet machine needs a tenth


def pytest_addoption(parser):
    group = parser.getgroup("product tests")
    group.addoption(
        "--priority", choices=PRIORITIES, help="product tests of this priority, or a higher one"
    )
    group.addoption("--test", metavar="T017", help="this product test only")
    group.addoption("--quick", action="store_true", help="product tests with fewer epochs")
    group.addoption("--stop-on-failure", action="store_true", help="the first failure ends it")


def pytest_configure(config):
    if config.getoption("--stop-on-failure", default=False):
        config.option.maxfail = 1


def pytest_collection_modifyitems(config, items):
    """Leave out what `--priority` or `--test` does not ask for; give programs time to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TIMEOUT))
    priority = config.getoption("--priority", default=None)
    number = config.getoption("--test", default=None)
    if priority is None and number is None:
        return
    wanted = PRIORITIES[: PRIORITIES.index(priority or "low") + 1]
    marks = {item: item.get_closest_marker("product") for item in items}
    chosen = [
        item
        for item, mark in marks.items()
        if mark is not None and mark.args[1] in wanted and number in {None, mark.args[0]}
    ]
    if not chosen:
        known = ", ".join(sorted(mark.args[0] for mark in marks.values() if mark is not None))
        raise pytest.UsageError(f"no product test {number} of priority {priority}; known: {known}")
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


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
    """Search the digits briefly with `--quiet`; returns the run's folder.

    Pictures take longer than such a search: who wants them says `--plots best`.
    """

    def go(*arguments):
        small = ("--quiet", "--output-dir", "runs", "--set", "health.probe_size=64")
        small += ("--plots", "none")
        result = hpo_torch("optimize", *small, *arguments)
        assert result.code == 0, result.err
        return tmp_path / result.run

    return go
