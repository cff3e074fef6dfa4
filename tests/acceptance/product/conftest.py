"""What product tests have in common."""

from __future__ import annotations

import pytest
from found_run import Found


@pytest.fixture
def find(search, request):
    """Search the digits with a small network; returns the finished run."""
    epochs = "2" if request.config.getoption("--quick", default=False) else "4"
    size = ("--fix", "filters=16", "--fix", "hidden_units=64", "--pruner", "none")

    def go(*arguments):
        return Found(search("--min-epochs", "2", "--max-epochs", epochs, *size, *arguments))

    return go
