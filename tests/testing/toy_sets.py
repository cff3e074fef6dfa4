"""Data sets of numbers in a file, one right and the others each wrong in one way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import DataNotFoundError, DatasetFacts, ImageData, TextData

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.plugin_api import DataRequest


def write_set(folder: Path, brightest: int = 255) -> None:
    """Write the numbers of 60 + 20 images of 3 classes."""
    (folder / "numbers.txt").write_text(f"60 20 {brightest}\n", encoding="utf-8")


class Numbers:
    """Images of one channel, 4 x 4, made from the numbers in the file."""

    def prepare(self, request: DataRequest) -> None:
        self.file(request)

    def describe(self, request: DataRequest) -> DatasetFacts:
        return DatasetFacts(num_classes=3, input_shape=(1, 4, 4), sizes=(60, 20))

    def load(self, request: DataRequest) -> ImageData:
        import torch

        text = self.file(request).read_text(encoding="utf-8")
        train, test, brightest = map(int, text.split())
        pixels = torch.arange((train + test) * 16).reshape(-1, 1, 4, 4) % (brightest + 1)
        images, labels = pixels.to(torch.uint8), torch.arange(train + test) % 3
        return ImageData(
            train_images=images[:train],
            train_labels=labels[:train],
            test_images=images[train:],
            test_labels=labels[train:],
            class_names=("a", "b", "c"),
            fingerprint=text,
        )

    def file(self, request: DataRequest) -> Path:
        path = request.data_dir / "numbers.txt"
        if not path.exists():
            raise DataNotFoundError(f"{path} is not there")
        return path


class Texts(Numbers):
    """The same numbers in words."""

    def load(self, request: DataRequest) -> TextData:
        data = super().load(request)
        return TextData(
            train_texts=[f"number {n}" for n in range(60)],
            train_labels=data.train_labels,
            test_texts=[f"number {n}" for n in range(60, 80)],
            test_labels=data.test_labels,
            class_names=data.class_names,
            groups=data.train_labels.new_tensor(range(60)) // 3,
            fingerprint=data.fingerprint,
        )


class WritesAnew(Numbers):
    def prepare(self, request: DataRequest) -> None:
        path = self.file(request)
        path.write_text(f" {path.read_text(encoding='utf-8')}", encoding="utf-8")


class Heavy(Numbers):
    def prepare(self, request: DataRequest) -> None:
        import torch  # noqa: F401


class Downloads(Numbers):
    def prepare(self, request: DataRequest) -> None:
        request.data_dir.mkdir(exist_ok=True)
        if not (request.data_dir / "numbers.txt").exists():
            write_set(request.data_dir)


class Changed(Numbers):
    """Its images are right, but for what `changes` says."""

    def load(self, request: DataRequest) -> ImageData:
        return replace(super().load(request), **self.changes(super().load(request)))

    def changes(self, data: ImageData) -> dict[str, object]:
        raise NotImplementedError


class SmallLabels(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"train_labels": data.train_labels.int()}


class LabelTooHigh(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"test_labels": data.test_labels + 1}


class ClassNobodyHas(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"class_names": ("a", "b", "c", "d")}


class NameTwice(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"class_names": ("a", "b", "a")}


class FloatImages(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"train_images": data.train_images.float()}


class BlankImages(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"test_images": data.test_images * 0}


class NoFingerprint(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"fingerprint": ""}


class FingerprintOfNothing(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"fingerprint": "always the same"}


class AtRandom(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        import torch

        return {"train_images": torch.randint_like(data.train_images, 256)}


class Fewer(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"train_images": data.train_images[:57], "train_labels": data.train_labels[:57]}


class EmptyTexts(Texts):
    def load(self, request: DataRequest) -> TextData:
        return replace(super().load(request), test_texts=[""] * 20)


class OneGroup(Changed):
    def changes(self, data: ImageData) -> dict[str, object]:
        return {"groups": data.train_labels[:10]}


def __getattr__(name: str) -> Numbers:
    """Return the loader whose class has this name, in capitals."""
    kinds = {each.__name__.upper(): each for each in globals().values() if isinstance(each, type)}
    if name not in kinds:
        raise AttributeError(name)
    return kinds[name]()
