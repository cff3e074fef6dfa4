"""The conformance suite of data sets: subclass it and run pytest.

class TestMySet(DatasetSuite):
    spec = MY_SPEC

    @classmethod
    def make_request(cls, folder):
        return DataRequest(data_dir=Path("/where/its/files/are"), download=False)
"""

# ruff: noqa: D102, PLR2004 - the name of a test says what it tests

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from hpo_torch.errors import DataNotFoundError
from hpo_torch.hooks.lazy import resolve
from hpo_torch.testing.prepare_guard import heavy_modules_of_prepare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from hpo_torch.data.spec import DataRequest, ImageData, TextData
    from hpo_torch.hooks.records import DatasetSpec

_FRACTION, _SEED = 0.2, 42


@dataclass(frozen=True, slots=True)
class Loaded:
    """A set that was prepared and loaded once for all tests of a suite.

    Attributes:
        loader: What the spec's target is.
        request: What it was given.
        data: What it returned.
        again: What it returned the second time.
    """

    loader: Any
    request: DataRequest
    data: ImageData | TextData
    again: ImageData | TextData


class DatasetSuite:
    """What every data set must do, tested through its spec and loader alone.

    Attributes:
        spec: The data set.
        embedded: Whether its examples come with installed packages, so that it needs no files.
        whole: Whether the request's files are the whole set; otherwise sizes are not compared.
    """

    spec: ClassVar[DatasetSpec]
    embedded: ClassVar[bool] = False
    whole: ClassVar[bool] = True
    _loaded: ClassVar[Loaded | None] = None

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        """Say where the files are; called once.

        Args:
            folder: Empty, for files that you make; pytest deletes it.
        """
        raise NotImplementedError

    @classmethod
    def make_changed_request(cls, folder: Path) -> DataRequest | None:
        """Say where files with other content are; None where there can be none."""
        return None

    @classmethod
    def load(cls, folder: Path) -> Loaded:
        """Prepare the set once, and load it twice."""
        request = cls.make_request(folder)
        loader = resolve("dataset", cls.spec)
        loader.prepare(request)
        return Loaded(loader, request, loader.load(request), loader.load(request))

    @pytest.fixture
    def loaded(self, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
        """Give a test the set; it is loaded for the first test of a class."""
        suite = type(self)
        if suite._loaded is None:
            suite._loaded = self.load(tmp_path_factory.mktemp("data"))
        return suite._loaded

    @classmethod
    def teardown_class(cls) -> None:
        """Let go of the set."""
        cls._loaded = None

    @pytest.fixture
    def data(self, loaded: Loaded) -> ImageData | TextData:
        """Give a test the set."""
        return loaded.data

    def test_prepare_can_be_repeated_and_changes_nothing(self, loaded: Loaded) -> None:
        before = _files(loaded.request)
        loaded.loader.prepare(loaded.request)
        assert _files(loaded.request) == before

    def test_prepare_imports_nothing_heavy(self, loaded: Loaded) -> None:
        assert heavy_modules_of_prepare(self.spec.target, loaded.request) == []

    def test_prepare_without_files_or_download_finds_nothing(
        self, loaded: Loaded, tmp_path: Path
    ) -> None:
        nowhere = tmp_path / "nowhere"
        request = replace(
            loaded.request,
            data_dir=nowhere,
            path=None if loaded.request.path is None else nowhere / loaded.request.path.name,
            download=False,
        )
        if self.embedded:
            loaded.loader.prepare(request)
        else:
            with pytest.raises(DataNotFoundError):
                loaded.loader.prepare(request)

    def test_labels_are_whole_numbers_one_an_example(self, data: ImageData | TextData) -> None:
        import torch

        for examples, labels in _parts(data):
            assert labels.dtype == torch.int64
            assert labels.shape == (len(examples),)
            assert len(labels) > 0

    def test_labels_are_in_range_and_every_class_trains(self, data: ImageData | TextData) -> None:
        classes = set(range(len(data.class_names)))
        assert set(data.train_labels.tolist()) == classes
        assert set(data.test_labels.tolist()) <= classes

    def test_class_names_are_unique_words(self, data: ImageData | TextData) -> None:
        assert len(set(data.class_names)) == len(data.class_names) >= 2
        assert all(name.strip() for name in data.class_names)

    def test_examples_are_what_the_kind_says(self, data: ImageData | TextData) -> None:
        if self.spec.kind == "image":
            _check_images(data)
        else:
            _check_texts(data)

    def test_facts_are_those_of_the_spec_or_described(self, loaded: Loaded) -> None:
        data: Any = loaded.data
        known = self.spec.num_classes is not None
        facts = self.spec if known else loaded.loader.describe(loaded.request)
        shape = tuple(data.train_images.shape[1:]) if self.spec.kind == "image" else ()
        assert (facts.num_classes, facts.input_shape) == (len(data.class_names), shape)
        if self.whole:
            assert facts.sizes == tuple(len(labels) for _, labels in _parts(data))

    def test_split_parts_are_disjoint_and_everything(self, data: ImageData | TextData) -> None:
        split = _split(data, _SEED)
        train, validation = set(split.train.tolist()), set(split.validation.tolist())
        assert not train & validation
        assert train | validation == set(range(len(data.train_labels)))

    def test_split_has_the_same_share_of_every_class(self, data: ImageData | TextData) -> None:
        import torch

        if data.groups is not None:
            pytest.skip("groups stay together: shares are only near")
        everything = torch.bincount(data.train_labels)
        validation = torch.bincount(data.train_labels[_split(data, _SEED).validation])
        assert (validation - _FRACTION * everything).abs().max() <= 1

    def test_split_depends_on_the_seed_alone(self, data: ImageData | TextData) -> None:
        import torch

        first, again, other = (_split(data, seed) for seed in (_SEED, _SEED, _SEED + 1))
        assert torch.equal(first.validation, again.validation)
        assert not torch.equal(first.validation, other.validation)

    def test_split_keeps_groups_together(self, data: ImageData | TextData) -> None:
        if data.groups is None:
            pytest.skip("this data set has no groups")
        assert data.groups.shape == data.train_labels.shape
        split = _split(data, _SEED)
        assert not set(data.groups[split.train].tolist()) & set(
            data.groups[split.validation].tolist()
        )

    def test_loading_again_gives_the_same(self, loaded: Loaded) -> None:
        import torch

        first, again = loaded.data, loaded.again
        assert again.class_names == first.class_names
        for (examples, labels), (others, other_labels) in zip(
            _parts(first), _parts(again), strict=True
        ):
            assert torch.equal(labels, other_labels)
            if isinstance(examples, torch.Tensor) and isinstance(others, torch.Tensor):
                assert torch.equal(examples, others)
            else:
                assert list(examples) == list(others)

    def test_fingerprint_is_that_of_the_content(self, loaded: Loaded, tmp_path: Path) -> None:
        assert loaded.data.fingerprint
        assert loaded.again.fingerprint == loaded.data.fingerprint
        changed = self.make_changed_request(tmp_path)
        if changed is not None:
            loaded.loader.prepare(changed)
            assert loaded.loader.load(changed).fingerprint != loaded.data.fingerprint


def _parts(data: Any) -> tuple[tuple[Sequence[str] | Tensor, Tensor], ...]:
    """Return examples and labels of the training and of the test part."""
    if hasattr(data, "train_images"):
        return (data.train_images, data.train_labels), (data.test_images, data.test_labels)
    return (data.train_texts, data.train_labels), (data.test_texts, data.test_labels)


def _files(request: DataRequest) -> dict[str, tuple[int, int]]:
    """Return size and time of change (ns) of every file that the request reaches."""
    roots = [root for root in (request.data_dir, request.path) if root is not None]
    found = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def _check_images(data: Any) -> None:
    import torch

    from hpo_torch.data.pixel_statistics import pixel_statistics

    for images in (data.train_images, data.test_images):
        assert images.dtype == torch.uint8
        assert images.ndim == 4
        assert images.shape[1] in {1, 3}
        assert images.shape[1:] == data.train_images.shape[1:]
        mean, std = pixel_statistics(images)
        assert all(0 <= value <= 1 for value in mean)
        assert all(math.isfinite(value) for value in std)
        assert any(value > 0 for value in std)  # not all images are of one colour


def _check_texts(data: Any) -> None:
    for texts in (data.train_texts, data.test_texts):
        lengths = [len(text.split()) for text in texts]
        assert all(isinstance(text, str) for text in texts)
        assert sum(length > 0 for length in lengths) > len(lengths) / 2
        assert len({hash(text) for text in texts}) > 1


def _split(data: ImageData | TextData, seed: int) -> Any:
    from hpo_torch.data.splits import stratified_split

    return stratified_split(data.train_labels, _FRACTION, seed, data.groups)
