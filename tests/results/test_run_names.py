from __future__ import annotations

from datetime import datetime

import pytest

from hpo_torch.errors import InvalidValueError
from hpo_torch.results.run_names import check_run_name, default_run_name


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("health", "2026-11-25T10-20-03_gtsrb_health"),
        ("simple", "2026-11-25T10-20-03_gtsrb_simple-val_accuracy"),
    ],
)
def test_default_run_name_holds_time_dataset_and_goal(mode, expected):
    now = datetime(2026, 11, 25, 10, 20, 3)
    name = default_run_name(now, "gtsrb", mode, "val_accuracy")
    assert name == expected
    check_run_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "10:20", "a\nb", ".hidden", "end.", "end ", " a", "a?"]
)
def test_check_run_name_refuses_what_is_no_folder_name_everywhere(name):
    with pytest.raises(InvalidValueError, match="run name: expected a folder's name"):
        check_run_name(name)


@pytest.mark.parametrize("name", ["a", "2026-11-25", "mein Lauf ü_1.2+3"])
def test_check_run_name_accepts_ordinary_names(name):
    check_run_name(name)
