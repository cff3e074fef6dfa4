from __future__ import annotations

import numpy as np
import torch

from hpo_torch.data.overview import examples_per_class, image_overview, text_overview
from hpo_torch.data.spec import ImageData, TextData


def images_of(counts: list[int]) -> ImageData:
    """Images whose pixels are all of their class's number; the test part has one of each."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    pixels = labels.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 4, 5)
    classes = torch.arange(len(counts))
    return ImageData(
        train_images=pixels,
        train_labels=labels,
        test_images=classes.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 4, 5),
        test_labels=classes,
        class_names=tuple(f"class {n}" for n in range(len(counts))),
    )


def test_image_overview_counts_and_measures():
    overview = image_overview(images_of([3, 5]))
    train, test = overview.parts
    assert (train.name, train.class_counts) == ("training", (3, 5))
    assert (test.name, test.class_counts) == ("test", (1, 1))
    assert overview.shape == (3, 4, 5)
    assert train.mean == (5 / 8 / 255,) * 3
    assert test.std == (0.5 / 255,) * 3


def test_image_overview_shows_images_of_their_class():
    overview = image_overview(images_of([3, 20, 9]))
    assert [label for label, _ in overview.examples] == [0, 1, 2]
    assert [images.shape for _, images in overview.examples] == [
        (3, 4, 5, 3),  # all there are
        (8, 4, 5, 3),
        (8, 4, 5, 3),
    ]
    for label, images in overview.examples:
        assert (images == label).all()


def test_image_overview_shows_the_hundred_commonest_classes():
    overview = image_overview(images_of([1 + n % 2 for n in range(150)]))
    shown = [label for label, _ in overview.examples]
    assert len(shown) == 100
    assert set(range(1, 150, 2)) <= set(shown)
    assert shown == sorted(shown)
    assert len(overview.parts[0].class_counts) == 150


def test_examples_per_class_get_fewer_with_more_classes():
    assert [examples_per_class(classes) for classes in (2, 10, 43, 100)] == [8, 8, 4, 3]


def test_text_overview_counts_words_and_samples_every_class():
    texts = [" ".join(["word"] * (n % 7)) for n in range(70)]
    labels = torch.arange(70) % 10
    data = TextData(
        train_texts=texts,
        train_labels=labels,
        test_texts=["one two  three"],
        test_labels=torch.tensor([4]),
        class_names=tuple("abcdefghij"),
    )
    overview = text_overview(data)
    train, test = overview.parts
    assert np.array_equal(train.lengths, np.arange(70) % 7)
    assert (train.class_counts, test.class_counts) == ((7,) * 10, (0, 0, 0, 0, 1, 0, 0, 0, 0, 0))
    assert test.lengths.tolist() == [3]
    names = [name for name, _ in overview.samples]
    assert len(names) == len(set(names)) == 8
    for name, text in overview.samples:
        assert any(
            data.class_names[label] == name and text == each
            for each, label in zip(texts, labels.tolist(), strict=True)
        )


def test_text_overview_of_two_classes_has_several_samples_of_each():
    data = TextData(
        train_texts=[f"text {n}" for n in range(40)],
        train_labels=torch.arange(40) % 2,
        test_texts=["a"],
        test_labels=torch.tensor([0]),
        class_names=("no", "yes"),
    )
    samples = text_overview(data).samples
    assert len({text for _, text in samples}) == 8
    assert {name for name, _ in samples} == {"no", "yes"}
