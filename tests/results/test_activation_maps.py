from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results.activation_maps import ActivationMaps, BlockMaps
from hpo_torch.results.array_files import read_arrays, write_arrays

FILTERS = np.linspace(-1, 1, 2 * 1 * 3 * 3, dtype=np.float32).reshape(2, 1, 3, 3)


@pytest.fixture
def maps():
    blocks = [
        BlockMaps(f"conv{number}", 20 * number, np.full((2, 4, 4), number, dtype=np.float16))
        for number in (1, 2)
    ]
    image = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
    return ActivationMaps(filters=FILTERS, image=image, label=3, blocks=tuple(blocks))


def test_file_holds_what_was_written(maps, tmp_path):
    maps.write(tmp_path / "a.npz")
    kept = ActivationMaps.read(tmp_path / "a.npz")
    np.testing.assert_array_equal(kept.filters, FILTERS)
    np.testing.assert_array_equal(kept.image, maps.image)
    assert kept.label == 3
    assert [(block.name, block.channels) for block in kept.blocks] == [("conv1", 20), ("conv2", 40)]
    assert [block.maps.tolist() for block in kept.blocks] == [b.maps.tolist() for b in maps.blocks]
    assert kept.blocks[0].maps.dtype == np.float16


def test_file_without_an_example_holds_the_filters(tmp_path):
    ActivationMaps(filters=FILTERS).write(tmp_path / "a.npz")
    kept = ActivationMaps.read(tmp_path / "a.npz")
    assert (kept.image, kept.label, kept.blocks) == (None, -1, ())
    np.testing.assert_array_equal(kept.filters, FILTERS)


def test_file_that_lacks_a_blocks_maps_is_damaged(maps, tmp_path):
    maps.write(tmp_path / "a.npz")
    arrays = read_arrays(tmp_path / "a.npz")
    del arrays["maps_of_conv2"]
    write_arrays(tmp_path / "a.npz", arrays)
    with pytest.raises(OutputError, match="no array 'maps_of_conv2'"):
        ActivationMaps.read(tmp_path / "a.npz")
