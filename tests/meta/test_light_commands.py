"""Listing and explaining must stay instant: no command that only talks imports torch or optuna."""

from __future__ import annotations

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
