"""The user's own data as their loader reads them, for whoever brings them to another machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.data.requests import data_request
from hpo_torch.hooks.registry import installed_registry

if TYPE_CHECKING:
    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.spec import ImageData, TextData


def load_own_data(settings: DataSettings) -> ImageData | TextData | None:
    """Load the data if they are the user's own; None of a named set, which every machine fetches.

    Args:
        settings: Which data set, and where its files are; they must be prepared.

    Raises:
        UnknownNameError: No such data set.
        DataError: Files are missing or damaged.
    """
    datasets = installed_registry().datasets
    if datasets.get(settings.dataset).has_facts:
        return None
    data: ImageData | TextData = datasets.load(settings.dataset).load(data_request(settings))
    return data
