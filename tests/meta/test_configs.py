"""Every preset that ships loads, and says something."""

from __future__ import annotations

import pytest

from hpo_torch.config.load import preset_layer, resolve_config
from hpo_torch.config.presets import preset_names
from hpo_torch.config.schema import RunConfig


def test_presets_exist():
    assert preset_names() != []


@pytest.mark.parametrize("name", preset_names())
def test_preset_loads_and_differs_from_the_defaults(name: str):
    resolved = resolve_config([preset_layer(name)])
    assert resolved.config != RunConfig()
    assert set(resolved.origins.values()) == {f"preset {name}"}
