"""Examples with their classes, to score a trained model on: its data set's, or anybody's."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from hpo_torch.data.requests import data_request
from hpo_torch.data.spec import TextData
from hpo_torch.data.splits import stratified_split
from hpo_torch.errors import CorruptDataError, DataError, UnknownNameError, UsageError
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.inference.image_inputs import ImageEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.spec import DataRequest, ImageData, OwnExamples
    from hpo_torch.inference.trained_model import TrainedModel

Part = Literal["test", "validation"]

_LISTED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Examples that a model can be scored on.

    Attributes:
        inputs: N texts, or uint8 [N, C, H, W] of the model's shape.
        labels: int64 [N], in the order of the model's classes.
        what: What they are, for people.
    """

    inputs: Sequence[str] | Tensor
    labels: Tensor
    what: str = field(default="")


def part_of_data_set(
    model: TrainedModel,
    settings: DataSettings,
    split_seed: int,
    part: Part,
    warn: Callable[[str], None] | None = None,
) -> Labelled:
    """Return the official test set, or the part that validated, of the model's own data set.

    Args:
        model: Trained on it.
        settings: Of the run.
        split_seed: The run's: it decides which examples validate.
        part: Which.
        warn: Takes one line.

    Raises:
        DataError: Files are missing or damaged, or the set is not that of the training.
    """
    loader = installed_registry().datasets.load(settings.dataset)
    request = data_request(settings, warn=warn)
    loader.prepare(request)
    data: ImageData | TextData = loader.load(request)
    _check_same(model, settings.dataset, data)
    test = data.test_texts if isinstance(data, TextData) else data.test_images
    if part == "test":
        return Labelled(test, data.test_labels, f"the test set of {settings.dataset}")
    share = settings.validation_share
    chosen = stratified_split(data.train_labels, share, split_seed, data.groups).validation
    inputs: Sequence[str] | Tensor
    if isinstance(data, TextData):
        inputs = [data.train_texts[position] for position in chosen.tolist()]
    else:
        inputs = data.train_images[chosen]
    return Labelled(inputs, data.train_labels[chosen], f"the validation part of {settings.dataset}")


def own_examples(
    model: TrainedModel, request: DataRequest, reader: str | None, part: Part | None
) -> Labelled:
    """Return what the user's folder or table holds, whatever part of it is for training.

    Args:
        model: Whose classes they are of.
        request: `path`, columns, and whether unreadable files are left out.
        reader: Name of the data set of own data that reads it; None where there is one only.
        part: Of data whose user has told parts: which; the test part by default.

    Raises:
        DataError: It cannot be read, has other classes than the model, or no such part.
        UnknownNameError: No such reader.
    """
    found = _find_reader(model, reader).examples(request)
    names, chosen = {name: n for n, name in enumerate(model.class_names)}, _of_part(found, part)
    labels = [found.labels[position] for position in chosen]
    if unknown := sorted(set(labels) - set(names)):
        raise DataError(
            f"{request.path}: expected classes of this model "
            f"({_listing(model.class_names)}), got also {_listing(unknown)}"
        )
    inputs = [found.inputs[position] for position in chosen]
    codes = torch.tensor([names[label] for label in labels], dtype=torch.int64)
    what = str(request.path) if found.parts is None else f"{part or 'test'} part of {request.path}"
    if not isinstance(model.encoder, ImageEncoder):
        return Labelled([str(text) for text in inputs], codes, what)
    pixels, used = _decode(model.encoder, [Path(path) for path in inputs], request)
    return Labelled(pixels, codes[used], what)


def _find_reader(model: TrainedModel, name: str | None) -> Any:
    """Return the loader that lists the user's own examples of the model's kind."""
    datasets = installed_registry().datasets
    readers = [
        spec.name
        for spec in datasets
        if spec.kind == model.kind
        and not spec.has_facts
        and hasattr(datasets.load(spec.name), "examples")
    ]
    if name is None and len(readers) > 1:
        raise UsageError(
            f"several data sets read own {model.kind}s: {', '.join(readers)}. Choose one: --dataset"
        )
    chosen = name or next(iter(readers), "")
    if chosen not in readers:
        raise UnknownNameError(f"data set of own {model.kind}s", chosen, readers)
    return datasets.load(chosen)


def _of_part(found: OwnExamples, part: Part | None) -> list[int]:
    if found.parts is None:
        if part is not None:
            raise DataError(
                f"--split {part}: the data at --data-path are not divided into parts. "
                "Leave it out to score all of them."
            )
        return list(range(len(found.labels)))
    wanted = part or "test"
    chosen = [position for position, each in enumerate(found.parts) if each == wanted]
    if not chosen:
        raise DataError(
            f"the data at --data-path have no part '{wanted}', only "
            f"{_listing(sorted(set(found.parts)))}"
        )
    return chosen


def _decode(
    encoder: ImageEncoder, paths: Sequence[Path], request: DataRequest
) -> tuple[Tensor, list[int]]:
    """Return uint8 [N, C, H, W] of the files that can be read, and their positions."""
    pixels, used, problems = [], [], []
    for position, path in enumerate(paths):
        try:
            pixels.append(encoder.pixels(path))
            used.append(position)
        except DataError as error:
            problems.append(str(error))
    if problems:
        more = f" and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        told = f"{len(problems)} of {len(paths)} images: {'; '.join(problems[:_LISTED])}{more}"
        if not request.skip_corrupt or not used:
            others = "" if request.skip_corrupt else ", or leave them out: --skip-corrupt"
            raise CorruptDataError(f"{told}. Repair them{others}.")
        if request.warn is not None:
            request.warn(f"left out {told}")
    return torch.from_numpy(np.stack(pixels)), used


def _check_same(model: TrainedModel, name: str, data: ImageData | TextData) -> None:
    if tuple(data.class_names) != model.class_names:
        raise DataError(
            f"data set '{name}' has changed since the training: expected the classes "
            f"{_listing(model.class_names)}, got {_listing(data.class_names)}"
        )
    shape = () if isinstance(data, TextData) else tuple(data.test_images.shape[1:])
    if shape and list(shape) != list(model.input_spec["shape"]):
        raise DataError(
            f"data set '{name}' has changed since the training: expected images of the shape "
            f"{model.input_spec['shape']}, got {list(shape)}"
        )


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2 * _LISTED} more" if len(names) > 2 * _LISTED else ""
    return ", ".join(names[: 2 * _LISTED]) + more
