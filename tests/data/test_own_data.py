from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from own_data import write_texts

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.own_data import load_own_data
from hpo_torch.data.spec import TextData
from hpo_torch.errors import UnknownNameError

if TYPE_CHECKING:
    from pathlib import Path


def test_own_data_are_loaded_and_named_sets_are_not(tmp_path: Path):
    path = write_texts(tmp_path / "own.csv", rows=60)
    data = load_own_data(DataSettings(dataset="csv", path=str(path)))
    assert isinstance(data, TextData)
    assert (len(data.train_texts), len(data.test_texts)) == (40, 20)
    assert load_own_data(DataSettings(dataset="digits")) is None
    with pytest.raises(UnknownNameError, match="Did you mean 'digits'"):
        load_own_data(DataSettings(dataset="digit"))
