"""What a convolutional network looks for, and sees in one image: activation_maps.npz."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from hpo_torch.results.array_files import read_arrays, require, write_arrays

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MOST_MAPS: Final = 16
"""So many maps of a block are kept: those of its first filters."""


@dataclass(frozen=True, slots=True, eq=False)
class BlockMaps:
    """What a convolution block's activation put out for the example.

    Attributes:
        name: Of the block: "conv1".
        channels: How many maps it has.
        maps: float16 [M, h, w], the first M of them, at most `MOST_MAPS`.
    """

    name: str
    channels: int
    maps: NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ActivationMaps:
    """The first convolution's filters, and every block's maps of one example.

    Attributes:
        filters: float32 [F, C, k, k], the first convolution's weights.
        image: uint8 [H, W, C], the example of the test set whose class the network is surest of,
            rightly; None where it was never right.
        label: The example's class; -1 without an example.
        blocks: In forward order; none without an example.
    """

    filters: NDArray[np.float32]
    image: NDArray[np.uint8] | None = None
    label: int = -1
    blocks: tuple[BlockMaps, ...] = ()

    def write(self, path: Path) -> None:
        """Write the file, atomically; raises OutputError."""
        arrays: dict[str, NDArray[Any]] = {
            "filters": self.filters,
            "label": np.array(self.label),
            "blocks": np.array([block.name for block in self.blocks], dtype=np.str_),
            "channels": np.array([block.channels for block in self.blocks], dtype=np.int64),
        }
        if self.image is not None:
            arrays["image"] = self.image
        arrays |= {f"maps_of_{block.name}": block.maps for block in self.blocks}
        write_arrays(path, arrays)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises:
            OutputError: The file is missing or damaged; the message names it.
        """
        arrays = read_arrays(path, "filters", "label", "blocks", "channels")
        names = [str(name) for name in arrays["blocks"]]
        require(path, arrays, (f"maps_of_{name}" for name in names))
        return cls(
            filters=arrays["filters"],
            image=arrays.get("image"),
            label=int(arrays["label"]),
            blocks=tuple(
                BlockMaps(name, int(channels), arrays[f"maps_of_{name}"])
                for name, channels in zip(names, arrays["channels"], strict=True)
            ),
        )
