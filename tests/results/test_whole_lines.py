from __future__ import annotations

import io

import pytest

from hpo_torch.results.whole_lines import end_of_lines


@pytest.mark.parametrize(
    ("content", "size", "end"),
    [
        (b"", 0, 0),
        (b"torn", 4, 0),
        (b"one\n", 4, 4),
        (b"one\ntorn", 8, 4),
        (b"one\ntwo\nthree\n", 10, 8),  # of the first ten bytes
        (b"one\n" + b"x" * 200_000, 200_004, 4),  # more than is read at once
    ],
)
def test_end_of_lines_is_behind_the_last_line_end(content, size, end):
    assert end_of_lines(io.BytesIO(content), size) == end
