"""scikit-learn's 1,797 handwritten digits: real, tiny, and on every disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hpo_torch_vision.arrays import image_data

if TYPE_CHECKING:
    from hpo_torch.plugin_api import DataRequest, ImageData

_TEST_SHARE = 0.2
_TEST_SEED = 1797  # fixed for good: another seed is another test set
_CLASS_NAMES = tuple("0123456789")


class Digits:
    """Loads the digits; 1,437 train, and a fixed, stratified 360 serve as the test set.

    The pixels are counts 0..16 and become bytes by round-half-up of count * 255 / 16, which loses
    nothing: 17 counts have 17 different bytes.
    """

    def prepare(self, request: DataRequest) -> None:
        """Nothing to do: the images come with scikit-learn."""

    def load(self, request: DataRequest) -> ImageData:
        """Return the set; the same on every machine."""
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split

        images, labels = load_digits(return_X_y=True)
        counts = images.reshape(-1, 8, 8).astype(np.int64)
        pixels = ((counts * 255 + 8) // 16).astype(np.uint8)
        labels = labels.astype(np.int64)
        train, test = (
            np.sort(part)
            for part in train_test_split(
                np.arange(len(labels)),
                test_size=_TEST_SHARE,
                random_state=_TEST_SEED,
                stratify=labels,
            )
        )
        return image_data(
            (pixels[train], labels[train]), (pixels[test], labels[test]), _CLASS_NAMES
        )


DIGITS = Digits()
