"""From settings to what a data set's loader is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.data.location import data_dir
from hpo_torch.data.spec import DataRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from hpo_torch.config.schema import DataSettings


def data_request(
    settings: DataSettings,
    *,
    progress: Callable[[str, int, int], None] | None = None,
    warn: Callable[[str], None] | None = None,
) -> DataRequest:
    """Return the request that a loader gets; "~" in paths is the user's home.

    Args:
        settings: Which data set, and where its files are.
        progress: Called with (file name, bytes so far, bytes in all or 0 where unknown).
        warn: Takes one line about something that is not as it should be.
    """
    return DataRequest(
        data_dir=data_dir(settings.dir),
        download=settings.download,
        progress=progress,
        warn=warn,
        path=None if settings.path is None else Path(settings.path).expanduser(),
        text_column=settings.text_column,
        label_column=settings.label_column,
        skip_corrupt=settings.skip_corrupt,
        image_size=settings.image_size,
    )
