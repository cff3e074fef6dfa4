"""The hyperparameters of image augmentation; `hpo_torch.data.augmentation` says what they do."""

from __future__ import annotations

from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.space import Parameter

_FURTHEST_SHIFT = 4
_SHARE_OF_SIDE = 4


def augmentation(side: int, *, flips: bool, colours: bool) -> tuple[Parameter, ...]:
    """Return what is searched of augmentation; every default is to leave images alone.

    Args:
        side: The shorter side of an image, pixels.
        flips: Whether a mirrored image keeps its class.
        colours: Whether images have three colour channels.
    """
    return (*_geometry(side, flips=flips), *_values(colours=colours))


def _geometry(side: int, *, flips: bool) -> tuple[Parameter, ...]:
    return (
        Parameter(
            "augment_flip",
            Choice((False, True)) if flips else Choice((False,)),
            False,
            "Mirror half of the training images left to right.",
            reason=""
            if flips
            else "Mirrored images of this data set would show something else (digits, letters, "
            "signs), or nobody has said that they don't.",
        ),
        Parameter(
            "augment_shift",
            Int(0, min(_FURTHEST_SHIFT, side // _SHARE_OF_SIDE)),
            0,
            "Furthest random shift of a training image in each direction, pixels.",
            allowed=Int(0, side - 1),
        ),
        Parameter(
            "augment_crop",
            Choice((0.0, 0.15)),
            0.0,
            "Largest share of a training image's sides that a random crop leaves off.",
            allowed=Float(0.0, 0.9),
        ),
        Parameter(
            "augment_affine",
            Float(0.0, 0.25),
            0.0,
            "Random turn (in radians), scaling and shearing (as shares) of a training image.",
            allowed=Float(0.0, 1.0),
        ),
    )


def _values(*, colours: bool) -> tuple[Parameter, ...]:
    return (
        Parameter(
            "augment_cutout",
            Choice((0.0, 0.25)),
            0.0,
            "Side of a square blanked out of each training image, as a share of the image's.",
            allowed=Float(0.0, 0.9),
        ),
        Parameter(
            "augment_colour",
            Float(0.0, 0.3),
            0.0,
            "Random change of brightness, contrast and (RGB) saturation, as a share.",
            allowed=Float(0.0, 1.0),
        ),
        Parameter(
            "augment_channels",
            Choice((0.0, 0.5)) if colours else Choice((0.0,)),
            0.0,
            "Share of training images whose colour channels are put in a random order.",
            allowed=Float(0.0, 1.0) if colours else None,
            reason="" if colours else "Images of one channel have no order of channels.",
        ),
    )
