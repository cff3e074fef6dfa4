from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hpo_torch.hooks.lazy import resolve
from hpo_torch_vision.plugin import register_datasets

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.hooks.records import DatasetSpec

SPECS = {spec.name: spec for spec in register_datasets()}


def test_plugin_offers_these_image_sets():
    assert set(SPECS) == {
        "digits",
        "mnist",
        "fashion_mnist",
        "cifar10",
        "cifar100",
        "gtsrb",
        "folder",
    }
    assert {spec.kind for spec in SPECS.values()} == {"image"}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_plugin_targets_are_loaders(spec: DatasetSpec):
    loader = resolve("dataset", spec)
    assert callable(loader.prepare)
    assert callable(loader.load)


def test_only_sets_whose_mirror_images_keep_their_class_may_be_flipped():
    assert {name for name, spec in SPECS.items() if spec.flips} == {"cifar10", "cifar100"}


def test_listing_and_preparing_import_nothing_heavy(tmp_path: Path):
    script = (
        "import sys, pathlib\n"
        "from hpo_torch.plugin_api import DataNotFoundError, DataRequest\n"
        "from hpo_torch_vision.plugin import register_datasets\n"
        "register_datasets()\n"
        "assert 'numpy' not in sys.modules\n"
        "from hpo_torch_vision.digits import DIGITS\n"
        "from hpo_torch_vision.mnist import MNIST\n"
        "request = DataRequest(data_dir=pathlib.Path(sys.argv[1]), download=False)\n"
        "DIGITS.prepare(request)\n"
        "try:\n"
        "    MNIST.prepare(request)\n"
        "except DataNotFoundError:\n"
        "    print('not found')\n"
        "print(sorted({'torch', 'torchvision', 'sklearn', 'lightning'} & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "not found\n[]\n"
