from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hpo_torch.hooks.lazy import resolve
from hpo_torch_text.plugin import register_datasets

if TYPE_CHECKING:
    from pathlib import Path

    from hpo_torch.hooks.records import DatasetSpec

SPECS = {spec.name: spec for spec in register_datasets()}


def test_plugin_offers_three_sets_and_own_tables():
    assert set(SPECS) == {"imdb", "reuters", "reuters52", "csv"}
    assert {(spec.kind, spec.input_shape) for spec in SPECS.values()} == {("text", ())}
    assert (SPECS["csv"].sizes, SPECS["csv"].num_classes) == (None, None)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_plugin_targets_are_loaders(spec: DatasetSpec):
    loader = resolve("dataset", spec)
    assert callable(loader.prepare)
    assert callable(loader.load)
    assert hasattr(loader, "describe") == (spec.name == "csv")


def test_listing_and_preparing_import_nothing_heavy(tmp_path: Path):
    (tmp_path / "t.csv").write_text("text,label\n" + "a,x\nb,y\n" * 5, encoding="utf-8")
    script = (
        "import sys, pathlib\n"
        "from hpo_torch.plugin_api import DataNotFoundError, DataRequest\n"
        "from hpo_torch_text.plugin import register_datasets\n"
        "register_datasets()\n"
        "assert 'numpy' not in sys.modules\n"
        "from hpo_torch_text.imdb import IMDB\n"
        "from hpo_torch_text.own_table import OWN_TABLE\n"
        "from hpo_torch_text.reuters46 import REUTERS46\n"
        "from hpo_torch_text.reuters52 import REUTERS52\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "request = DataRequest(data_dir=folder, download=False, path=folder / 't.csv')\n"
        "OWN_TABLE.prepare(request)\n"
        "print(OWN_TABLE.describe(request).sizes)\n"
        "for loader in (IMDB, REUTERS46, REUTERS52):\n"
        "    try:\n"
        "        loader.prepare(request)\n"
        "    except DataNotFoundError:\n"
        "        print('not found')\n"
        "heavy = {'torch', 'sklearn', 'lightning', 'requests', 'pyarrow', 'pandas'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "(8, 2)\nnot found\nnot found\nnot found\n[]\n"
