"""A trained classifier that takes what people have: image files, pixels, texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from hpo_torch.data.text_inputs import TextEncoder
from hpo_torch.inference.image_inputs import ImageEncoder, listed_images
from hpo_torch.inference.programs import program_of
from hpo_torch.inference.text_inputs import TextBatches, listed_texts

if TYPE_CHECKING:
    from torch import Tensor

    from hpo_torch.training.lightning_module import Classifier


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one example.

    Attributes:
        class_names: Every class.
        probabilities: Of each of them, 0..1; they add up to 1.
    """

    class_names: tuple[str, ...]
    probabilities: tuple[float, ...]

    @property
    def label(self) -> str:
        """Name of the most probable class."""
        return self.top(1)[0][0]

    @property
    def probability(self) -> float:
        """The most probable class's probability."""
        return self.top(1)[0][1]

    def top(self, count: int) -> list[tuple[str, float]]:
        """Return the `count` most probable classes with their probabilities, falling."""
        pairs = zip(self.class_names, self.probabilities, strict=True)
        return sorted(pairs, key=lambda pair: -pair[1])[:count]


class TrainedModel:
    """A trained network with everything before it; made by `hpo_torch.load_model`.

    Attributes:
        kind: What it takes: "image" or "text".
        class_names: One per class, in the order of the logits.
        input_spec: From the checkpoint: what turns raw examples into the network's inputs.
        network: The network alone, in eval mode.
        program: The network and the tensor operations before it.
        device: Where it computes.
    """

    def __init__(self, classifier: Classifier, device: torch.device) -> None:
        self.class_names = tuple(classifier.hparams["class_names"])
        self.input_spec: dict[str, Any] = dict(classifier.hparams["input_spec"])
        self.kind: str = self.input_spec["kind"]
        self.device = device
        self.network = classifier.network.eval().requires_grad_(requires_grad=False)
        self.program = program_of(self.network, self.input_spec).to(device)
        self.encoder: ImageEncoder | TextBatches = (
            TextBatches(TextEncoder(self.input_spec))
            if self.kind == "text"
            else ImageEncoder(self.input_spec)
        )

    def predict(self, inputs: Any) -> list[Prediction]:
        """Classify examples.

        Args:
            inputs: One or a list. Of images: paths of files, Pillow images, uint8 pixels [H, W],
                [H, W, channels] or [channels, H, W], or one array or tensor of four dimensions;
                any size and mode (see `hpo_torch.data.image_files`). Of texts: strings.

        Returns:
            One prediction per example, in order.

        Raises:
            DataError: A file cannot be read.
            InvalidValueError: Something is none of these.
        """
        return [
            Prediction(self.class_names, tuple(row))
            for row in self.logits(inputs).double().softmax(dim=1).tolist()
        ]

    @torch.inference_mode()
    def logits(self, inputs: Any) -> Tensor:
        """Return float32 [N, classes] on the CPU; inputs and errors as of `predict`."""
        listed = listed_texts(inputs) if self.kind == "text" else listed_images(inputs)
        logits = torch.empty(len(listed), len(self.class_names))
        if len(listed) == 0:
            return logits
        for positions, batch in self.encoder.batches(listed):
            there = (tensor.to(self.device) for tensor in batch)
            logits[positions] = self.program(*there).float().cpu()
        return logits

    def __repr__(self) -> str:
        what = f"{self.kind}s as one of {len(self.class_names)} classes"
        return f"<TrainedModel: classifies {what} on {self.device}>"
