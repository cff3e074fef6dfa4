"""The synthetic runs of tests/plots, and pages of them without pictures, which take long."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hpo_torch.reporting.page import page
from hpo_torch.results.summary import RunView

_PATH = Path(__file__).parents[1] / "plots" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("synthetic_runs", _PATH)
_RUNS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_RUNS)

build_run, make_trial, make_report = _RUNS.build_run, _RUNS._make_trial, _RUNS._make_report
twelve_trials = _RUNS._twelve_trials


@pytest.fixture
def page_of():
    """Return a function: (run, drawings) -> HTML."""

    def render(run, drawings=()):
        view = RunView(run)
        return page(view, drawings, view.summary)

    return render
