"""Listing and explaining must stay instant: no command that only talks imports torch or optuna."""

from __future__ import annotations

import subprocess
import sys

from hpo_torch.testing.import_guard import heavy_imports, help_commands

LISTINGS = [
    ["--version"],
    ["plugins", "list"],
    ["datasets", "list"],
    ["datasets", "show", "digits"],
    ["backends", "list"],
    ["objectives"],
    ["modes"],
    ["samplers"],
    ["samplers", "tpe"],
    ["pruners"],
    ["space", "--dataset", "gtsrb"],
    ["config", "presets"],
    ["config", "show"],
]


def test_help_at_every_level_and_listings_import_nothing_heavy():
    assert heavy_imports([*help_commands(), *LISTINGS]) == {}


def test_a_search_starts_without_what_only_its_workers_or_its_end_need():
    script = (
        "import sys, hpo_torch.study.optimize, hpo_torch.study.resume, hpo_torch.study.session\n"
        "dear = {'lightning', 'matplotlib', 'pandas', 'scipy', 'sklearn', 'torch'}\n"
        "print(sorted(dear & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert done.stdout == "[]\n"
