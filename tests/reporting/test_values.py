from __future__ import annotations

import doctest

from hpo_torch.reporting import values


def test_examples_in_the_docstrings():
    result = doctest.testmod(values)
    assert result.attempted == 4
    assert result.failed == 0


def test_not_known_is_empty():
    assert values.cell(None) == values.figure(None) == values.percent(float("nan")) == ""
    assert values.size(None) == ""
