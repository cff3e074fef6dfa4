"""The tree in the docstring of errors.py is the truth about every error class."""

from __future__ import annotations

import re

from hpo_torch import errors

LINE = re.compile(r"^    (?P<branches>[│├└─ ]*)(?P<name>\w+Error) +(?P<code>\d+) +\S", re.MULTILINE)


def subclasses(parent: type[errors.HpoTorchError]) -> list[type[errors.HpoTorchError]]:
    return [each for child in parent.__subclasses__() for each in (child, *subclasses(child))]


def documented() -> dict[str, tuple[int, int]]:
    """Return depth in the drawn tree and exit code of each class."""
    lines = LINE.finditer(errors.__doc__)
    return {line["name"]: (len(line["branches"]) // 4, int(line["code"])) for line in lines}


def test_every_error_is_drawn_with_its_depth_and_exit_code():
    own = [each for each in subclasses(errors.HpoTorchError) if each.__module__ == errors.__name__]
    root_depth = len(errors.HpoTorchError.__mro__)
    actual = {
        each.__name__: (len(each.__mro__) - root_depth, each.exit_code)
        for each in (errors.HpoTorchError, *own)
    }
    assert documented() == actual


def test_exit_codes_are_failures_and_differ_between_branches():
    branches = errors.HpoTorchError.__subclasses__()
    codes = [each.exit_code for each in branches if each.__module__ == errors.__name__]
    assert sorted(codes) == list(range(2, 2 + len(codes)))
