from __future__ import annotations

from hpo_torch_runpod.chunk_file import ChunkFile


def test_what_was_appended_is_read_again(tmp_path):
    ChunkFile(tmp_path / "received", "job-u1").append([{"n": 0, "z": "a"}, {"n": 1, "z": "b"}])
    again = ChunkFile(tmp_path / "received", "job-u1")
    again.append([])
    again.append([{"n": 2, "z": "c"}])
    assert [chunk["n"] for chunk in again.read()] == [0, 1, 2]


def test_a_torn_line_is_no_chunk_and_spoils_no_other(tmp_path):
    file = ChunkFile(tmp_path, "j")
    file.append([{"n": 0}])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + b'{"n": 1, "z": "to')
    file.append([{"n": 2}])
    assert file.read() == [{"n": 0}, {"n": 2}]


def test_a_job_of_which_nothing_came_has_no_file(tmp_path):
    file = ChunkFile(tmp_path / "received", "j")
    assert file.read() == []
    file.remove()
    assert list(tmp_path.iterdir()) == []


def test_removed_with_its_job_and_never_outside_its_folder(tmp_path):
    file = ChunkFile(tmp_path / "received", "../../escape")
    file.append([{"n": 0}])
    assert [path.name for path in (tmp_path / "received").iterdir()] == ["______escape.jsonl"]
    file.remove()
    assert file.read() == []
