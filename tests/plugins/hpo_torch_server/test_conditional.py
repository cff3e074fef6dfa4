from __future__ import annotations

import pytest

from hpo_torch_server.conditional import accepts_gzip, matches


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ('"b"', True),
        ('W/"b"', True),
        ('"a", W/"b" , "c"', True),
        ("*", True),
        ('"a"', False),
        ("b", False),
        ("", False),
    ],
)
def test_a_copy_is_known_by_its_tag(header, expected):
    assert matches(header, '"b"') is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("deflate, gzip;q=0.5, br", True),
        ("gzip;q=1.0", True),
        ("gzip; q=0", False),
        ("gzip;q=0.000", False),
        ("*", True),
        ("br", False),
        ("xgzip", False),
    ],
)
def test_gzip_is_sent_to_who_takes_it(header, expected):
    assert accepts_gzip(header) is expected
