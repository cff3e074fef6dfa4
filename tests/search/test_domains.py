from __future__ import annotations

import pytest

from hpo_torch.search.domains import Choice, Float, Int


@pytest.mark.parametrize(
    ("domain", "given", "value"),
    [
        (Int(1, 4), 3, 3),
        (Int(1, 4), "3", 3),
        (Int(1, 4), 5, None),
        (Int(1, 4), 3.0, None),
        (Int(1, 4), "three", None),
        (Int(0, 4), True, None),
        (Float(0.0, 1.0), "1e-3", 0.001),
        (Float(0.0, 1.0), 1, 1.0),
        (Float(0.0, 1.0), 1.1, None),
        (Float(0.0, 1.0), "nan", None),
        (Float(0.0, 1.0), True, None),
        (Float(0.0, 1.0), None, None),
        (Choice((True, False)), "true", True),
        (Choice((True, False)), "False", False),
        (Choice((True, False)), 1, None),
        (Choice((3, 5)), "3", 3),
        (Choice((3, 5)), 3.0, None),
        (Choice((1, 2)), True, None),
        (Choice(("same", "valid")), " Same ", "same"),
        (Choice(("same", "valid")), "full", None),
    ],
)
def test_convert_reads_values_and_text(domain, given, value):
    converted = domain.convert(given)

    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("domain", "text"),
    [
        (Int(1, 4), "a whole number from 1 to 4"),
        (Float(1e-4, 0.03), "a number from 0.0001 to 0.03"),
        (Choice((True, False)), "one of true, false"),
    ],
)
def test_str_says_what_is_accepted(domain, text):
    assert str(domain) == text


@pytest.mark.parametrize("make", [Int, Float])
def test_range_in_wrong_order_is_refused(make):
    with pytest.raises(ValueError, match="low <= high"):
        make(2, 1)
