from __future__ import annotations

import os
import subprocess
import sys

import pytest
from import_times import Import, foreign, foreign_table, packages_table, read_imports
from start_up import OWN_REPORT, first_epoch, has_epoch, table, time_command

REPORT = """\
import time: self [us] | cumulative | imported package
import time:    100000 |     100000 |     numpy.core
import time:    200000 |     300000 |   numpy
import time:     50000 |     350000 | hpo_torch.data
a warning of somebody's
import time:     70000 |      70000 |   json
import time:     30000 |     100000 | hpo_torch.data.load
import time:    500000 |     500000 | optuna
"""


def test_imports_know_who_asked_for_them():
    assert read_imports(REPORT) == [
        Import("numpy.core", 0.1, 0.1, "numpy"),
        Import("numpy", 0.2, 0.3, "hpo_torch.data"),
        Import("hpo_torch.data", 0.05, 0.35, ""),
        Import("json", 0.07, 0.07, "hpo_torch.data.load"),
        Import("hpo_torch.data.load", 0.03, 0.1, ""),
        Import("optuna", 0.5, 0.5, ""),
    ]


def test_what_the_product_asks_of_others_is_sorted_by_what_it_brings():
    found = foreign(read_imports(REPORT))
    assert [each.module for each in found] == ["optuna", "numpy", "json"]
    assert foreign_table(found, rows=2).splitlines()[2:] == [
        "| optuna | main module or a function | 500 |",
        "| numpy | hpo_torch.data | 300 |",
    ]


def test_packages_are_summed_without_what_they_import():
    assert packages_table(read_imports(REPORT), rows=2).splitlines()[2:] == [
        "| all | 6 | 950 |",
        "| optuna | 1 | 500 |",
        "| numpy | 2 | 300 |",
    ]


def test_a_real_report_is_read_from_a_file_of_the_process(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(OWN_REPORT)
    (tmp_path / "outer_made.py").write_text("import inner_made, time; time.sleep(0.05)")
    (tmp_path / "inner_made.py").write_text("import time; time.sleep(0.1)")
    variables = {"PYTHONPATH": str(tmp_path), "PYTHONPROFILEIMPORTTIME": "1"}
    command = [sys.executable, "-c", "import os, outer_made; print(os.getpid())"]
    environment = os.environ | variables
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    (report,) = tmp_path.glob("imports-*")
    assert report.name == f"imports-{ended.stdout.strip()}"
    imports = {each.module: each for each in read_imports(report.read_text())}
    outer, inner = imports["outer_made"], imports["inner_made"]
    assert (outer.by, inner.by) == ("", "outer_made")
    assert outer.own >= 0.05
    assert inner.own >= 0.1
    assert outer.whole >= 0.15


def measured(bare, imports, first):
    optimize = {"study": 1.0, "trial": 2.0, "epoch": 0.5, "end": 9.0}
    cpu = {"program_cpu": 1.5, "worker_cpu": 2.5, "cpu": 4.0}
    return {
        "bare": {"wall": bare, "cpu": 0.02},
        "help": {"wall": 0.3, "cpu": 0.25},
        "imports": {"wall": imports, "cpu": 2.0},
        "optimize": {**optimize, **cpu, "wall": first},
    }


ROUNDS = [measured(0.02, 2.0, 3.0), measured(0.04, 4.0, 5.0), measured(0.03, 3.0, 3.0)]


def test_first_epoch_is_compared_by_rounds():
    assert first_epoch(ROUNDS).ratios == pytest.approx([1.5, 1.25, 1.0])


def test_table_shows_seconds_and_ratios_to_importing():
    lines = table(ROUNDS).splitlines()
    assert lines[0].startswith("| n = 3 |")
    assert (
        "| ... to the first epoch's end | 3.00 (3.00 - 5.00) | 4.00 (4.00 - 4.00) "
        "| 1.25 (1.00 - 1.50) | 2.00 (2.00 - 2.00) |"
    ) in lines
    assert (
        "| ... of that, the worker | - | 2.50 (2.50 - 2.50) | - | 1.25 (1.25 - 1.25) |"
    ) in lines
    assert (
        "| an interpreter | 0.03 (0.02 - 0.04) | 0.02 (0.02 - 0.02) "
        "| 0.01 (0.01 - 0.01) | 0.01 (0.01 - 0.01) |"
    ) in lines


def test_the_first_epoch_is_seen_in_the_log(tmp_path):
    log = tmp_path / "events.jsonl"
    assert not has_epoch(log)
    log.write_text('{"seq":1,"kind":"trial_started"}\n')
    assert not has_epoch(log)
    log.write_text('{"seq":1,"kind":"trial_started"}\n{"seq":2,"kind":"epoch_finished"}\n')
    assert has_epoch(log)


def test_a_command_is_timed_with_its_cpu(tmp_path):
    busy = "import time\nwhile time.process_time() < 0.2: pass"
    figures = time_command([sys.executable, "-c", busy], tmp_path)
    assert figures["cpu"] >= 0.2
    assert figures["wall"] > 0.1


def test_a_command_that_sleeps_takes_time_but_no_cpu(tmp_path):
    figures = time_command([sys.executable, "-S", "-c", "import time; time.sleep(1)"], tmp_path)
    assert figures["wall"] >= 1.0
    assert figures["cpu"] < figures["wall"]


def test_a_command_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match=r"exit code 1 .*\]\nno such luck"):
        time_command([sys.executable, "-c", "raise SystemExit('no such luck')"], tmp_path)
