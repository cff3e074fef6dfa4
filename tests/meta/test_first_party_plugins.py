"""The plugins that pyproject.toml names are complete: every record's target exists."""

from __future__ import annotations

import importlib
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import typer

from hpo_torch.hooks.manager import Plugins, new_manager
from hpo_torch.hooks.registry import Registry, build_registry

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ENTRY_POINTS: dict[str, str] = PYPROJECT["project"]["entry-points"]["hpo_torch"]


@pytest.fixture(scope="module")
def registry() -> Registry:
    manager = new_manager()
    for name, module in ENTRY_POINTS.items():
        manager.register(importlib.import_module(module), name)
    return build_registry(Plugins(manager))


def test_every_plugin_folder_is_an_entry_point():
    folders = {path.name for path in (ROOT / "plugins").iterdir() if path.name != "__pycache__"}
    assert {f"{name}.plugin" for name in folders} == set(ENTRY_POINTS.values())
    assert folders == set(ENTRY_POINTS)


def test_every_plugin_is_checked_by_mypy_and_import_linter():
    tools = PYPROJECT["tool"]
    expected = {"hpo_torch", *ENTRY_POINTS}
    assert set(tools["mypy"]["packages"]) == expected
    assert set(tools["importlinter"]["root_packages"]) == expected


def test_first_party_plugins_load_without_warnings(registry: Registry):
    assert registry.plugins.warnings == []


def test_every_target_is_what_its_record_promises(registry: Registry):
    made = {
        "datasets": lambda target: hasattr(target, "prepare") and hasattr(target, "load"),
        "health_metrics": lambda target: (
            hasattr(target(), "observe") and hasattr(target(), "score")
        ),
        "objectives": callable,
        "backends": callable,
        "commands": lambda target: isinstance(target, typer.Typer),
    }
    broken = [
        f"{kind}: {record.name}"
        for kind, is_right in made.items()
        for record in getattr(registry, kind)
        if not is_right(getattr(registry, kind).load(record.name))
    ]
    assert broken == []


def test_first_party_offers_each_kind_that_a_run_needs(registry: Registry):
    assert len(registry.datasets) > 0
    assert len(registry.health_metrics) > 0
    assert len(registry.objectives) > 0
    assert len(registry.backends) > 0


def test_installed_entry_points_are_those_of_pyproject():
    try:
        installed = distribution("hpo-torch").entry_points
    except PackageNotFoundError:
        pytest.skip("hpo-torch is not installed here: pip install -e .")
    assert {
        each.name: each.value for each in installed if each.group == "hpo_torch"
    } == ENTRY_POINTS
