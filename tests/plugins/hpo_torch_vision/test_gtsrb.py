from __future__ import annotations

import hashlib
import shutil
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torchvision.transforms.v2 import functional

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.checks import check_image_data
from hpo_torch.data.datamodule import prepare_images
from hpo_torch.plugin_api import (
    CorruptDataError,
    DataNotFoundError,
    DataRequest,
    DownloadError,
    ImageData,
)
from hpo_torch_vision import gtsrb as module
from hpo_torch_vision.gtsrb import GTSRB, GTSRB_ARCHIVES, read_test, read_training
from hpo_torch_vision.gtsrb_classes import GTSRB_CLASSES
from hpo_torch_vision.plugin import register_datasets

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"


def write(path: Path, value: int, size: int = 20) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), (value, value, value)).save(path)


def write_signs(base: Path, suffix: str = "ppm") -> None:
    """Two tracks of two images for each class, and one test image; 20x20 but for the test's."""
    for label in range(43):
        for track in range(2):
            for frame in range(2):
                name = f"{track:05d}_{frame:05d}.{suffix}"
                write(base / f"GTSRB/Training/{label:05d}/{name}", 4 * label + 2 * track + frame)
    (base / "GTSRB/Training/00000/GT-00000.csv").write_text(HEAD)
    write(base / f"GTSRB/Final_Test/Images/00000.{suffix}", 250, 50)
    (base / "GT-final_test.csv").write_text(f"{HEAD}00000.ppm;50;50;5;5;44;44;16\n")


def offline(folder: Path) -> DataRequest:
    return DataRequest(data_dir=folder, download=False)


def load(data_dir: Path) -> ImageData:
    GTSRB.prepare(offline(data_dir))
    return GTSRB.load(offline(data_dir))


@pytest.mark.parametrize("suffix", ["ppm", "png"])
@pytest.mark.parametrize("place", ["gtsrb/gtsrb", "gtsrb"])
def test_gtsrb_reads_torchvisions_layout(tmp_path: Path, place: str, suffix: str):
    write_signs(tmp_path / place, suffix)
    data = load(tmp_path)
    check_image_data("gtsrb", data)
    assert data.train_images.shape == (172, 3, 32, 32)
    assert data.train_images[:, 0, 0, 0].tolist() == list(range(172))
    assert data.train_labels.tolist() == [label for label in range(43) for _ in range(4)]
    # track t of class c is group 100,000 c + t
    assert data.groups is not None
    assert data.groups[:6].tolist() == [0, 0, 1, 1, 100_000, 100_000]
    assert len(data.groups.unique()) == 86
    assert data.test_labels.tolist() == [16]
    assert data.test_images.unique().tolist() == [250]
    assert data.class_names == GTSRB_CLASSES


def test_gtsrb_fingerprint_is_of_the_content_not_of_the_place(tmp_path: Path):
    write_signs(tmp_path / "a/gtsrb")
    write_signs(tmp_path / "b/gtsrb", "png")
    write_signs(tmp_path / "c/gtsrb")
    write(tmp_path / "c/gtsrb/GTSRB/Training/00042/00001_00001.ppm", 0)
    a, b, c = (load(tmp_path / name).fingerprint for name in "abc")
    assert a == b != c


def test_gtsrb_archives_are_torchvisions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    fetched = []
    monkeypatch.setattr(
        torchvision.datasets.gtsrb,
        "download_and_extract_archive",
        lambda url, download_root, md5: fetched.append((url, md5)),
    )
    for split in ("train", "test"):
        with pytest.raises(RuntimeError):
            torchvision.datasets.GTSRB(tmp_path, split, download=True)
    assert [(*each.urls, each.served.removeprefix("md5:")) for each in GTSRB_ARCHIVES] == fetched


def test_gtsrb_unpacks_archives_that_lie_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    signs, base = tmp_path / "signs", tmp_path / "gtsrb/gtsrb"
    write_signs(signs)
    base.mkdir(parents=True)
    archives = []
    for archive in GTSRB_ARCHIVES:
        part = signs / archive.holds
        with zipfile.ZipFile(base / archive.name, "w") as target:
            for path in [part, *part.rglob("*")]:
                target.write(path, path.relative_to(signs))
        md5 = hashlib.md5((base / archive.name).read_bytes()).hexdigest()
        archives.append(replace(archive, served=f"md5:{md5}", urls=("http://127.0.0.1:9/",)))
    monkeypatch.setattr(module, "GTSRB_ARCHIVES", tuple(archives))
    assert len(load(tmp_path).train_labels) == 172
    shutil.rmtree(base)
    with pytest.raises(DownloadError, match=r"GTSRB-Training_fixed\.zip"):
        GTSRB.prepare(DataRequest(data_dir=tmp_path))


def test_gtsrb_without_download_says_what_is_missing_and_where(tmp_path: Path):
    write_signs(tmp_path / "gtsrb")
    (tmp_path / "gtsrb/GT-final_test.csv").unlink()
    with pytest.raises(DataNotFoundError) as error:
        GTSRB.prepare(offline(tmp_path))
    assert str(error.value).startswith(
        f"gtsrb: GT-final_test.csv not found in {tmp_path / 'gtsrb/gtsrb'} nor in "
        f"{tmp_path / 'gtsrb'}."
    )
    for word in ("data.download", "GTSRB_Final_Test_GT.zip", "data.dir"):
        assert word in str(error.value)


def test_gtsrb_names_damaged_images_before_any_trial(tmp_path: Path):
    write_signs(tmp_path / "gtsrb")
    damaged = tmp_path / "gtsrb/GTSRB/Training/00003/00001_00000.ppm"
    damaged.write_bytes(damaged.read_bytes()[:100])
    with pytest.raises(CorruptDataError, match=r"1 of 172 .*00003/00001_00000\.ppm \(.*truncated"):
        GTSRB.prepare(offline(tmp_path))
    lines: list[str] = []
    request = replace(offline(tmp_path), skip_corrupt=True, warn=lines.append)
    GTSRB.prepare(request)
    assert len(lines) == 1
    data = GTSRB.load(request)
    check_image_data("gtsrb", data)
    assert data.train_images[:, 0, 0, 0].tolist() == [*range(14), *range(15, 172)]
    assert data.groups is not None
    assert (data.groups == 300_001).sum() == 1


def test_training_images_must_tell_their_track(tmp_path: Path):
    write_signs(tmp_path)
    write(tmp_path / "GTSRB/Training/00042/sign.ppm", 0)
    with pytest.raises(CorruptDataError, match=r"00042/sign\.ppm: expected a name like"):
        read_training(tmp_path / "GTSRB/Training")


def test_every_class_must_have_training_images(tmp_path: Path):
    write_signs(tmp_path)
    shutil.rmtree(tmp_path / "GTSRB/Training/00007")
    with pytest.raises(CorruptDataError, match=r"00007: expected images, found none"):
        read_training(tmp_path / "GTSRB/Training")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("00000.ppm;50;50;5;5;44;44;43\n", r"expected classes 0\.\.42, got 43"),
        ("00000.ppm;50;50;5;5;44;44;x\n", "expected lines of Filename"),
        ("00000.ppm;50;50\n", "expected lines of Filename"),
        ("00009.ppm;50;50;5;5;44;44;1\n", r"not found: 00009\.ppm \(1 in all\)"),
        ("", "expected the images that"),
    ],
)
def test_table_of_test_classes_must_fit(tmp_path: Path, lines: str, message: str):
    write_signs(tmp_path)
    table = tmp_path / "GT-final_test.csv"
    table.write_text(HEAD + lines)
    with pytest.raises(CorruptDataError, match=message):
        read_test(tmp_path / "GTSRB/Final_Test/Images", table)


def test_table_of_test_classes_without_classes_is_refused(tmp_path: Path):
    write_signs(tmp_path)
    table = tmp_path / "GT-final_test.csv"
    table.write_text("Filename;Width\n00000.ppm;50\n")
    with pytest.raises(CorruptDataError, match="got: KeyError"):
        read_test(tmp_path / "GTSRB/Final_Test/Images", table)


def test_class_names_are_43_different_ones():
    assert len(set(GTSRB_CLASSES)) == 43
    # the folder's number is the position: known by their pictures
    assert GTSRB_CLASSES[14] == "Stop"
    assert GTSRB_CLASSES[13] == "Yield"
    assert GTSRB_CLASSES[40] == "Roundabout mandatory"


def linked(folder: Path, data_dir: Path) -> Path:
    """Make `folder` the gtsrb of `data_dir`: decoded anew, and nothing is written beside it."""
    (data_dir / "gtsrb").symlink_to(folder)
    return data_dir


@pytest.fixture(scope="module")
def real(test_data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    return load(linked(test_data_dir / "gtsrb", tmp_path_factory.mktemp("data")))


def test_real_signs_are_what_torchvision_reads(real: ImageData, test_data_dir: Path):
    check_image_data("gtsrb", real)
    spec = next(spec for spec in register_datasets() if spec.name == "gtsrb")
    assert spec.sizes is not None
    assert real.train_images.shape[1:] == spec.input_shape
    assert (len(real.train_labels), len(real.test_labels)) == (26_638, spec.sizes[1])
    for split, images, labels in (
        ("train", real.train_images, real.train_labels),
        ("test", real.test_images, real.test_labels),
    ):
        theirs = torchvision.datasets.GTSRB(test_data_dir / "gtsrb", split)
        assert [label for _, label in theirs._samples] == labels.tolist()
        for position in range(0, len(theirs), 997):
            pixels = torch.from_numpy(np.array(theirs[position][0])).permute(2, 0, 1)
            assert torch.equal(images[position], pixels)  # these images are 32x32 already


def test_real_signs_of_original_size_are_resized_with_antialiasing(
    test_data_dir: Path, tmp_path: Path
):
    data = load(linked(test_data_dir / "gtsrb_original/gtsrb", tmp_path))
    assert data.train_images.shape[1:] == (3, 32, 32)
    theirs = torchvision.datasets.GTSRB(test_data_dir / "gtsrb_original", "train")
    assert len(theirs) == len(data.train_labels) == 860
    sizes = set()
    for position in range(0, 860, 7):
        image = torch.from_numpy(np.array(theirs[position][0])).permute(2, 0, 1)
        sizes.add(tuple(image.shape[1:]))
        expected = functional.resize(image, [32, 32], antialias=True)
        # both round sums of fixed-point weights, each in its own way
        assert (data.train_images[position].int() - expected.int()).abs().max() <= 2
    assert len(sizes) > 30


@pytest.mark.parametrize("seed", range(5))
def test_real_split_leaves_no_track_on_both_sides(real: ImageData, seed: int):
    settings = DataSettings(dataset="gtsrb", validation_split=0.2)
    prepared = prepare_images(real, settings, seed, torch.device("cpu"))
    assert real.groups is not None
    sides = prepared.split.train, prepared.split.validation
    train, validation = (set(real.groups[side].tolist()) for side in sides)
    assert train.isdisjoint(validation)
    assert len(train | validation) == 888
    share = len(prepared.split.validation) / len(real.train_labels)
    assert share == pytest.approx(0.2, abs=0.02)
    assert real.train_labels[prepared.split.validation].unique().numel() == 43
    assert real.train_labels[prepared.split.train].unique().numel() == 43


def test_real_random_split_would_leave_almost_every_track_on_both_sides(real: ImageData):
    settings = DataSettings(dataset="gtsrb", validation_split=0.2)
    prepared = prepare_images(replace(real, groups=None), settings, 0, torch.device("cpu"))
    assert real.groups is not None
    sides = prepared.split.train, prepared.split.validation
    train, validation = (set(real.groups[side].tolist()) for side in sides)
    # 1 - 0.8**30: a track of 30 has an image on both sides but for one time in 800
    assert len(train & validation) > 0.99 * 888


def test_real_tracks_have_thirty_images(real: ImageData):
    assert real.groups is not None
    _, sizes = real.groups.unique(return_counts=True)
    assert sizes.max() == 30
    assert (sizes == 30).sum() >= 886
