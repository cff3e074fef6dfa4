from __future__ import annotations

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.plots.style import Look, dressed, new_figure, on_dark, save, shorten


@pytest.mark.parametrize(
    ("name", "longest", "expected"),
    [
        ("short", 5, "short"),
        ("longer", 5, "lo…er"),
        ("No passing for vehicles over 3.5 metric tons", 20, "No passing…tric tons"),
        ("abcdef", 4, "ab…f"),
    ],
)
def test_shorten_keeps_both_ends(name, longest, expected):
    assert shorten(name, longest) == expected
    assert len(shorten(name, longest)) <= longest


@pytest.mark.parametrize("dark", [False, True])
def test_the_ground_is_dark_in_the_dark_look_only(dark):
    with dressed(Look(dark=dark)):
        assert on_dark() == dark
    assert not on_dark()


def test_save_writes_the_same_png_twice(tmp_path):
    contents = []
    for name in ("a.png", "b.png"):
        figure = new_figure(2, 1)
        figure.add_subplot().plot([0, 1], [1, 0])
        contents.append(save(figure, tmp_path / "plots" / name).read_bytes())
    assert contents[0].startswith(b"\x89PNG")
    assert contents[0] == contents[1]


def test_save_under_a_regular_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"plot.png"):
        save(new_figure(1, 1), tmp_path / "file" / "plot.png")
