"""Objects of `pytorch_lightning` and `lightning.pytorch` don't know each other: one name only."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def imported(source: str) -> set[str]:
    """Return the top-level packages that a source imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def test_imported_sees_both_forms():
    assert imported("import a.b\nfrom c.d import e") == {"a", "c"}


def test_lightning_is_imported_under_one_name():
    used = {
        name
        for folder in ("hpo_torch", "plugins", "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        for name in imported(path.read_text(encoding="utf-8"))
        if "lightning" in name
    }
    assert used == {"lightning"}
