from __future__ import annotations

import numpy as np
import torch

from hpo_torch_vision.arrays import fingerprint, image_data


def test_image_data_adds_the_channel_and_keeps_types():
    images, labels = np.zeros((3, 4, 5), np.uint8), np.arange(3)
    data = image_data((images, labels), (images[:1], labels[:1]), ("a", "b", "c"))
    assert data.train_images.shape == (3, 1, 4, 5)
    assert data.train_images.dtype == torch.uint8
    assert data.train_labels.dtype == torch.int64
    assert data.test_images.shape == (1, 1, 4, 5)
    assert data.fingerprint == fingerprint(images, labels, images[:1], labels[:1])


def test_fingerprint_tells_values_types_and_shapes_apart():
    array = np.arange(6, dtype=np.uint8)
    changed = array.copy()
    changed[5] = 0
    others = [changed, array.view(np.int8), array.reshape(2, 3), array[:5]]
    assert fingerprint(array) == fingerprint(array.copy())
    assert len({fingerprint(each) for each in [array, *others]}) == 5
