from __future__ import annotations

import numpy as np
import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results.array_files import read_arrays, write_arrays


def test_arrays_are_read_as_they_were_written(tmp_path):
    arrays = {"a": np.arange(3), "words": np.array(["größer", ""])}
    write_arrays(tmp_path / "x.npz", arrays)
    kept = read_arrays(tmp_path / "x.npz", "a")
    assert kept.keys() == arrays.keys()
    assert kept["a"].tolist() == [0, 1, 2]
    assert kept["words"].tolist() == ["größer", ""]
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 half of one"])
def test_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"x\.npz is damaged"):
        read_arrays(path)


def test_missing_file_and_missing_array_are_named(tmp_path):
    with pytest.raises(OutputError, match=r"cannot read .*x\.npz"):
        read_arrays(tmp_path / "x.npz")
    write_arrays(tmp_path / "x.npz", {"a": np.arange(3)})
    with pytest.raises(OutputError, match=r"x\.npz is damaged: it holds no array 'b'"):
        read_arrays(tmp_path / "x.npz", "a", "b")


def test_pickled_objects_are_not_read(tmp_path):
    path = tmp_path / "x.npz"
    with path.open("wb") as file:
        np.savez(file, a=np.array([{}], dtype=object))
    with pytest.raises(OutputError, match="damaged"):
        read_arrays(path, "a")
