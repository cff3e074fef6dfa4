from __future__ import annotations

import errno
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from hpo_torch_vision import decoded_images
from hpo_torch_vision.decoded_images import FixedShape, ImageFiles, Unreadable, decoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]

NAMES = ("a.png", "b/c.png")
SIZING = FixedShape((1, 4, 4))


@pytest.fixture
def files(write_image: Write, tmp_path: Path) -> ImageFiles:
    for value, name in enumerate(NAMES):
        write_image(f"own/{name}", value + 1)
    return ImageFiles(tmp_path / "own", NAMES, SIZING)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded."""
    seen: list[str] = []
    real = decoded_images.read_pixels

    def spy(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
        seen.append(path.name)
        return real(path, shape)

    monkeypatch.setattr(decoded_images, "read_pixels", spy)
    return seen


def kept(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if not path.name.endswith(".lock")]


def test_decoded_keeps_pixels_and_decodes_once(files: ImageFiles, cache: Path, calls: list[str]):
    for _ in range(2):
        images = decoded(files, cache)
        assert isinstance(images.pixels, np.memmap)
        assert images.pixels.shape == (2, 1, 4, 4)
        assert images.pixels[:, 0, 0, 0].tolist() == [1, 2]
        assert images.usable() is images.pixels
    assert sorted(calls) == ["a.png", "c.png"]


def test_decoded_pixels_become_a_tensor_whose_changes_are_not_kept(files: ImageFiles, cache: Path):
    tensor = torch.from_numpy(decoded(files, cache).pixels)  # warns where memory is read-only
    tensor.zero_()
    assert decoded(files, cache).pixels[:, 0, 0, 0].tolist() == [1, 2]


@pytest.mark.parametrize("change", ["content", "time", "name"])
def test_decoded_again_when_a_file_changes_and_the_old_pixels_go(
    files: ImageFiles, cache: Path, calls: list[str], write_image: Write, change: str
):
    decoded(files, cache)
    before = kept(cache)
    path = files.root / "a.png"
    if change == "content":
        write_image("own/a.png", 9, (16, 16))
    elif change == "time":
        os.utime(path, ns=(0, 0))
    else:
        path.rename(files.root / "z.png")
        files = ImageFiles(files.root, ("z.png", NAMES[1]), SIZING)
    images = decoded(files, cache)
    assert images.pixels[0, 0, 0, 0] == (9 if change == "content" else 1)
    assert len(calls) == 4
    assert len(before) == len(kept(cache)) == 1
    assert kept(cache) != before


def test_decoded_keeps_other_shapes_of_the_same_files(files: ImageFiles, cache: Path):
    larger = ImageFiles(files.root, files.names, FixedShape((3, 8, 8)))
    assert decoded(files, cache).pixels.shape == (2, 1, 4, 4)
    assert decoded(larger, cache).pixels.shape == (2, 3, 8, 8)
    assert len(kept(cache)) == 2


def test_decoded_remembers_unreadable_files(files: ImageFiles, cache: Path, calls: list[str]):
    (files.root / "a.png").write_bytes(b"no image")
    for _ in range(2):
        images = decoded(files, cache)
        assert [each.position for each in images.unreadable] == [0]
        assert "cannot identify image file" in images.unreadable[0].reason
        assert images.readable().tolist() == [False, True]
        assert images.usable()[:, 0, 0, 0].tolist() == [2]
    assert len(calls) == 2


def test_decoded_overwrites_what_a_killed_process_left(files: ImageFiles, cache: Path):
    decoded(files, cache)
    (whole,) = kept(cache)
    part = cache / f".{whole.partition('-')[0]}.part"
    (cache / whole).rename(part)
    (part / "unreadable.json").unlink()
    (part / "pixels.npy").write_bytes(b"half")
    assert decoded(files, cache).pixels[:, 0, 0, 0].tolist() == [1, 2]
    assert kept(cache) == [whole]


def test_decoded_where_nothing_can_be_written_warns(
    files: ImageFiles, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    (files.root / "a.png").write_bytes(b"no image")
    lines: list[str] = []
    images = decoded(files, cache, lines.append)
    assert images.pixels[:, 0, 0, 0].tolist() == [0, 2]
    assert [each.position for each in images.unreadable] == [0]
    assert len(lines) == 1
    assert f"cannot keep decoded images in {cache} (Read-only file system)" in lines[0]


def test_decoded_of_a_vanished_file_says_so(files: ImageFiles, cache: Path):
    (files.root / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.png"):
        decoded(files, cache)


def test_readable_marks_positions():
    images = decoded_images.DecodedImages(np.zeros((3, 1, 1, 1), np.uint8), (Unreadable(1, "x"),))
    assert images.readable().tolist() == [True, False, True]


def test_decoded_by_two_processes_decodes_once(files: ImageFiles, cache: Path):
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from hpo_torch_vision import decoded_images as module\n"
        "real = module.read_pixels\n"
        "def slow(path, shape):\n"
        "    time.sleep(0.5)\n"
        "    sys.stdout.write(f'decoded {path.name}\\n')\n"
        "    return real(path, shape)\n"
        "module.read_pixels = slow\n"
        f"files = module.ImageFiles(Path({str(files.root)!r}), {NAMES!r}, "
        "module.FixedShape((1, 4, 4)))\n"
        f"images = module.decoded(files, Path({str(cache)!r}))\n"
        "print(images.pixels[:, 0, 0, 0].tolist())\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    lines = sorted("".join(each.communicate(timeout=60)[0] for each in processes).splitlines())
    assert lines == ["[1, 2]", "[1, 2]", "decoded a.png", "decoded c.png"]
