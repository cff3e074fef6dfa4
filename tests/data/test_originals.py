from __future__ import annotations

import pytest
import torch

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.datamodule import prepare_images
from hpo_torch.data.image_store import ImageStore
from hpo_torch.data.originals import original_images, original_texts
from hpo_torch.data.spec import ImageData, TextData

CPU = torch.device("cpu")
PIXELS = torch.arange(5 * 3 * 2 * 4, dtype=torch.uint8).view(5, 3, 2, 4)


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("channels_last", [True, False])
def test_store_gives_images_back_as_they_came(resident, channels_last):
    store = ImageStore.build(
        PIXELS,
        torch.zeros(5, dtype=torch.int64),
        ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)),
        CPU,
        channels_last=channels_last,
        resident=resident,
    )
    positions = torch.tensor([4, 0])
    assert torch.equal(store.originals(positions), PIXELS[[4, 0]])


class Loader:
    def __init__(self, data):
        self._data, self.loads = data, 0

    def load(self, request):
        self.loads += 1
        return self._data


def test_original_images_are_of_the_test_set_and_channels_come_last():
    labels = torch.arange(40) % 2
    data = ImageData(
        train_images=torch.zeros(40, 3, 2, 4, dtype=torch.uint8),
        train_labels=labels,
        test_images=PIXELS,
        test_labels=labels[:5],
        class_names=("a", "b"),
    )
    prepared = prepare_images(data, DataSettings(), 0, CPU)
    images = original_images(prepared, [3, 1])
    assert images.shape == (2, 2, 4, 3)
    assert images[0, 1, 2].tolist() == PIXELS[3, :, 1, 2].tolist()
    assert original_images(prepared, []).shape == (0, 2, 4, 3)


def test_original_texts_are_read_again_and_only_where_some_are_wanted():
    labels = torch.zeros(3, dtype=torch.int64)
    loader = Loader(
        TextData(
            train_texts=["x"] * 3,
            train_labels=labels,
            test_texts=["A!", "B?", "C."],
            test_labels=labels,
            class_names=("a",),
        )
    )
    assert original_texts(loader, DataSettings(), []) == []
    assert loader.loads == 0
    assert original_texts(loader, DataSettings(), [2, 0]) == ["C.", "A!"]
