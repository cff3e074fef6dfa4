"""docs/runpod.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hpo_torch_runpod.costs import bounds, longest_bill
from hpo_torch_runpod.prices import GIGABYTE, TABLE_DATE, table_prices
from hpo_torch_runpod.submission import TRIAL_SECONDS

TEXT = (Path(__file__).parents[3] / "docs" / "runpod.md").read_text(encoding="utf-8")


def test_the_table_of_tiers_is_the_fallback_table():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| ([\d.]+) \| ([\d.]+) \|$", TEXT, re.MULTILINE)
    assert {
        tier: (int(memory), float(second), float(hour)) for tier, memory, second, hour in rows
    } == {
        name: (tier.memory_bytes // GIGABYTE, tier.per_second, round(tier.per_hour, 2))
        for name, tier in table_prices().tiers.items()
    }
    assert f"RunPod's of {TABLE_DATE}" in TEXT


def test_the_worked_example_is_what_is_computed():
    found = bounds(47_300, 12_500, 5, 0.00031)
    assert f"**${found.lower:.5f}**" in TEXT
    assert f"**${found.upper:.5f}**" in TEXT
    assert f"between ${50 * found.lower:.2f} and ${50 * found.upper:.2f}" in TEXT


def test_what_is_set_aside_by_default_is_what_is_reserved():
    seconds = longest_bill(TRIAL_SECONDS, 300, 5)
    assert f"${seconds * 0.00031:.2f} is set aside on `ADA_24`" in TEXT


@pytest.mark.parametrize("command", ["deploy", "status", "logs", "teardown", "costs"])
def test_every_command_is_told_of(command):
    assert f"`hpo-torch runpod {command}" in TEXT
