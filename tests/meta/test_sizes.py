"""Files and functions stay small enough to read at once."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("hpo_torch", "plugins", "tests")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50


def sources() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def functions_over(limit: int, source: str) -> list[tuple[str, int]]:
    """Return name and length of each function whose body has more than `limit` lines.

    Signatures don't count: a command's is the list of its options, with their help.
    """
    lengths = [
        (node.name, (node.end_lineno or 0) - node.body[0].lineno + 1)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [(name, length) for name, length in lengths if length > limit]


def test_functions_over_counts_bodies_and_nested_functions():
    source = "def outer(\n    x,\n):\n    def inner():\n        pass\n    return inner\n"
    assert functions_over(2, source) == [("outer", 3)]
    assert functions_over(0, source) == [("outer", 3), ("inner", 1)]


def test_files_have_at_most_300_lines():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources()
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_functions_have_at_most_50_lines():
    long = {
        f"{path.relative_to(ROOT)}:{name}": length
        for path in sources()
        for name, length in functions_over(MAX_FUNCTION_LINES, path.read_text(encoding="utf-8"))
    }
    assert long == {}
