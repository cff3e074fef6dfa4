"""A network's layers as they ran: best_model/architecture.json."""

from __future__ import annotations

from pydantic import Field

from hpo_torch.protocol.measurements import Frozen


class Layer(Frozen):
    """One layer, each time it ran.

    Attributes:
        name: Its path in the network: "conv1.activation".
        type: Its class: "Conv2d".
        detail: Its settings, as torch prints them: "1, 16, kernel_size=(3, 3), ...".
        output_shape: Of one example, without the batch.
        parameters: Trainable ones; 0 where a layer, or its weights, ran before.
    """

    name: str
    type: str
    detail: str
    output_shape: list[int]
    parameters: int = Field(ge=0)


class Architecture(Frozen):
    """A network, measured by showing it one example.

    Attributes:
        input_shape: Of the example, without the batch: (channels, height, width) of an image,
            (tokens,) of a text.
        layers: In the order they ran.
        parameters: Trainable parameters of the whole network.
    """

    input_shape: list[int]
    layers: list[Layer]
    parameters: int = Field(ge=0)

    @property
    def convolutional(self) -> bool:
        """Whether a layer is a convolution."""
        return any(layer.type == "Conv2d" for layer in self.layers)
