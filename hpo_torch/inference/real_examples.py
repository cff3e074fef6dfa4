"""Raw examples for checking an exported program: real ones where they are, else made up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from hpo_torch.data.image_store import ImageStore
from hpo_torch.data.requests import data_request
from hpo_torch.data.spec import TextData
from hpo_torch.data.text_inputs import TextEncoder
from hpo_torch.errors import HpoTorchError
from hpo_torch.hooks.registry import installed_registry

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.config.schema import DataSettings
    from hpo_torch.data.spec import ImageData
    from hpo_torch.inference.trained_model import TrainedModel

EXAMPLES = 256
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class CheckExamples:
    """Examples as an exported program takes them, and what the checkpoint says of them.

    Attributes:
        inputs: uint8 images [N, C, H, W]; or token ids int64 [N, T] and their lengths [N].
        logits: float32 [N, classes], of the network from the checkpoint on inputs made as its
            training made them.
        what: What they are, for people.
    """

    inputs: tuple[Tensor, ...]
    logits: Tensor
    what: str

    def batch(self, start: int, stop: int) -> tuple[Tensor, ...]:
        """Return examples start..stop-1; texts are padded to the longest of them only."""
        some = tuple(tensor[start:stop] for tensor in self.inputs)
        if len(some) == 1:
            return some
        ids, lengths = some
        return ids[:, : int(lengths.max())].contiguous(), lengths


def check_examples(
    model: TrainedModel, settings: DataSettings | None, count: int = EXAMPLES
) -> CheckExamples:
    """Return up to `count` examples of the data set's test set; made-up ones where it is not here.

    Args:
        model: On the CPU.
        settings: Of the model's data set; None where it is not known.
        count: How many.
    """
    found = None if settings is None else _test_set(settings)
    if isinstance(found, TextData):
        positions = _spread(len(found.test_texts), count)
        texts = [found.test_texts[position] for position in positions.tolist()]
        return _of_texts(model, texts, "test examples")
    if found is not None:
        images = found.test_images[_spread(len(found.test_images), count)]
        if list(images.shape[1:]) == list(model.input_spec["shape"]):
            return _of_images(model, images, "test examples")
    if model.kind == "text":
        return _of_texts(model, _made_up_texts(model, count), "made-up texts (no test set here)")
    shape = (count, *model.input_spec["shape"])
    noise = torch.randint(0, 256, shape, dtype=torch.uint8, generator=_generator())
    return _of_images(model, noise, "made-up images (no test set here)")


def _test_set(settings: DataSettings) -> ImageData | TextData | None:
    """Return the data set if its files are here; nothing is downloaded."""
    try:
        request = data_request(settings.model_copy(update={"download": False}))
        loader = installed_registry().datasets.load(settings.dataset)
        loader.prepare(request)
        data: ImageData | TextData = loader.load(request)
    except HpoTorchError:
        return None
    return data


@torch.inference_mode()
def _of_images(model: TrainedModel, images: Tensor, what: str) -> CheckExamples:
    spec, labels = model.input_spec, torch.zeros(len(images), dtype=torch.int64)
    # Not the program's own normalisation: what training made of the images.
    store = ImageStore.build(
        images, labels, (spec["mean"], spec["std"]), torch.device("cpu"), channels_last=True
    )
    logits = model.network(store.batch(torch.arange(len(images)))[0])
    return CheckExamples((images.contiguous(),), logits, f"{len(images)} {what}")


@torch.inference_mode()
def _of_texts(model: TrainedModel, texts: list[str], what: str) -> CheckExamples:
    store = TextEncoder(model.input_spec).encode(texts)
    # One by one: a text's logits must not depend on its batch.
    alone = [store.batch(torch.tensor([position]))[0] for position in range(len(texts))]
    logits = torch.cat([model.network(ids) for ids in alone])
    ids = store.batch(torch.arange(len(texts)))[0]
    return CheckExamples((ids, store.lengths), logits, f"{len(texts)} {what}")


def _made_up_texts(model: TrainedModel, count: int) -> list[str]:
    """Return texts of known words, of 0 to `sequence_length` + 1 words each."""
    generator, tokens = _generator(), model.input_spec["tokens"]
    longest = model.input_spec["sequence_length"] + 1
    lengths = torch.randint(0, longest + 1, (count,), generator=generator).tolist()
    return [
        " ".join(
            tokens[number]
            for number in torch.randint(0, len(tokens), (length,), generator=generator).tolist()
        )
        for length in lengths
    ]


def _spread(size: int, count: int) -> Tensor:
    """Return up to `count` positions, evenly spread: sets may be sorted by class."""
    return torch.linspace(0, size - 1, min(size, count), dtype=torch.float64).round().long()


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(_SEED)
