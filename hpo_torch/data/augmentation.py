"""Random changes to training images, batched on their device: no per-image Python."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

_GREY_WEIGHTS = (0.299, 0.587, 0.114)  # luma of red, green and blue, ITU-R BT.601


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """How much training images may be changed; each change is drawn anew for every image.

    Attributes:
        flip: Mirror half of the images left to right; in a training, the other half in the next
            epoch.
        shift: Furthest move in rows and in columns, pixels; less than a side.
        crop: Largest share of a side that is cut away, 0..1; what is left is scaled back up.
        affine: Strength of a random affine map: the image is turned by up to so many radians, each
            side scaled and one sheared by up to that share, 0..1.
        cutout: Side of a square that is blanked out, as a share of the shorter side, 0..1.
        colour: Brightness, contrast and, of RGB images, saturation are multiplied by factors from
            1 - colour to 1 + colour.
        channels: Share of images whose channels are put in a random order, 0..1.
    """

    flip: bool = False
    shift: int = 0
    crop: float = 0.0
    affine: float = 0.0
    cutout: float = 0.0
    colour: float = 0.0
    channels: float = 0.0

    @classmethod
    def of(cls, hyperparameters: Mapping[str, Any]) -> Self:
        """Read what the hyperparameters of `hpo_torch.search.cnn_space` say."""
        return cls(
            flip=hyperparameters["augment_flip"],
            shift=hyperparameters["augment_shift"],
            crop=hyperparameters["augment_crop"],
            affine=hyperparameters["augment_affine"],
            cutout=hyperparameters["augment_cutout"],
            colour=hyperparameters["augment_colour"],
            channels=hyperparameters["augment_channels"],
        )


class Augmenter:
    """Changes normalised batches as an `Augmentation` allows.

    Everything random comes in as numbers, so that what happens to an image does not depend on the
    device, on the batch size, or on what was drawn before.

    Args:
        augmentation: What may happen.
        mean: Of the batches' normalisation, by channel, on a scale of 0..1.
        std: Likewise; a channel with 0 was not scaled.

    Attributes:
        DRAWS: How many random numbers an image takes.
        FLIP: Which of them mirrors it, below 1/2.
    """

    DRAWS: ClassVar[int] = 17
    FLIP: ClassVar[int] = 0

    def __init__(
        self, augmentation: Augmentation, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        self.augmentation = augmentation
        self._mean = torch.tensor(mean, dtype=torch.float32)
        self._std = torch.tensor([deviation or 1.0 for deviation in std], dtype=torch.float32)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Change a batch; what the augmentation leaves out costs nothing.

        Args:
            images: float32 [B, C, H, W], normalised; not changed in place.
            draws: float32 [B, DRAWS] on the same device, uniform in 0..1 without 1.

        Returns:
            float32 [B, C, H, W], in the channels_last format if anything was done.
        """
        what = self.augmentation
        flip, shift, crop, affine, cutout, colour, channels = torch.split(
            draws, [1, 2, 3, 4, 2, 3, 2], dim=1
        )
        if what.channels:
            images = reorder_channels(images, channels[:, 0] < what.channels, channels[:, 1])
        if what.colour:
            statistics = (self._mean.to(images.device), self._std.to(images.device))
            factors = 1 + what.colour * (2 * colour - 1)
            images = jitter_colours(images, factors, statistics)
        if what.crop or what.affine:
            windows = crop_windows(1 - what.crop * crop[:, 0], crop[:, 1:])
            height, width = images.shape[2:]
            maps = affine_maps(what.affine * (2 * affine - 1), height / width)
            images = sampled(images, torch.bmm(windows, maps)[:, :2])
        if what.flip or what.shift:
            steps = (shift * (2 * what.shift + 1)).floor().long() - what.shift
            images = shift_and_flip(images, steps, (flip[:, 0] < 1 / 2) & what.flip)
        if what.cutout:
            images = cut_out(images, round(what.cutout * min(images.shape[2:])), cutout)
        return images


def jitter_colours(images: Tensor, factors: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
    """Change brightness, then contrast, then saturation, as torchvision's ColorJitter may.

    Values are not cut off at 0 and 1: they were normalised already. All three changes are affine
    in a pixel's channels, so they are one small matrix an image.

    Args:
        images: float32 [B, C, H, W], normalised.
        factors: float32 [B, 3] of the three changes; 1 changes nothing. Saturation is left alone
            unless C is 3.
        statistics: Mean and standard deviation [C] of the normalisation.
    """
    count, channels, height, width = images.shape
    mean, std = statistics
    brightness, contrast, saturation = factors.unsqueeze(2).unbind(dim=1)
    luma = _luma(channels, images.device)
    # The grey level that contrast pulls towards: the mean of the brightened image.
    level = brightness * ((images.mean(dim=(2, 3)) * std + mean) @ luma).unsqueeze(1)
    scale, offset = brightness * contrast, (1 - contrast) * level
    identity = torch.eye(channels, device=images.device)
    to_grey = luma.expand(channels, channels)
    if channels == len(_GREY_WEIGHTS):
        share = saturation.unsqueeze(2)
        mixing = share * identity + (1 - share) * to_grey
    else:
        mixing = identity.expand(count, channels, channels)
    mixing = scale.unsqueeze(2) * mixing
    # So far of pixels on a scale of 0..1: raw' = mixing raw + offset. Now of normalised ones.
    offset = (mixing @ mean + offset - mean) / std
    mixing = mixing * std / std.unsqueeze(1)
    pixels = images.permute(0, 2, 3, 1).reshape(count, height * width, channels)
    # On a CPU bmm and add_ together take half as long as baddbmm.
    changed = torch.bmm(pixels, mixing.transpose(1, 2)).add_(offset.unsqueeze(1))
    return changed.view(count, height, width, channels).permute(0, 3, 1, 2)


def reorder_channels(images: Tensor, chosen: Tensor, draws: Tensor) -> Tensor:
    """Put the channels of some images in a random order, each order (the old one too) as likely.

    Done to normalised values, so that each channel of the result is distributed as before.

    Args:
        images: float32 [B, C, H, W].
        chosen: bool [B], which images may change.
        draws: float32 [B], 0..1 without 1: which order.
    """
    count, channels, height, width = images.shape
    orders = torch.tensor(list(permutations(range(channels))), device=images.device)
    which = torch.where(chosen, (draws * len(orders)).long(), 0)  # 0 keeps the order
    matrices = torch.eye(channels, device=images.device)[orders[which]]
    pixels = images.permute(0, 2, 3, 1).reshape(count, height * width, channels)
    changed = torch.bmm(pixels, matrices.transpose(1, 2))
    return changed.view(count, height, width, channels).permute(0, 3, 1, 2)


def crop_windows(sides: Tensor, places: Tensor) -> Tensor:
    """Return the maps [B, 3, 3] that show a window of each image, scaled up to its size.

    Like all maps here they lead from where a pixel of the result lies to where it comes from, in
    homogeneous (x, y), each from -1 to 1 over the image.

    Args:
        sides: float32 [B], the window's height and width as shares of the image's, 0..1.
        places: float32 [B, 2], where the window lies: 0 top or left, 1 bottom or right.
    """
    windows = sides.new_zeros(len(sides), 3, 3)
    windows[:, 0, 0] = windows[:, 1, 1] = sides
    windows[:, :2, 2] = (1 - sides).unsqueeze(1) * (2 * places.flip(1) - 1)  # x before y
    windows[:, 2, 2] = 1
    return windows


def affine_maps(amounts: Tensor, aspect: float) -> Tensor:
    """Return the maps [B, 3, 3] that turn, scale and shear each image about its centre.

    Args:
        amounts: float32 [B, 4]: angle in radians, scale of width - 1, scale of height - 1, shear.
        aspect: Height of the images by their width; in pixels a turn keeps right angles.
    """
    angle, width, height, shear = amounts.unbind(dim=1)
    cos, sin = angle.cos(), angle.sin()
    maps = amounts.new_zeros(len(amounts), 3, 3)
    maps[:, 0, 0] = (1 + width) * cos
    maps[:, 0, 1] = ((1 + width) * -sin + shear) * aspect
    maps[:, 1, 0] = (1 + height) * sin / aspect
    maps[:, 1, 1] = (1 + height) * cos
    maps[:, 2, 2] = 1
    return maps


def sampled(images: Tensor, maps: Tensor) -> Tensor:
    """Read each image through a map [B, 2, 3], bilinearly; beyond its border, that repeats."""
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    changed = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return changed.contiguous(memory_format=torch.channels_last)


def shift_and_flip(images: Tensor, steps: Tensor, flips: Tensor) -> Tensor:
    """Move each image by whole pixels, its border reflected into the gap, and mirror some.

    Reflected, since a border of one colour would tell the network how far an image was moved.

    Args:
        images: float32 [B, C, H, W].
        steps: int64 [B, 2], pixels up and left; each less than the side.
        flips: bool [B], which images are mirrored left to right, after the move.
    """
    count, channels, height, width = images.shape
    rows = _reflected(height, steps[:, :1])
    columns = _reflected(width, steps[:, 1:])
    columns = torch.where(flips.unsqueeze(1), columns.flip(1), columns)
    first = torch.arange(count, device=images.device).view(-1, 1, 1) * height
    picked = ((first + rows.unsqueeze(2)) * width + columns.unsqueeze(1)).flatten()
    # Copying whole pixels by index is several times as fast as indexing three dimensions.
    pixels = images.permute(0, 2, 3, 1).reshape(-1, channels).index_select(0, picked)
    return pixels.view(count, height, width, channels).permute(0, 3, 1, 2)


def cut_out(images: Tensor, side: int, places: Tensor) -> Tensor:
    """Blank a square out of each image: 0, which is the mean of normalised pixels.

    T. DeVries and G. W. Taylor, "Improved Regularization of Convolutional Neural Networks with
    Cutout" (2017), but the square always lies inside of the image.

    Args:
        images: float32 [B, C, H, W].
        side: Of the square, pixels.
        places: float32 [B, 2], 0..1 without 1: where the square lies, from top and from left.
    """
    height, width = images.shape[2:]
    top, left = (
        (places[:, axis : axis + 1] * (size - side + 1)).floor()
        for axis, size in ((0, height), (1, width))
    )
    rows = torch.arange(height, device=images.device) - top
    columns = torch.arange(width, device=images.device) - left
    in_rows, in_columns = ((at >= 0) & (at < side) for at in (rows, columns))
    square = (in_rows.unsqueeze(2) & in_columns.unsqueeze(1)).unsqueeze(1)
    # A product keeps the memory format, which masked_fill does not.
    return images * ~square


def _reflected(size: int, steps: Tensor) -> Tensor:
    """Return int64 [B, size]: where each row (or column) comes from after steps [B, 1]."""
    last = size - 1
    return last - (last - (torch.arange(size, device=steps.device) + steps).abs()).abs()


def _luma(channels: int, device: torch.device) -> Tensor:
    if channels == len(_GREY_WEIGHTS):
        return torch.tensor(_GREY_WEIGHTS, device=device)
    return torch.full((channels,), 1 / channels, device=device)
