"""How large a CNN's feature maps are, and which stacks of blocks fit an image at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def block_sizes(
    size: int, *, conv_layers: int, kernel_size: int, padding: str, pool_size: int
) -> tuple[int, ...]:
    """Follow one side of an image through blocks of convolution (stride 1) and max pooling.

    Args:
        size: Height or width of the image, pixels.
        conv_layers: Number of blocks.
        kernel_size: Side of the convolution's square kernel.
        padding: "same" keeps the size, "valid" loses `kernel_size - 1`.
        pool_size: Side and stride of the pooling; what is left over at the border is dropped.

    Returns:
        The side after each block; fewer than `conv_layers` where the next block does not fit.
    """
    sizes: list[int] = []
    lost = kernel_size - 1 if padding == "valid" else 0
    for _ in range(conv_layers):
        size = (size - lost) // pool_size
        if size < 1:
            break
        sizes.append(size)
    return tuple(sizes)


def misfit(
    height: int, width: int, *, conv_layers: int, kernel_size: int, padding: str, pool_size: int
) -> str | None:
    """Say why the blocks do not fit a `height` x `width` image; None where they do."""
    smaller = min(height, width)
    sizes = block_sizes(
        smaller,
        conv_layers=conv_layers,
        kernel_size=kernel_size,
        padding=padding,
        pool_size=pool_size,
    )
    if len(sizes) == conv_layers:
        return None
    left = sizes[-1] if sizes else smaller
    return (
        f"With {conv_layers} conv layers, kernel {kernel_size} ({padding}) and pooling {pool_size} "
        f"on {height}x{width} images, layer {len(sizes) + 1} would get {left} pixels a side: "
        "too few."
    )


def block_filters(hyperparameters: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the filters of each block; the last has `filters`, earlier ones not more.

    >>> block_filters({"conv_layers": 3, "filters": 128, "filter_growth": 2})
    (32, 64, 128)
    """
    filters, growth = hyperparameters["filters"], hyperparameters["filter_growth"]
    blocks = range(hyperparameters["conv_layers"] - 1, -1, -1)
    return tuple(max(1, round(filters / growth**later)) for later in blocks)
