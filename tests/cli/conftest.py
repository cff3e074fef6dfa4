"""The program, run in this process with the installed plugins."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from hpo_torch.cli.app import main


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch, capsys, tmp_path):
    """Run `hpo-torch ARGUMENTS` in an empty folder; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hpo-torch", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The folder of a run of one real, small trial on digits."""
    import small_models  # torch takes seconds to import

    return str(small_models.digits_run(tmp_path_factory.mktemp("digits")).path)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    """The folder of a run of one real, small trial on made-up reviews."""
    import small_models

    return str(small_models.reviews_run(tmp_path_factory.mktemp("reviews")).path)
