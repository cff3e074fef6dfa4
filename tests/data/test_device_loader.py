from __future__ import annotations

import pytest
import torch

from hpo_torch.data.augmentation import Augmentation, Augmenter
from hpo_torch.data.device_loader import DeviceLoader, EpochOrder
from hpo_torch.data.image_store import ImageStore
from hpo_torch.errors import InvalidValueError


@pytest.fixture
def store() -> ImageStore:
    """A hundred 1x1 images; image and label n have the value n."""
    numbers = torch.arange(100)
    return ImageStore.build(
        numbers.to(torch.uint8).view(100, 1, 1, 1),
        numbers,
        ((0.0,), (1 / 255,)),
        torch.device("cpu"),
        channels_last=False,
    )


def visited(loader: DeviceLoader) -> list[int]:
    return [label for _, labels in loader for label in labels.tolist()]


def test_loader_visits_every_example_once_and_images_match_labels(store: ImageStore):
    loader = DeviceLoader(store, torch.arange(10, 90), 32, seed=0)
    batches = list(loader)
    assert [len(labels) for _, labels in batches] == [32, 32, 16]
    assert len(loader) == 3
    assert sorted(visited(loader)) == list(range(10, 90))
    for inputs, labels in batches:
        torch.testing.assert_close(inputs.flatten(), labels.float())


def test_loader_without_a_seed_keeps_the_order(store: ImageStore):
    loader = DeviceLoader(store, torch.tensor([5, 3, 9]), 2)
    assert visited(loader) == visited(loader) == [5, 3, 9]


def test_loader_order_depends_on_seed_and_epoch_only(store: ImageStore):
    def order(seed: int, epoch: int) -> list[int]:
        loader = DeviceLoader(store, torch.arange(100), 7, seed=seed)
        loader.sampler.set_epoch(epoch)
        return visited(loader)

    first = order(1, 4)
    torch.manual_seed(123)
    resumed = DeviceLoader(store, torch.arange(100), 7, seed=1)
    for epoch in range(5):
        resumed.sampler.set_epoch(epoch)
        last = visited(resumed)
    assert last == first
    # 1 + 4 == 2 + 3: seeds and epochs are mixed, not added
    orders = [first, order(1, 3), order(2, 4), order(2, 3)]
    assert len({tuple(each) for each in orders}) == 4


def test_loader_leaves_the_global_generator_alone(store: ImageStore):
    before = torch.get_rng_state()
    list(DeviceLoader(store, torch.arange(100), 7, seed=1))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("examples", "batch_size", "sizes"),
    [(9, 4, [4, 4]), (10, 4, [4, 4, 2]), (8, 4, [4, 4]), (5, 8, [5]), (1, 8, [])],
)
def test_loader_drops_a_last_batch_of_one_only(
    store: ImageStore, examples: int, batch_size: int, sizes: list[int]
):
    loader = DeviceLoader(store, torch.arange(examples), batch_size, seed=0, drop_single=True)
    assert [len(labels) for _, labels in loader] == sizes
    assert len(loader) == len(sizes)


def test_loader_that_drops_a_single_one_drops_another_in_each_epoch(store: ImageStore):
    loader = DeviceLoader(store, torch.arange(9), 4, seed=0, drop_single=True)
    left_out = set()
    for epoch in range(20):
        loader.sampler.set_epoch(epoch)
        left_out |= set(range(9)) - set(visited(loader))
    assert len(left_out) > 4


@pytest.mark.parametrize(("batch_size", "drop_single"), [(0, False), (1, True)])
def test_loader_refuses_a_batch_size_too_small(
    store: ImageStore, batch_size: int, drop_single: bool
):
    with pytest.raises(InvalidValueError, match="batch_size: expected at least"):
        DeviceLoader(store, torch.arange(9), batch_size, drop_single=drop_single)


def test_epoch_order_is_a_permutation():
    order = EpochOrder(1000, 7)
    assert sorted(order.positions().tolist()) == list(range(1000))
    assert order.positions().tolist() != list(range(1000))


def test_epoch_draws_depend_on_seed_and_epoch_only():
    def drawn(seed: int, epoch: int) -> torch.Tensor:
        order = EpochOrder(50, seed)
        order.positions()
        order.set_epoch(epoch)
        return order.draws(3)

    assert torch.equal(drawn(1, 4), drawn(1, 4))
    assert not torch.equal(drawn(1, 4), drawn(1, 3))
    assert not torch.equal(drawn(1, 4), drawn(2, 4))
    assert drawn(1, 4).shape == (50, 3)
    with pytest.raises(ValueError, match="seed"):
        EpochOrder(50, None).draws(3)


def test_alternating_numbers_change_sides_with_every_epoch():
    def by_example(epoch: int) -> torch.Tensor:
        order = EpochOrder(1000, 7)
        order.set_epoch(epoch)
        found = torch.empty(1000)
        found[order.positions()] = order.alternating()
        return found

    first, second, third = map(by_example, range(3))
    assert torch.equal(first, third)
    assert torch.equal((first - second).abs(), torch.full((1000,), 0.5))
    assert 0 <= min(first.min(), second.min()) <= max(first.max(), second.max()) < 1
    # 4.5 standard deviations of a binomial count around 500.
    assert abs(int((first < 0.5).sum()) - 500) < 4.5 * 250**0.5
    with pytest.raises(ValueError, match="seed"):
        EpochOrder(50, None).alternating()


def test_two_epochs_show_every_image_and_its_mirror_image():
    pixels = torch.tensor([[0, 255]], dtype=torch.uint8).expand(100, 1, 1, 2)
    store = ImageStore.build(
        pixels,
        torch.arange(100),
        ((0.0,), (1.0,)),
        torch.device("cpu"),
        channels_last=False,
    )
    augment = Augmenter(Augmentation(flip=True), (0.0,), (1.0,))
    loader = DeviceLoader(store, torch.arange(100), 32, seed=0, augment=augment)
    mirrored = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        seen = {
            int(n): float(image[0, 0, 0])
            for images, labels in loader
            for image, n in zip(images, labels, strict=True)
        }
        mirrored.append({n for n, left in seen.items() if left > 0})
    assert len(mirrored[0]) > 30
    assert mirrored[1] == set(range(100)) - mirrored[0]


@pytest.fixture
def pictures() -> ImageStore:
    return ImageStore.build(
        torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8),
        torch.arange(50),
        ((0.5,) * 3, (0.25,) * 3),
        torch.device("cpu"),
        channels_last=True,
    )


def loaded(store: ImageStore, batch_size: int, epoch: int, *, augment: bool) -> torch.Tensor:
    everything = Augmentation(flip=True, shift=2, crop=0.3, cutout=0.25, colour=0.3)
    augmenter = Augmenter(everything, (0.5,) * 3, (0.25,) * 3)
    loader = DeviceLoader(
        store, torch.arange(50), batch_size, seed=5, augment=augmenter if augment else None
    )
    loader.sampler.set_epoch(epoch)
    return torch.cat([inputs for inputs, _ in loader])


def test_augmented_epochs_repeat_bit_for_bit_and_differ_from_each_other(pictures: ImageStore):
    first = loaded(pictures, 16, 3, augment=True)
    torch.manual_seed(99)
    assert torch.equal(loaded(pictures, 16, 3, augment=True), first)
    assert not torch.equal(loaded(pictures, 16, 4, augment=True), first)
    assert not torch.equal(loaded(pictures, 16, 3, augment=False), first)


def test_augmentation_does_not_change_the_order(pictures: ImageStore):
    augmenter = Augmenter(Augmentation(colour=0.3), (0.5,) * 3, (0.25,) * 3)
    plain = DeviceLoader(pictures, torch.arange(50), 16, seed=5)
    augmented = DeviceLoader(pictures, torch.arange(50), 16, seed=5, augment=augmenter)
    assert visited(augmented) == visited(plain)


def test_what_an_image_becomes_does_not_depend_on_the_batch_size(pictures: ImageStore):
    torch.testing.assert_close(
        loaded(pictures, 7, 0, augment=True), loaded(pictures, 50, 0, augment=True)
    )


def test_augmentation_leaves_a_last_single_example_out_too(pictures: ImageStore):
    augmenter = Augmenter(Augmentation(shift=1), (0.5,) * 3, (0.25,) * 3)
    loader = DeviceLoader(
        pictures, torch.arange(50), 7, seed=5, drop_single=True, augment=augmenter
    )
    assert [len(labels) for _, labels in loader] == [7] * 7
