from __future__ import annotations

import io
import random
import zipfile

import pytest
from told_run import ToldRun

from hpo_torch.plugin_runs import RunView, import_run, run_files
from hpo_torch.results.run_archive import export_run
from hpo_torch_server import run_zip
from hpo_torch_server.run_zip import RunZip


@pytest.fixture
def told(tmp_path):
    run = ToldRun(tmp_path / "runs")
    run.begin()
    run.end(0, score=0.5)
    run.directory.best_model_dir.mkdir()
    run.directory.best_checkpoint.write_bytes(b"weights of 0" * 1000)
    run.directory.best_readme.write_text("trial 0")
    run.directory.journal.write_text('{"op":1}\n{"op":2}\n')
    run.start(1)
    run.directory.training_state(1).parent.mkdir()
    run.directory.training_state(1).write_bytes(b"state of 1")
    return run


def whole(zipped):
    content = b"".join(zipped.chunks())
    zipped.close()
    return content


def files_of(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def imported(content, tmp_path):
    (tmp_path / "download.zip").write_bytes(content)
    return import_run(tmp_path / "download.zip", tmp_path / "elsewhere")


def test_an_ended_run_is_what_an_export_has(told, tmp_path):
    told.finish()
    (told.path / ".engine.lock").write_text("")
    content = whole(RunZip(told.path, "first"))
    export_run(told.path, tmp_path / "x.zip")
    with (
        zipfile.ZipFile(tmp_path / "x.zip") as exported,
        zipfile.ZipFile(io.BytesIO(content)) as sent,
    ):
        assert sent.namelist() == exported.namelist()
        assert all(sent.read(name) == exported.read(name) for name in sent.namelist())


def test_import_takes_a_download(told, tmp_path):
    told.finish()
    path = imported(whole(RunZip(told.path, "first")), tmp_path)
    before = {p.relative_to(told.path): p.read_bytes() for p in run_files(told.path)}
    assert {p.relative_to(path): p.read_bytes() for p in run_files(path)} == before
    assert RunView.open(path).trials == RunView.open(told.path).trials


def test_a_run_that_goes_on_is_sent_as_it_was(told, tmp_path):
    """All that a search may do happens between the download's beginning and its first byte."""
    before = {p.relative_to(told.path).as_posix(): p.read_bytes() for p in run_files(told.path)}
    zipped = RunZip(told.path, "first")
    with told.directory.journal.open("a") as journal:
        journal.write('{"op":3}\n')
    told.epoch(1, 1)
    told.end(1, score=0.9)  # adds lines to events.jsonl and trials.csv, and files
    told.directory.best_checkpoint.unlink()
    told.directory.best_checkpoint.write_bytes(b"weights of 1")
    told.directory.best_readme.unlink()
    told.directory.training_state(1).unlink()
    told.finish()
    sent = files_of(whole(zipped))
    assert sent == before
    path = imported(whole(RunZip(told.path, "first")), tmp_path)  # and as it is now
    assert len(RunView.open(path).trials) == 2


def test_lines_in_the_making_are_left_out(told):
    whole_lines = told.directory.events.read_bytes()
    with told.directory.events.open("ab") as events:
        events.write(b'{"seq":4,"ti')
        events.flush()
        zipped = RunZip(told.path, "first")
        events.write(b'me":"..."}\n')
    assert files_of(whole(zipped))["events.jsonl"] == whole_lines


def test_the_end_of_lines_is_found_however_far_back(told, monkeypatch):
    monkeypatch.setattr(run_zip, "CHUNK_BYTES", 7)
    whole_lines = told.directory.events.read_bytes()
    with told.directory.events.open("ab") as events:
        events.write(b"x" * 40)
        events.flush()
        zipped = RunZip(told.path, "first")
        events.write(b"\n")
    assert files_of(whole(zipped))["events.jsonl"] == whole_lines


def test_a_log_that_begins_only_now_is_empty(tmp_path):
    run = ToldRun(tmp_path / "runs")
    run.directory.events.touch()
    zipped = RunZip(run.path, "first")
    run.begin()
    sent = files_of(whole(zipped))
    assert sent["events.jsonl"] == b""
    assert set(sent) == {"config.yaml", "events.jsonl"}


def test_a_file_that_was_replaced_whole_is_sent_whole(told):
    told.finish("interrupted")
    zipped = RunZip(told.path, "first")
    told.finish("a longer reason than the one before, which would be cut off")
    sent = files_of(whole(zipped))
    assert sent["summary.json"] == told.directory.summary.read_bytes()


def test_a_file_that_was_removed_is_left_out(told):
    told.finish()
    zipped = RunZip(told.path, "first")
    told.directory.summary.unlink()
    assert "summary.json" not in files_of(whole(zipped))


def test_records_are_cut_where_they_ended(told):
    records = told.path / "tensorboard" / "0000" / "events.out.tfevents.1.host"
    records.parent.mkdir(parents=True)
    records.write_bytes(b"\x00\x01record")
    zipped = RunZip(told.path, "first")
    with records.open("ab") as file:
        file.write(b"more")
    path = "tensorboard/0000/events.out.tfevents.1.host"
    assert files_of(whole(zipped))[path] == b"\x00\x01record"


def test_only_so_many_files_are_kept_open(told, monkeypatch):
    monkeypatch.setattr(run_zip, "MOST_HELD", 2)  # best_model/ is first
    zipped = RunZip(told.path, "first")
    told.directory.best_checkpoint.unlink()
    told.directory.training_state(1).unlink()
    sent = files_of(whole(zipped))
    assert "best_model/model.ckpt" in sent
    assert "trials/0001/training_state.ckpt" not in sent


def test_pieces_are_small_however_large_a_file_is(told, monkeypatch):
    monkeypatch.setattr(run_zip, "CHUNK_BYTES", 10_000)
    large = bytes(range(256)) * 4_000
    (told.path / "large.bin").write_bytes(large)
    noise = random.Random(0).randbytes(800_000)
    (told.path / "noise.bin").write_bytes(noise)
    zipped = RunZip(told.path, "first")
    pieces = list(zipped.chunks())
    zipped.close()
    assert len(pieces) > 30
    assert max(map(len, pieces)) < 50_000
    sent = files_of(b"".join(pieces))
    assert sent["noise.bin"] == noise
    assert sent["large.bin"] == large


def test_half_of_it_is_no_zip(told, monkeypatch):
    monkeypatch.setattr(run_zip, "CHUNK_BYTES", 500)
    zipped = RunZip(told.path, "first")
    pieces = list(zipped.chunks())
    zipped.close()
    assert len(pieces) > 2
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(b"".join(pieces[:-1])))


def test_links_are_left_out(told, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (told.path / "link").symlink_to(tmp_path / "secret")
    assert "link" not in files_of(whole(RunZip(told.path, "first")))


def test_a_download_that_is_given_up_leaves_nothing_open(told):
    zipped = RunZip(told.path, "first")
    chunks = zipped.chunks()
    next(chunks)
    chunks.close()
    zipped.close()
    zipped.close()
