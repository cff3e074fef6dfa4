from __future__ import annotations

import pytest

from hpo_torch_server.file_answer import byte_range, disposition, media_type_of
from hpo_torch_server.problems import Problem


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("bytes=2-", (2, 10)),
        ("bytes=2-99", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        ("bytes = 2 - 4 ", (2, 5)),
        # Not served: the whole file is the answer.
        ("bytes=0-1,4-5", None),
        ("bytes=4-2", None),
        ("bytes=-", None),
        ("bytes=", None),
        ("bytes=x-y", None),
        ("lines=1-2", None),
        ("bytes=0x1-2", None),
        ("bytes=٣-٤", None),
        ("bytes=" + "9" * 50 + "-", None),
    ],
)
def test_a_part_is_from_its_first_byte_up_to_before_another(header, expected):
    assert byte_range(header, 10) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_part_behind_the_end_is_refused(header, size):
    with pytest.raises(Problem, match=f"expected a part of {size} bytes") as caught:
        byte_range(header, size)
    assert caught.value.status == 416
    assert caught.value.headers == {"Content-Range": f"bytes */{size}"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("trials/0007/result.json", "application/json"),
        ("plots/SCORES.PNG", "image/png"),
        ("report.html", "text/html; charset=utf-8"),
        ("best_model/model.ckpt", "application/octet-stream"),
        ("noending", "application/octet-stream"),
        ("x.js", "application/octet-stream"),
        ("x.xhtml", "application/octet-stream"),
    ],
)
def test_a_files_type_is_told_by_its_ending(path, expected):
    assert media_type_of(path) == expected


def test_a_name_cannot_end_its_header():
    assert disposition('a"b\r\nX: é.ckpt') == 'attachment; filename="a_b__X_ _.ckpt"'
