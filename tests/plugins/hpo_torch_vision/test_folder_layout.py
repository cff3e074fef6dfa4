from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hpo_torch.plugin_api import DataError, DataNotFoundError
from hpo_torch_vision.folder_layout import LabelledFile, list_labelled, read_layout, visible_folders

if TYPE_CHECKING:
    from pathlib import Path


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_layout_of_class_folders_sets_a_fixed_fifth_apart(tmp_path: Path):
    touch(tmp_path, *(f"{name}/{number}.png" for name in ("dog", "cat") for number in range(10)))
    touch(tmp_path, "notes.txt", ".hidden/x.png", "cat/readme.md", "cat/deeper/z.png")
    layout = read_layout(tmp_path)
    assert layout.class_names == ("cat", "dog")
    assert len(layout.names) == len(set(layout.names)) == 21
    assert "cat/deeper/z.png" in layout.names
    for name, label in zip(layout.names, layout.labels, strict=True):
        assert name.startswith(layout.class_names[label])
    assert layout.test.tolist() == [False] * 17 + [True] * 4
    assert sorted(layout.labels[layout.test]) == [0, 0, 1, 1]
    assert (layout.own_test, layout.validation_folder) == (False, None)
    again = read_layout(tmp_path)
    assert again.names == layout.names


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "VALID", "Testing"), ("train", None, "test")]
)
def test_layout_of_parts_joins_validation_with_training(
    tmp_path: Path, names: tuple[str, str | None, str]
):
    train, validation, test = names
    touch(tmp_path, f"{train}/a/1.png", f"{train}/b/2.png", f"{test}/b/4.png", f"{test}/a/5.png")
    if validation:
        touch(tmp_path, f"{validation}/a/3.png")
    layout = read_layout(tmp_path)
    expected = [f"{train}/a/1.png", f"{train}/b/2.png", f"{test}/a/5.png", f"{test}/b/4.png"]
    if validation:
        expected.insert(2, f"{validation}/a/3.png")
    assert list(layout.names) == expected
    assert layout.labels.tolist() == ([0, 1, 0, 0, 1] if validation else [0, 1, 0, 1])
    assert layout.test.sum() == 2
    assert layout.own_test
    assert layout.validation_folder == validation


def test_layout_of_parts_without_test_sets_a_fifth_apart(tmp_path: Path):
    touch(tmp_path, *(f"train/{name}/{number}.png" for name in "ab" for number in range(5)))
    layout = read_layout(tmp_path)
    assert layout.test.tolist() == [False] * 8 + [True] * 2
    assert not layout.own_test


def test_folders_named_as_parts_among_others_are_classes(tmp_path: Path):
    touch(tmp_path, "train/1.png", "bus/2.png")
    assert read_layout(tmp_path).class_names == ("bus", "train")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["val/a/1.png", "test/a/1.png"], "expected one folder 'train'"),
        (["train/a/1.png", "training/a/1.png"], "at most one of validation"),
        (["train/a/1.png", "train/b/1.png", "test/c/1.png"], "test: classes c are not in"),
    ],
)
def test_layout_says_what_is_wrong_with_parts(tmp_path: Path, files: list[str], message: str):
    touch(tmp_path, *files)
    with pytest.raises(DataError, match=message):
        read_layout(tmp_path)


def test_layout_of_no_folder(tmp_path: Path):
    with pytest.raises(DataNotFoundError, match="expected a folder of images"):
        read_layout(tmp_path / "nowhere")


def test_visible_folders_are_sorted(tmp_path: Path):
    for name in ("b", "a", ".cache"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    assert visible_folders(tmp_path) == ["a", "b"]


def test_list_labelled_takes_whatever_there_is(tmp_path: Path):
    touch(tmp_path, "one/cat/a.png", "one/cat/deep/b.jpg", "one/cat/x.txt", "two/Val/dog/c.png")
    assert list_labelled(tmp_path / "one") == [
        LabelledFile("cat/a.png", "cat", None),
        LabelledFile("cat/deep/b.jpg", "cat", None),
    ]
    assert list_labelled(tmp_path / "two") == [LabelledFile("Val/dog/c.png", "dog", "validation")]
    with pytest.raises(DataNotFoundError, match="expected a folder of images"):
        list_labelled(tmp_path / "three")
