"""The image data sets, registered."""

from __future__ import annotations

from hpo_torch.plugin_api import DatasetSpec, hookimpl

_DATASETS = [
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
    DatasetSpec(
        name="cifar10",
        target="hpo_torch_vision.cifar:CIFAR10",
        summary="animals and vehicles, 32x32, in colour",
        kind="image",
        num_classes=10,
        input_shape=(3, 32, 32),
        sizes=(50_000, 10_000),
        source="Krizhevsky 2009: https://www.cs.toronto.edu/~kriz/cifar.html",
        flips=True,
    ),
    DatasetSpec(
        name="cifar100",
        target="hpo_torch_vision.cifar:CIFAR100",
        summary="things of 100 kinds, 32x32, in colour",
        kind="image",
        num_classes=100,
        input_shape=(3, 32, 32),
        sizes=(50_000, 10_000),
        source="Krizhevsky 2009: https://www.cs.toronto.edu/~kriz/cifar.html",
        flips=True,
    ),
    DatasetSpec(
        name="gtsrb",
        target="hpo_torch_vision.gtsrb:GTSRB",
        summary="German traffic signs, resized to 32x32; validation keeps the frames of one "
        "physical sign together",
        kind="image",
        num_classes=43,
        input_shape=(3, 32, 32),
        sizes=(26_640, 12_630),
        # 888 physical signs of 43 classes: what is held out is missed more than elsewhere.
        validation_split=0.1,
        # The default network is large already; one of 3.8 times its arithmetic takes 4 minutes an
        # epoch on two cores.
        max_compute=2.0,
        source="Stallkamp et al. 2012: https://benchmark.ini.rub.de",
    ),
    DatasetSpec(
        name="folder",
        target="hpo_torch_vision.own_folder:FOLDER",
        summary="your own images: --data-path DIR with a folder for each class",
        kind="image",
        num_classes=None,
        input_shape=None,
        sizes=None,
        source="your files",
    ),
]


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    return _DATASETS
