"""The example's data set passes the suite that every data set must pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch_example.plugin import register_datasets

from hpo_torch.plugin_api import DataRequest
from hpo_torch.testing.dataset_suite import DatasetSuite

if TYPE_CHECKING:
    from pathlib import Path


class TestShapes(DatasetSuite):
    (spec,) = register_datasets()
    embedded = True

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return DataRequest(data_dir=folder, download=False)
