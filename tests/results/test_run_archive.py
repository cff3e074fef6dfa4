from __future__ import annotations

import hashlib
import os
import shutil
import struct
import time
import zipfile

import pytest

from hpo_torch.errors import (
    HpoTorchError,
    InvalidValueError,
    OutputError,
    RunInUseError,
    UsageError,
)
from hpo_torch.results.run_archive import export_run, import_run
from hpo_torch.results.run_lock import run_lock
from hpo_torch.results.summary import RunView


@pytest.fixture
def full_run(run, make_trial):
    run.write_trial(make_trial(0))
    run.events.write_text('{"seq":1}\n')
    run.best_model_dir.mkdir()
    run.best_checkpoint.write_bytes(bytes(range(256)) * 400)
    run.training_state(3).parent.mkdir(parents=True)
    run.training_state(3).write_bytes(b"state of an unfinished trial")
    return run


def content(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if not path.name.startswith(".engine")
    }


@pytest.fixture
def exported(full_run, tmp_path):
    export_run(full_run.path, tmp_path / "x.zip")
    return tmp_path / "x.zip"


def test_import_gives_back_every_file_byte_for_byte(full_run, exported, tmp_path):
    path = import_run(exported, tmp_path / "elsewhere")
    assert path == tmp_path / "elsewhere" / "first"
    assert content(path) == content(full_run.path)
    assert "trials/0003/training_state.ckpt" in content(path)
    assert RunView.open(path).trials == RunView.open(full_run.path).trials


def test_the_same_files_give_the_same_bytes_whenever_they_were_written(full_run, exported):
    later = time.time() + 100_000
    for path in full_run.path.rglob("*"):
        os.utime(path, (later, later))
    again = exported.with_name("again.zip")
    export_run(full_run.path, again)
    assert again.read_bytes() == exported.read_bytes()


def test_locks_and_temporary_files_are_left_out(full_run, tmp_path):
    (full_run.path / ".config.yaml.1-2.tmp").write_text("half")
    (full_run.path / "study.journal.lock").write_text("")
    export_run(full_run.path, tmp_path / "y.zip")
    with zipfile.ZipFile(tmp_path / "y.zip") as archive:
        names = {name.removeprefix("first/") for name in archive.namelist()}
    assert names == {
        *("config.yaml", "events.jsonl", "best_model/model.ckpt", "trials/0000/result.json"),
        *("trials/0000/epochs.csv", "trials/0000/health.json", "trials/0003/training_state.ckpt"),
    }


def test_a_run_in_use_is_not_exported(full_run, tmp_path):
    with run_lock(full_run.path), pytest.raises(RunInUseError, match="another process works"):
        export_run(full_run.path, tmp_path / "y.zip")
    assert not (tmp_path / "y.zip").exists()


def test_an_existing_file_is_not_overwritten(full_run, exported):
    before = exported.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        export_run(full_run.path, exported)
    assert exported.read_bytes() == before


def test_an_existing_run_is_not_touched_and_another_name_is_taken(full_run, exported):
    root = full_run.path.parent
    before = content(full_run.path)
    with pytest.raises(OutputError, match=r"exists already.*--name"):
        import_run(exported, root)
    assert content(full_run.path) == before
    assert import_run(exported, root, "second") == root / "second"
    assert content(root / "second") == before


def test_a_name_that_leads_out_is_refused(exported, tmp_path):
    with pytest.raises(InvalidValueError, match="run name"):
        import_run(exported, tmp_path / "elsewhere", "../second")


def made(path, *entries):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in entries:
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize(
    "evil",
    ["../evil.txt", "x/../../evil.txt", "/tmp/evil.txt", "..\\evil.txt", "C:/evil.txt"],
)
def test_files_that_would_lie_outside_are_refused(tmp_path, evil):
    archive = made(tmp_path / "evil.zip", ("x/config.yaml", "{}"), (evil, "x"))
    with pytest.raises(OutputError, match="not to be trusted"):
        import_run(archive, tmp_path / "deep" / "runs")
    assert not (tmp_path / "deep").exists()


def test_links_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as archive:
        archive.writestr("x/config.yaml", "{}")
        entry = zipfile.ZipInfo("x/link")
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(OutputError, match="link or device"):
        import_run(tmp_path / "l.zip", tmp_path / "runs")


def test_a_flipped_bit_is_found_and_nothing_is_left(exported, tmp_path):
    with zipfile.ZipFile(exported) as archive:
        entry = archive.getinfo("first/events.jsonl")
    content = bytearray(exported.read_bytes())
    name, extra = struct.unpack_from("<HH", content, entry.header_offset + 26)
    content[entry.header_offset + 30 + name + extra + 3] ^= 0x10
    exported.write_bytes(content)
    with pytest.raises(OutputError, match=r"damaged.*first/events\.jsonl"):
        import_run(exported, tmp_path / "elsewhere")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_file_that_was_cut_off_is_damaged(exported, tmp_path):
    exported.write_bytes(exported.read_bytes()[:-200])
    with pytest.raises(OutputError, match="damaged"):
        import_run(exported, tmp_path / "elsewhere")


@pytest.mark.parametrize(
    "entries",
    [[], [("readme.txt", "x")], [("x/config.yaml", "{}"), ("y/config.yaml", "{}")]],
    ids=["empty", "no run", "two runs"],
)
def test_what_is_no_run_is_refused(tmp_path, entries):
    with pytest.raises(OutputError, match="no exported run"):
        import_run(made(tmp_path / "n.zip", *entries), tmp_path / "runs")


def test_settings_that_cannot_be_read_leave_nothing(tmp_path):
    archive = made(tmp_path / "s.zip", ("x/config.yaml", "search: {trials: none}"))
    with pytest.raises(OutputError, match="no settings of a run"):
        import_run(archive, tmp_path / "runs")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"there is no file .*none\.zip"):
        import_run(tmp_path / "none.zip", tmp_path)


def flipped(content):
    """Yield copies of bytes with one byte changed: every bit of it, or one."""
    for place in range(len(content)):
        for mask in (0xFF, 1 << place % 8):
            copy = bytearray(content)
            copy[place] ^= mask
            yield bytes(copy)


def test_whichever_byte_is_damaged_the_end_is_a_run_or_one_message(tmp_path):
    source = tmp_path / "f.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/config.yaml", "data: {dataset: digits}\n")
        archive.writestr("x/größe-ß.txt", "a text that is packed, packed, packed")
    told = 0
    for content in flipped(source.read_bytes()):
        source.write_bytes(content)
        root = tmp_path / "runs"
        try:
            assert (import_run(source, root) / "config.yaml").is_file()
        except HpoTorchError:
            told += 1
            assert not root.exists() or list(root.iterdir()) == []
        shutil.rmtree(root, ignore_errors=True)
    # What no CRC covers, such as when a file was written, may be anything.
    assert told > len(content)


def test_other_compression_than_an_exports_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x/config.yaml", "{}")
    with pytest.raises(OutputError, match=r"x/config\.yaml' is not compressed as an export is"):
        import_run(tmp_path / "b.zip", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
