from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import (
    append_whole,
    copy_file,
    discard_leftovers,
    replacing,
    write_bytes,
    write_text,
)


def test_write_text_makes_folders_and_replaces(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    write_text(path, "first")
    write_text(path, "zweite Fassung ü")
    assert path.read_bytes() == "zweite Fassung ü".encode()
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_replacing_leaves_old_content_when_interrupted(tmp_path):
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")

    def write_half_and_stop():
        with replacing(path) as file:
            file.write(b"half of the new")
            file.flush()
            assert path.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half_and_stop()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.bin"]


def test_write_text_under_a_regular_file_names_the_path(tmp_path):
    # A folder below a file cannot be made by anybody, root included.
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "result.json"
    with pytest.raises(
        OutputError, match=r"cannot write .*result.json: .*file is a file, not a folder"
    ):
        write_text(path, "text")


def test_write_text_onto_a_folder_leaves_no_temporary_file(tmp_path):
    (tmp_path / "result.json").mkdir()
    with pytest.raises(OutputError, match=r"Is a directory"):
        write_text(tmp_path / "result.json", "text")
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]


def test_copy_file_copies_bytes_and_names_a_missing_source(tmp_path):
    write_bytes(tmp_path / "source", bytes(range(256)))
    copy_file(tmp_path / "source", tmp_path / "new" / "target")
    assert (tmp_path / "new" / "target").read_bytes() == bytes(range(256))
    with pytest.raises(OutputError, match=r"cannot read .*absent: No such file"):
        copy_file(tmp_path / "absent", tmp_path / "target")
    assert not (tmp_path / "target").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes")
def test_write_bytes_without_space_keeps_old_file_and_says_so(tmp_path):
    # A real refusal by the kernel: no file of the child may grow beyond 1000 bytes.
    script = """
import resource, sys
from pathlib import Path
from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import write_bytes

path = Path(sys.argv[1])
write_bytes(path, b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(path, bytes(100_000))
except OutputError as error:
    print(error)
"""
    path = tmp_path / "model.ckpt"
    command = [sys.executable, "-c", script, str(path)]
    message = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"cannot write {path}: File too large. Free some space" in message
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.ckpt"]


def test_replacing_waits_for_the_disk_only_where_told(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("os.fsync", synced.append)
    for durable in (True, False):
        with replacing(tmp_path / "file", durable=durable) as file:
            file.write(b"content")
        assert len(synced) == 1
    assert (tmp_path / "file").read_bytes() == b"content"


def test_leftovers_of_killed_processes_are_discarded(tmp_path):
    for name in (".file.4711-1.tmp", ".file.12-3.tmp", ".other.12-3.tmp", "file", "file.tmp"):
        (tmp_path / name).touch()
    discard_leftovers(tmp_path / "file")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".other.12-3.tmp", "file", "file.tmp"}


def test_what_replacing_leaves_behind_when_killed_is_a_leftover(tmp_path):
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from hpo_torch.results.atomic_files import replacing\n"
        "with replacing(Path(sys.argv[1])) as file:\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "file")], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    discard_leftovers(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_append_whole_is_all_or_nothing(tmp_path, monkeypatch, error):
    path = tmp_path / "file"
    path.write_bytes(b"one\ntor")
    real, writes = os.write, []

    def partly(descriptor, data):
        writes.append(len(data))
        if len(writes) == 3:
            raise error
        return real(descriptor, data[:2])

    descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", partly)
        with pytest.raises(type(error)):
            append_whole(descriptor, b"another\n", 4)
    assert (path.read_bytes(), writes) == (b"one\n", [8, 6, 4])
    append_whole(descriptor, b"another\n", 4)
    os.close(descriptor)
    assert path.read_bytes() == b"one\nanother\n"
