from __future__ import annotations

import pytest
from PIL import Image

PREVIEW = ("datasets", "show", "digits", "--preview")


def test_preview_of_images_is_a_picture_of_readable_size(cli, tmp_path):
    result = cli(*PREVIEW, str(tmp_path / "new folder" / "digits.png"))
    assert (result.code, result.out) == (0, f"wrote {tmp_path / 'new folder' / 'digits.png'}\n")
    with Image.open(tmp_path / "new folder" / "digits.png") as picture:
        assert picture.format == "PNG"
        assert picture.width == 1800  # 12 inches at 150 dots


def test_preview_is_the_same_every_time(cli, tmp_path):
    paths = [tmp_path / name for name in ("one.png", "two.png")]
    for path in paths:
        assert cli(*PREVIEW, str(path)).code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_preview_of_own_texts_takes_its_columns(cli, tmp_path):
    rows = [f"the {n}. text for $5 <b>,{'ab'[n % 2]}" for n in range(40)]
    (tmp_path / "own.csv").write_text("\n".join(["words,kind", *rows]), encoding="utf-8")
    result = cli(
        *("datasets", "show", "csv", "--preview", "own.png", "--data-path", "own.csv"),
        *("--text-column", "words", "--label-column", "kind"),
    )
    assert result.code == 0, result.err
    assert (tmp_path / "own.png").exists()


@pytest.mark.parametrize("name", ["picture.jpg", "picture"])
def test_preview_is_a_png(cli, name):
    result = cli(*PREVIEW, name)
    assert result.code == 2
    assert "--preview: expected a file that ends in .png" in result.err


def test_preview_without_files_says_what_is_missing(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("HPO_TORCH_DATA_DOWNLOAD", "false")
    result = cli(
        *("datasets", "show", "mnist", "--preview", "mnist.png", "--data-dir", str(tmp_path))
    )
    assert result.code == 4
    assert "mnist" in result.err
    assert not (tmp_path / "mnist.png").exists()


def test_show_without_preview_prepares_nothing(cli, tmp_path):
    missing = str(tmp_path / "nowhere")
    result = cli("datasets", "show", "mnist", "--data-dir", missing)
    assert result.code == 0
    assert not (tmp_path / "nowhere").exists()
