"""The plugin that docs/plugins.md builds is real: its files are written, loaded and used."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"
BLOCK = re.compile(
    r"^```(?:toml|python)\n# (?P<path>\S+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL
)


@pytest.fixture
def documented_files() -> dict[str, str]:
    return {block["path"]: block["text"] for block in BLOCK.finditer(DOCS.read_text("utf-8"))}


def test_documented_entry_point_names_a_documented_module(documented_files: dict[str, str]):
    project = tomllib.loads(documented_files["pyproject.toml"])["project"]
    (module,) = project["entry-points"]["hpo_torch"].values()
    assert module.replace(".", "/") + ".py" in documented_files


def test_documented_plugin_registers_and_measures(
    documented_files: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    import importlib

    import torch

    from hpo_torch.hooks.manager import Plugins, new_manager
    from hpo_torch.hooks.registry import build_registry

    (tmp_path / "my_plugin").mkdir()
    for name, text in documented_files.items():
        if name.startswith("my_plugin/"):
            (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    manager = new_manager()
    manager.register(importlib.import_module("my_plugin.plugin"), "my_plugin")
    metric = build_registry(Plugins(manager)).health_metrics.load("finite_weights")()
    network = torch.nn.Linear(3, 1)
    with torch.no_grad():
        network.weight[0, 0] = torch.inf
    assert metric.observe(_Probe(network)) == 0.75  # 3 of 3 + 1 parameters are finite


class _Probe:
    """The one attribute of a `Probe` that the documented metric reads."""

    def __init__(self, network: object) -> None:
        self.network = network


def test_documented_python_imports_only_public_modules(documented_files: dict[str, str]):
    public = {
        "hpo_torch.plugin_api",
        "hpo_torch.plugin_cli",
        "hpo_torch.protocol",
        "hpo_torch.testing",
    }
    imported = {
        node.module
        for name, text in documented_files.items()
        if name.endswith(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("hpo_torch")
    }
    assert imported
    assert {each for each in imported if ".".join(each.split(".")[:2]) not in public} == set()
