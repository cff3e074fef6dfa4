"""MNIST and Fashion-MNIST: which files, from where, with which checksums.

Addresses and MD5 sums of the .gz files are torchvision's (torchvision.datasets.mnist).
"""

from __future__ import annotations

from hpo_torch.plugin_api import RemoteFile
from hpo_torch_vision.idx import IdxDataset


def _file(mirrors: tuple[str, ...], name: str, md5: str, sha256: str) -> RemoteFile:
    urls = tuple(f"{mirror}{name}.gz" for mirror in mirrors)
    return RemoteFile(name=name, sha256=sha256, urls=urls, served=f"md5:{md5}")


_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
_FASHION_MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",)

MNIST = IdxDataset(
    name="mnist",
    folder="MNIST",
    train_images=_file(
        _MNIST_MIRRORS,
        "train-images-idx3-ubyte",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    train_labels=_file(
        _MNIST_MIRRORS,
        "train-labels-idx1-ubyte",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    test_images=_file(
        _MNIST_MIRRORS,
        "t10k-images-idx3-ubyte",
        "9fb629c4189551a2d022fa330f9573f3",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    test_labels=_file(
        _MNIST_MIRRORS,
        "t10k-labels-idx1-ubyte",
        "ec29112dd5afa0611ce80d1b7f02629c",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    class_names=tuple("0123456789"),
)

FASHION_MNIST = IdxDataset(
    name="fashion_mnist",
    folder="FashionMNIST",
    train_images=_file(
        _FASHION_MIRRORS,
        "train-images-idx3-ubyte",
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    train_labels=_file(
        _FASHION_MIRRORS,
        "train-labels-idx1-ubyte",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    test_images=_file(
        _FASHION_MIRRORS,
        "t10k-images-idx3-ubyte",
        "bef4ecab320f06d8554ea6380940ec79",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    test_labels=_file(
        _FASHION_MIRRORS,
        "t10k-labels-idx1-ubyte",
        "bb300cfdad3c16e7a12a480ee83cd310",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
)
