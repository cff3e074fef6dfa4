"""A trained network looked into while it classifies one example: its layers, and what they see."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from hpo_torch.models.size import count_parameters
from hpo_torch.results.activation_maps import MOST_MAPS, ActivationMaps, BlockMaps
from hpo_torch.results.architecture import Architecture, Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

_LARGEST_FLOAT16 = 65504.0


def describe_network(network: nn.Module, example: Tensor) -> Architecture:
    """Measure a network's layers by showing it an example.

    Args:
        network: Any module of modules; only those without modules of their own are layers.
        example: One input as a batch of one: float32 [1, C, H, W] or int64 [1, T].
    """
    layers: list[Layer] = []
    counted: set[int] = set()

    def see(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, _inputs: Any, output: Any) -> None:
            layers.append(_layer(name, module, output, counted))

        return hook

    leaves = {
        name: module for name, module in network.named_modules() if not list(module.children())
    }
    _show(network, example, {name: (leaf, see(name)) for name, leaf in leaves.items()})
    return Architecture(
        input_shape=list(example.shape[1:]),
        layers=layers,
        parameters=count_parameters(network),
    )


def look_at_image(
    network: nn.Module, example: Tensor | None, image: NDArray[Any] | None = None, label: int = -1
) -> ActivationMaps | None:
    """Keep a CNN's first filters, and what its blocks' activations put out for an image.

    Args:
        network: Of `hpo_torch.models.cnn`, or another, whose result is None.
        example: The image as the network gets it, float32 [1, C, H, W]; None keeps filters only.
        image: The image as it was, uint8 [H, W, C].
        label: Its class.
    """
    blocks = {
        name: block
        for name, block in network.named_children()
        if isinstance(getattr(block, "conv", None), nn.Conv2d)
    }
    if not blocks:
        return None
    first = next(iter(blocks.values())).get_submodule("conv").get_parameter("weight")
    filters = first.detach().float().cpu().contiguous().numpy()
    if example is None:
        return ActivationMaps(filters=filters)
    seen: list[BlockMaps] = []

    def see(name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            seen.append(_maps(name, output[0]))

        return hook

    watched = {
        name: (block.get_submodule("activation"), see(name)) for name, block in blocks.items()
    }
    _show(network, example, watched)
    return ActivationMaps(filters=filters, image=image, label=label, blocks=tuple(seen))


def _show(
    network: nn.Module,
    example: Tensor,
    watched: dict[str, tuple[nn.Module, Callable[[nn.Module, Any, Any], None]]],
) -> None:
    network.eval()
    with ExitStack() as hooks, torch.inference_mode():
        for module, hook in watched.values():
            hooks.callback(module.register_forward_hook(hook).remove)
        network(example)


def _layer(name: str, module: nn.Module, output: Any, counted: set[int]) -> Layer:
    # Recurrent layers return their states, and the last ones beside them.
    shown: Tensor = output if isinstance(output, torch.Tensor) else output[0]
    fresh = {id(p): p.numel() for p in module.parameters() if p.requires_grad}
    parameters = sum(size for weight, size in fresh.items() if weight not in counted)
    counted.update(fresh)
    return Layer(
        name=name,
        type=type(module).__name__,
        detail=module.extra_repr(),
        output_shape=list(shown.shape[1:]),
        parameters=parameters,
    )


def _maps(name: str, maps: Tensor) -> BlockMaps:
    """Keep the first maps of [M, h, w]; float16 ends at 65504."""
    kept = maps[:MOST_MAPS].float().clamp(-_LARGEST_FLOAT16, _LARGEST_FLOAT16)
    return BlockMaps(name, len(maps), kept.half().cpu().contiguous().numpy())
