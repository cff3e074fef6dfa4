"""`hpo-torch datasets show NAME --preview FILE`: a picture of a data set."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo_torch.cli.console import err, out, warn
from hpo_torch.cli.plain_view import PlainView
from hpo_torch.cli.settings import command_line_layers
from hpo_torch.config.load import resolve_config
from hpo_torch.errors import InvalidValueError
from hpo_torch.hooks.registry import Registry


def write_preview(registry: Registry, name: str, path: Path, options: Mapping[str, Any]) -> None:
    """Load a data set and draw it: torch and matplotlib are imported here, and only here.

    Args:
        registry: Where the data set is.
        name: Of the data set.
        path: The PNG to write.
        options: Settings by dotted name ("data.dir"); None where the option was not given.

    Raises:
        InvalidValueError: `path` is no .png.
        DataError: The data set's files are absent or damaged.
        OutputError: The picture cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise InvalidValueError("--preview", "a file that ends in .png", str(path))
    config = resolve_config(command_line_layers(None, None, [], {**options, "data.dataset": name}))
    loader = registry.datasets.load(name)

    from hpo_torch.data.requests import data_request

    progress = PlainView(err()).progress
    request = data_request(config.config.data, progress=progress, warn=warn)
    loader.prepare(request)

    from hpo_torch.plots.style import save

    with warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes; there is nothing to do about it here.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        save(_figure(name, loader.load(request)), path)
    out().print(f"wrote {path}", soft_wrap=True, markup=False)


def _figure(name: str, data: Any) -> Any:
    from hpo_torch.data.checks import check_image_data, check_text_data
    from hpo_torch.data.overview import image_overview, text_overview
    from hpo_torch.data.spec import TextData
    from hpo_torch.plots.dataset import image_set, text_set

    if isinstance(data, TextData):
        check_text_data(name, data)
        return text_set(name, text_overview(data))
    check_image_data(name, data)
    return image_set(name, image_overview(data))
