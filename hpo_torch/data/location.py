"""Where data files live."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def data_dir(configured: str | None) -> Path:
    """Return the folder of all data sets' files; it need not exist yet.

    Args:
        configured: The setting `data.dir`; "~" is the user's home. None means the per-user cache.
    """
    if configured is None:
        return platformdirs.user_cache_path("hpo-torch", appauthor=False) / "data"
    return Path(configured).expanduser()
