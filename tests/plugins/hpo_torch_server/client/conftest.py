"""A stand-in for the server, connections that wait for little, and the program itself."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest
from standin_api import standin_api

from hpo_torch.cli.app import main
from hpo_torch_server.client.connection import Connection
from hpo_torch_server.client.target import Target


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def served():
    """The stand-in and its URL."""
    with standin_api() as pair:
        yield pair


@pytest.fixture
def api(served):
    """The stand-in."""
    return served[0]


@pytest.fixture
def url(served):
    """The stand-in's address."""
    return served[1]


@pytest.fixture
def connection(url):
    """A connection to the stand-in that repeats at once."""
    with Connection(Target(url, "hpt_1_secret"), patience=5.0, first_wait=0.01) as made:
        yield made


@pytest.fixture
def cli(monkeypatch, capsys, tmp_path):
    """Run `hpo-torch ARGUMENTS` in an empty folder; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["hpo-torch", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run
