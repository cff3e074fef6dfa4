"""Load and prepare a data set once per process, whatever its examples are."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from hpo_torch.data.datamodule import prepare_images
from hpo_torch.data.prepared_texts import prepare_texts
from hpo_torch.data.requests import data_request
from hpo_torch.data.spec import TextData

if TYPE_CHECKING:
    import torch

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.prepared import PreparedSource
    from hpo_torch.data.spec import DatasetLoader

_KEPT_SETS = 2


def load_prepared(
    loader: DatasetLoader, settings: DataSettings, split_seed: int, device: torch.device
) -> PreparedSource:
    """Load and prepare a set; a long-lived worker does so once, not once a trial.

    The last two sets are kept. A set whose files change on disk meanwhile is not read again.

    Args:
        loader: The data set's loader; its files must be prepared (`DatasetLoader.prepare`).
        settings: Which set, where its files are, and how it is split. Equal settings must mean
            equal data, whoever loads them.
        split_seed: Decides which examples validate.
        device: Where inputs and batches live.

    Raises:
        DataError: Files are missing or damaged, or the set cannot be split so.
        PluginError: The loader's data break their contract.
    """
    return _load(_Wanted(loader, settings, split_seed, device))


@dataclass(frozen=True, slots=True)
class _Wanted:
    loader: DatasetLoader = field(compare=False)  # `settings` stand for it
    settings: DataSettings
    split_seed: int
    device: torch.device


@lru_cache(maxsize=_KEPT_SETS)
def _load(wanted: _Wanted) -> PreparedSource:
    settings = wanted.settings
    data = wanted.loader.load(data_request(settings))
    if isinstance(data, TextData):
        return prepare_texts(data, settings, wanted.split_seed, wanted.device)
    return prepare_images(data, settings, wanted.split_seed, wanted.device)
