"""docs/plugins.md shows every hook with its exact arguments."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from hpo_torch.hooks import specs

DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"


def hooks() -> dict[str, str]:
    """Return each hook's signature as its source writes it."""
    marked = f"{specs.PROJECT}_spec"  # the attribute that pluggy's marker sets
    return {
        name: f"{name}{inspect.signature(hook)}"
        for name, hook in vars(specs).items()
        if inspect.isfunction(hook) and hasattr(hook, marked)
    }


def test_every_hook_is_documented_with_its_exact_signature():
    documented = set(re.findall(r"^\| `(\w+\(.*?)` \|", DOCS.read_text("utf-8"), re.MULTILINE))
    assert documented == {signature.replace("'", "") for signature in hooks().values()}


def test_hooks_are_found():
    assert "register_datasets() -> 'list[DatasetSpec]'" in hooks().values()
