"""The synthetic runs of tests/plots."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PATH = Path(__file__).parents[1] / "plots" / "conftest.py"
_SPEC = importlib.util.spec_from_file_location("synthetic_runs", _PATH)
_RUNS = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_RUNS)

build_run, make_trial, make_report = _RUNS.build_run, _RUNS._make_trial, _RUNS._make_report
twelve_trials = _RUNS._twelve_trials
