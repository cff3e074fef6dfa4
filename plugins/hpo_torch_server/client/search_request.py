"""From the options of `optimize` to what POST /optimize is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.plugin_api import UsageError
from hpo_torch.plugin_cli import optimize_layers
from hpo_torch.plugin_runs import merge_layers, read_configurations

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = "output.name"
_QUEUE: Final = "search.enqueue"
_NOT_SENT: Final = ("output.dir", _NAME, _QUEUE)
"""Settings that have other places in a request, or mean this machine."""


def search_request(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request: plain JSON.

    Preset, file and options are merged here, as the local command does: in which order they are
    given must not come to mean something else on the way.

    Args:
        given: The arguments of `hpo-torch optimize`, by the names of its parameters.

    Raises:
        UsageError: A file cannot be read, or a text is no NAME=VALUE.
        UnknownNameError: There is no such setting or preset.
    """
    values, _ = merge_layers(optimize_layers(given, environment=False))
    request: dict[str, Any] = {
        # What is not set is not sent: a server wants more rights for some settings.
        "settings": {
            name: value
            for name, value in values.items()
            if name not in _NOT_SENT and value is not None and value != []
        }
    }
    if values.get(_NAME) is not None:
        request["name"] = values[_NAME]
    if values.get(_QUEUE) is not None:
        request["enqueue"] = read_configurations(Path(values[_QUEUE]).expanduser())
    _check_json(request)
    return request


def _check_json(request: Mapping[str, Any]) -> None:
    """Refuse what YAML can say and JSON cannot: dates, infinities."""
    for name, value in (*request["settings"].items(), *request.items()):
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"{name}: {error}. Expected numbers, texts, lists ...") from None
