from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import functional

from hpo_torch.data.image_files import ImageHeader, read_image_header, read_pixels

if TYPE_CHECKING:
    from pathlib import Path

GREY, COLOUR = (1, 2, 2), (3, 2, 2)


def save(folder: Path, image: Image.Image, name: str, **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


def flat(pixels: np.ndarray) -> list[int]:
    """The one value of each channel of an image of one colour."""
    assert pixels.dtype == np.uint8
    assert (pixels == pixels[:, :1, :1]).all()
    return pixels[:, 0, 0].tolist()


def filled(mode: str, colour: object) -> Image.Image:
    return Image.new(mode, (4, 3), colour)


@pytest.mark.parametrize(
    ("mode", "colour", "name", "expected"),
    [
        ("RGB", (10, 20, 30), "x.png", [10, 20, 30]),
        ("L", 77, "x.png", [77, 77, 77]),
        ("1", 1, "x.png", [255, 255, 255]),
        # over white: 0.2 * 100 + 0.8 * 255 = 224, and 204 where there is nothing but white
        ("RGBA", (100, 0, 255, 51), "x.png", [224, 204, 255]),
        ("RGBA", (100, 0, 255, 0), "x.png", [255, 255, 255]),
        ("LA", (100, 51), "x.png", [224, 224, 224]),
        # (255 - ink) * (255 - black) / 255: 204 * 204 / 255 = 163.2, 153 * 0.8 = 122.4
        ("CMYK", (0, 51, 102, 51), "x.tif", [204, 163, 122]),
    ],
)
def test_read_pixels_of_every_mode_as_rgb(
    tmp_path: Path, mode: str, colour: object, name: str, expected: list[int]
):
    path = save(tmp_path, filled(mode, colour), name)
    assert flat(read_pixels(path, COLOUR)) == pytest.approx(expected, abs=1)
    assert read_pixels(path, (3, 3, 4)).shape == (3, 3, 4)


def test_read_pixels_of_a_palette(tmp_path: Path):
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 250, 120, 60])
    assert flat(read_pixels(save(tmp_path, image, "x.png"), COLOUR)) == [250, 120, 60]
    assert flat(read_pixels(save(tmp_path, image, "x.gif"), COLOUR)) == [250, 120, 60]


def test_read_pixels_lays_a_palettes_transparent_entry_over_white(tmp_path: Path):
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 250, 120, 60])
    path = save(tmp_path, image, "x.png", transparency=1)
    assert flat(read_pixels(path, COLOUR)) == [255, 255, 255]


def test_read_pixels_of_colour_as_grey_weighs_by_luma(tmp_path: Path):
    path = save(tmp_path, filled("RGB", (200, 100, 50)), "x.png")
    # ITU-R 601: 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
    assert flat(read_pixels(path, GREY)) == [124]


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.pgm"])
def test_read_pixels_scales_16_bits_down_instead_of_cutting(tmp_path: Path, name: str):
    values = np.array([[0, 128, 129, 32_768], [40_000, 65_406, 65_407, 65_535]], dtype=np.uint16)
    path = tmp_path / name
    if name == "x.pgm":
        path.write_bytes(b"P5 4 2 65535\n" + values.astype(">u2").tobytes())
    else:
        Image.fromarray(values).save(path)
    # 65535 / 255 = 257 a step: 128 is below half a step, 129 above it
    expected = [[[0, 0, 1, 128], [156, 254, 255, 255]]]
    assert read_pixels(path, (1, 2, 4)).tolist() == expected
    assert read_pixels(path, (3, 2, 4)).tolist() == expected * 3


def test_read_pixels_refuses_pixels_without_a_known_range(tmp_path: Path):
    path = save(tmp_path, Image.fromarray(np.full((2, 2), 0.5, np.float32)), "x.tif")
    with pytest.raises(ValueError, match="no known range"):
        read_pixels(path, GREY)
    path = save(tmp_path, Image.fromarray(np.full((2, 2), 70_000, np.int32)), "y.tif")
    with pytest.raises(ValueError, match=r"expected pixels of 0\.\.65535, got 70000"):
        read_pixels(path, GREY)


def test_read_pixels_turns_an_image_the_right_way_up(tmp_path: Path):
    stored = np.array([[10, 20, 30], [40, 50, 60]], dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # the stored image is to be turned clockwise
    path = save(tmp_path, Image.fromarray(stored), "x.png", exif=exif)
    assert read_pixels(path, (1, 3, 2)).tolist() == [[[40, 10], [50, 20], [60, 30]]]
    assert read_image_header(path) == ImageHeader(height=3, width=2, grey=True)


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.ppm", "x.tif"])
def test_read_pixels_of_a_truncated_file_raises(tmp_path: Path, name: str):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    path = save(tmp_path, Image.fromarray(noise), name)
    read_pixels(path, COLOUR)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises((OSError, SyntaxError, ValueError)):
        read_pixels(path, COLOUR)


@pytest.mark.parametrize(
    ("mode", "grey"), [("L", True), ("LA", True), ("I;16", True), ("P", False), ("RGB", False)]
)
def test_read_header_tells_size_and_greyness(tmp_path: Path, mode: str, grey: bool):
    image = Image.new("L", (5, 3)).convert(mode) if mode != "I;16" else Image.new("I;16", (5, 3))
    assert read_image_header(save(tmp_path, image, "x.png")) == ImageHeader(
        height=3, width=5, grey=grey
    )


def test_resizing_antialiases(tmp_path: Path):
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255  # without antialiasing every pixel kept would be black or white
    pixels = read_pixels(save(tmp_path, Image.fromarray(stripes), "x.png"), (1, 8, 8))
    assert (abs(pixels[:, :, 1:-1].astype(int) - 127.5) < 4).all()


def test_real_signs_of_original_size_are_what_torchvision_resizes(test_data_dir: Path):
    folder = test_data_dir / "gtsrb_original/gtsrb/GTSRB/Training"
    paths = sorted(folder.glob("*/*.ppm"))
    assert len(paths) == 860
    sizes = set()
    differences = []
    for path in paths:
        with Image.open(path) as image:
            original = torch.from_numpy(np.array(image)).permute(2, 0, 1)
        sizes.add(tuple(original.shape[1:]))
        theirs = functional.resize(original, [32, 32], antialias=True)
        ours = torch.from_numpy(read_pixels(path, (3, 32, 32)).copy())
        differences.append((ours.int() - theirs.int()).abs().flatten())
    assert len(sizes) > 100
    # Both round sums of fixed-point weights, each in its own way.
    difference = torch.cat(differences).double()
    assert difference.max() <= 2
    assert difference.mean() < 0.05


def test_real_sign_stored_otherwise_gives_the_same_pixels(test_data_dir: Path, tmp_path: Path):
    path = next((test_data_dir / "gtsrb_original/gtsrb/GTSRB/Training/00014").glob("*.ppm"))
    with Image.open(path) as image:
        rgb = image.copy()
    expected = read_pixels(path, (3, 32, 32))
    opaque = save(tmp_path, rgb.convert("RGBA"), "rgba.png")
    np.testing.assert_array_equal(read_pixels(opaque, (3, 32, 32)), expected)
    whole = read_pixels(path, (3, rgb.height, rgb.width))
    np.testing.assert_array_equal(whole.transpose(1, 2, 0), np.asarray(rgb))
    grey = read_pixels(save(tmp_path, rgb.convert("L"), "grey.png"), (1, rgb.height, rgb.width))
    np.testing.assert_array_equal(grey, read_pixels(path, (1, rgb.height, rgb.width)))
    deep = np.asarray(rgb.convert("L")).astype(np.uint16) * 257
    stored = save(tmp_path, Image.fromarray(deep), "deep.png")
    np.testing.assert_array_equal(read_pixels(stored, (1, rgb.height, rgb.width)), grey)
