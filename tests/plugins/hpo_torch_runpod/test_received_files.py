from __future__ import annotations

import hashlib

import pytest

from hpo_torch_runpod.received_files import ReceivedFiles
from hpo_torch_runpod.wire import StoredArtefact, WireError, artefact_parts, pack

CONTENT = bytes(range(256)) * 8000


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.setattr("hpo_torch_runpod.wire._PART_BYTES", 1000)
    made = artefact_parts("a", "model.ckpt", CONTENT, pack(CONTENT))
    assert len(made) > 2
    return made


@pytest.fixture
def files():
    return ReceivedFiles(lambda stored, path: path.write_text(stored.url))


def test_parts_in_any_order_make_the_file(files, parts, tmp_path):
    for part in [*parts[::-1], parts[0]]:
        files.take(part, "r")
    files.write("a", "r", str(tmp_path / "trial"))
    assert (tmp_path / "trial" / "model.ckpt").read_bytes() == CONTENT
    assert len(list((tmp_path / "trial").iterdir())) == 1


def test_a_missing_part_leaves_no_file(files, parts, tmp_path):
    for part in parts[1:]:
        files.take(part, "r")
    with pytest.raises(WireError, match="parts"):
        files.write("a", "r", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_part_leaves_no_file(files, parts, tmp_path):
    wrong = hashlib.sha256(b"other").hexdigest()
    for part in parts:
        files.take(part.model_copy(update={"sha256": wrong}), "r")
    with pytest.raises(WireError, match="SHA-256"):
        files.write("a", "r", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_files_are_those_of_the_run_that_has_the_last_word(files, parts, tmp_path):
    files.take(parts[0], "cut off")
    for run, content in (("r", b"again"), ("late", b"too late")):
        for part in artefact_parts("a", "model.ckpt", content, pack(content)):
            files.take(part, run)
    files.write("a", "r", str(tmp_path))
    assert (tmp_path / "model.ckpt").read_bytes() == b"again"


def test_stored_files_are_fetched_and_other_attempts_left_alone(files, parts, tmp_path):
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    stored = {"name": "model.ckpt", "sha256": sha256, "size": 1}
    files.take(StoredArtefact(attempt="a", url="s3://b/a", **stored), "r")
    files.take(StoredArtefact(attempt="b", url="s3://b/b", **stored), "r")
    files.write("a", "r", str(tmp_path))
    assert (tmp_path / "model.ckpt").read_text() == "s3://b/a"


def test_a_job_without_folder_and_a_forgotten_attempt_write_nothing(files, parts, tmp_path):
    files.take(parts[0], "r")
    files.write("a", "r", None)
    files.forget("a")
    files.write("a", "r", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
