"""The image data sets, registered."""

from __future__ import annotations

from hpo_torch.plugin_api import DatasetSpec, hookimpl


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="digits",
            target="hpo_torch_vision.digits:DIGITS",
            summary="handwritten digits, 8x8; nothing to download. No official test set: a fixed, "
            "stratified fifth serves as one",
            kind="image",
            num_classes=10,
            input_shape=(1, 8, 8),
            sizes=(1437, 360),
            source="scikit-learn's load_digits: the test part of UCI's Optical Recognition of "
            "Handwritten Digits",
        ),
        DatasetSpec(
            name="mnist",
            target="hpo_torch_vision.mnist:MNIST",
            summary="handwritten digits, 28x28",
            kind="image",
            num_classes=10,
            input_shape=(1, 28, 28),
            sizes=(60_000, 10_000),
            source="LeCun, Cortes, Burges: http://yann.lecun.com/exdb/mnist/",
        ),
        DatasetSpec(
            name="fashion_mnist",
            target="hpo_torch_vision.mnist:FASHION_MNIST",
            summary="Zalando's articles of clothing, 28x28",
            kind="image",
            num_classes=10,
            input_shape=(1, 28, 28),
            sizes=(60_000, 10_000),
            source="Zalando Research: https://github.com/zalandoresearch/fashion-mnist",
        ),
    ]
