"""docs/reliability.md names tests; each of them exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", TEXT)))
ROWS = re.findall(r"^\| (\d[\d, ]*) \|.*$", TEXT, re.MULTILINE)


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", NAMED)
def test_named_test_exists(name: str):
    path, _, function = name.partition("::")
    assert function in functions(ROOT / path)


def test_every_row_names_a_test():
    rows = re.findall(r"^\| \d.*$", TEXT, re.MULTILINE)
    assert len(rows) == len(ROWS) > 30
    assert [row for row in rows if "::test_" not in row] == []


def test_named_benchmarks_exist():
    benchmarks = set(re.findall(r"`(benchmarks/\w+\.py)`", TEXT))
    assert {name for name in benchmarks if not (ROOT / name).exists()} == set()
