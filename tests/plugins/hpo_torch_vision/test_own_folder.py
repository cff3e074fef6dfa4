from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image

from hpo_torch.data.checks import check_image_data
from hpo_torch.plugin_api import (
    CorruptDataError,
    DataError,
    DataRequest,
    DatasetFacts,
    UsageError,
)
from hpo_torch_vision.own_folder import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


@pytest.fixture
def request_(tmp_path: Path) -> DataRequest:
    return DataRequest(data_dir=tmp_path / "data", path=tmp_path / "own", warn=pytest.fail)


def silent(request: DataRequest) -> DataRequest:
    return replace(request, warn=None)


@pytest.fixture
def animals(tmp_path: Path, write_image: Write) -> None:
    """Ten grey 16x24 images of each of two classes in train, two in test."""
    for label, name in enumerate(("cat", "dog")):
        for number in range(10):
            write_image(f"own/train/{name}/{number}.png", 100 * label + number, (16, 24))
        for number in range(2):
            write_image(f"own/test/{name}/{number}.png", 200 + 10 * label + number, (16, 24))


@pytest.mark.usefixtures("animals")
def test_folder_loads_what_is_there(request_: DataRequest):
    FOLDER.prepare(request_)
    assert FOLDER.describe(request_) == DatasetFacts(
        num_classes=2, input_shape=(1, 16, 24), sizes=(20, 4)
    )
    data = FOLDER.load(request_)
    check_image_data("folder", data)
    assert data.class_names == ("cat", "dog")
    assert data.train_images[:, 0, 0, 0].tolist() == [*range(10), *range(100, 110)]
    assert data.train_labels.tolist() == [0] * 10 + [1] * 10
    assert data.test_images[:, 0, 15, 23].tolist() == [200, 201, 210, 211]
    assert data.test_labels.tolist() == [0, 0, 1, 1]


@pytest.mark.usefixtures("animals")
def test_folder_resizes_as_asked(request_: DataRequest):
    request = replace(request_, image_size=48)
    FOLDER.prepare(request)
    assert FOLDER.describe(request).input_shape == (1, 32, 48)
    assert FOLDER.load(request).train_images.shape == (20, 1, 32, 48)


@pytest.mark.usefixtures("animals")
def test_folder_is_described_without_torch(request_: DataRequest):
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from hpo_torch.plugin_api import DataRequest\n"
        "from hpo_torch_vision.own_folder import FOLDER\n"
        "request = DataRequest(data_dir=Path(sys.argv[1]), path=Path(sys.argv[2]))\n"
        "FOLDER.prepare(request)\n"
        "print(FOLDER.describe(request).sizes)\n"
        "print({'torch', 'torchvision', 'sklearn'} & set(sys.modules))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(request_.data_dir), str(request_.path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "(20, 4)\nset()\n"


@pytest.mark.usefixtures("animals")
def test_folder_names_corrupt_files_and_skips_them_only_when_told(request_: DataRequest):
    assert request_.path is not None
    (request_.path / "train/cat/3.png").write_bytes(b"no image")
    whole = request_.path / "test/dog/0.png"
    whole.write_bytes(whole.read_bytes()[:40])
    with pytest.raises(CorruptDataError) as error:
        FOLDER.prepare(request_)
    assert "2 of 24 image files" in str(error.value)
    assert "train/cat/3.png (cannot identify" in str(error.value)
    assert "test/dog/0.png (" in str(error.value)
    lines: list[str] = []
    request = replace(request_, skip_corrupt=True, warn=lines.append)
    FOLDER.prepare(request)
    assert FOLDER.describe(request).sizes == (19, 3)
    assert len(lines) == 1
    assert "2 of 24 image files" in lines[0]
    data = FOLDER.load(silent(request))
    assert data.train_images[:, 0, 0, 0].tolist() == [0, 1, 2, *range(4, 10), *range(100, 110)]
    assert data.test_images[:, 0, 0, 0].tolist() == [200, 201, 211]


def test_folder_mixes_every_kind_of_file(request_: DataRequest, tmp_path: Path):
    own = tmp_path / "own"
    for name in "ab":
        (own / name).mkdir(parents=True)
        Image.new("L", (8, 8), 10).save(own / name / "grey.png")
        Image.new("RGBA", (8, 8), (10, 10, 10, 255)).save(own / name / "rgba.png")
        Image.new("P", (8, 8)).save(own / name / "palette.gif")
        Image.new("CMYK", (8, 8)).save(own / name / "cmyk.jpg")
        Image.fromarray(np.full((80, 8), 2570, np.uint16)).save(own / name / "deep.png")
    FOLDER.prepare(silent(request_))
    data = FOLDER.load(silent(request_))
    assert data.train_images.shape == (8, 3, 8, 8)
    values = torch.cat([data.train_images, data.test_images])[:, :, 0, 0]
    assert sorted(values.tolist()) == sorted([[10] * 3, [10] * 3, [10] * 3, [0] * 3, [255] * 3] * 2)


def test_folder_remarks_on_imbalance_validation_and_the_missing_test_set(
    request_: DataRequest, write_image: Write
):
    for number in range(26):
        write_image(f"own/train/many/{number}.png")
    for number in range(2):
        write_image(f"own/train/few/{number}.png")
    write_image("own/val/many/x.png")
    lines: list[str] = []
    FOLDER.prepare(replace(request_, warn=lines.append))
    assert [line.split(":")[0] for line in lines] == [
        "the images in 'val' join the training images",
        "no folder 'test'",
        "classes are unbalanced",
    ]
    assert "22 images of 'many', 2 of 'few'" in lines[2]


def test_folder_of_a_ratio_of_ten_is_not_remarked_on(request_: DataRequest, write_image: Write):
    for part, sizes in (("train", (20, 2)), ("test", (1, 1))):
        for name, size in zip("ab", sizes, strict=True):
            for number in range(size):
                write_image(f"own/{part}/{name}/{number}.png")
    FOLDER.prepare(request_)


def test_folder_needs_two_images_of_each_class(request_: DataRequest, write_image: Write):
    for number in range(10):
        write_image(f"own/plenty/{number}.png")
    write_image("own/one/0.png")
    assert request_.path is not None
    (request_.path / "empty").mkdir()
    with pytest.raises(DataError, match="classes empty, one have fewer than 2 images"):
        FOLDER.prepare(request_)


def test_folder_needs_two_classes(request_: DataRequest, write_image: Write):
    write_image("own/only/0.png")
    with pytest.raises(DataError, match="at least two class folders of images, got 1: only"):
        FOLDER.prepare(request_)


def test_folder_needs_something_to_test_with(request_: DataRequest, write_image: Write):
    for name in ("a/0", "a/1", "b/0", "b/1"):
        write_image(f"own/{name}.png")
    with pytest.raises(DataError, match="expected images to test with, got none: 4 images of 2"):
        FOLDER.prepare(request_)


def test_folder_needs_a_path(request_: DataRequest):
    with pytest.raises(UsageError, match="--data-path DIR"):
        FOLDER.prepare(replace(request_, path=None))


@pytest.mark.usefixtures("animals")
def test_examples_are_all_files_with_their_class_and_part(request_: DataRequest):
    found = FOLDER.examples(request_)
    assert len(found.inputs) == len(found.labels) == len(found.parts) == 24
    assert found.inputs[0] == request_.path / "test/cat/0.png"
    assert (found.labels[0], found.parts[0]) == ("cat", "test")
    assert sorted(set(found.parts)) == ["test", "train"]
    one_class = replace(request_, path=request_.path / "train")
    assert FOLDER.examples(one_class).parts is None


def test_examples_of_a_folder_without_images_are_an_error(request_: DataRequest):
    (request_.path / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="found no image in any"):
        FOLDER.examples(request_)
    with pytest.raises(UsageError, match="needs a folder of images"):
        FOLDER.examples(replace(request_, path=None))
