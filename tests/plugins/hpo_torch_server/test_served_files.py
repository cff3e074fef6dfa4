from __future__ import annotations

import hashlib
import os

import pytest

from hpo_torch.plugin_runs import run_files
from hpo_torch_server.served_files import (
    Digests,
    FileEntry,
    NoFileError,
    is_settled,
    open_file,
    walk,
)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / "first"
    files = ("config.yaml", "a-b", "a/c", "a/b/d", "ab", "trials/0000/result.json", "trials.csv")
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "secret").write_text("secret")
    return folder


def test_files_are_those_of_an_export_in_its_order(run):
    (run / ".engine.json").write_text("{}")
    (run / "a" / ".c.12-34.tmp").write_text("half")
    exported = [path.relative_to(run).as_posix() for path in run_files(run)]
    assert [entry.path for entry in walk(run)] == exported
    assert exported[:4] == ["a-b", "a/b/d", "a/c", "ab"]


def test_a_folder_is_walked_alone(run):
    assert [entry.path for entry in walk(run, "a/")] == ["a/b/d", "a/c"]
    assert list(walk(run, "nothing/")) == []


def test_links_are_no_files(run, tmp_path):
    (run / "link").symlink_to(tmp_path / "secret")
    (run / "linked").symlink_to(tmp_path / "folder")
    (run / "inner").symlink_to(run / "ab")
    assert not {"link", "linked/secret", "inner"} & {entry.path for entry in walk(run)}


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "../../secret",
        "a/../../secret",
        "a/../ab",
        "./ab",
        "/etc/passwd",
        "//etc/passwd",
        "a//c",
        "",
        "..",
        "..\\secret",
        "a\\c",
        "ab\0",
        "ab\0.png",
    ],
)
def test_no_path_leads_out_of_the_folder(run, path):
    with pytest.raises(NoFileError) as caught:
        open_file(run, path)
    assert caught.value.outside


@pytest.mark.parametrize("path", ["link", "linked/secret", "inner", "inside/c", "loop/x"])
def test_no_link_is_followed(run, tmp_path, path):
    (run / "link").symlink_to(tmp_path / "secret")
    (run / "linked").symlink_to(tmp_path / "folder")
    (run / "inner").symlink_to(run / "ab")
    (run / "inside").symlink_to(run / "a")
    (run / "loop").symlink_to(run / "loop")
    with pytest.raises(NoFileError):
        open_file(run, path)


@pytest.mark.parametrize(
    "path", ["no", "a", "ab/x", ".engine.json", "a/.c.1.tmp", "n" * 300, "\ud800", "pipe"]
)
def test_what_is_no_file_of_the_run_is_not_there(run, path):
    (run / ".engine.json").write_text("{}")
    (run / "a" / ".c.1.tmp").write_text("half")
    os.mkfifo(run / "pipe")  # nobody writes: opening it would wait for ever
    with pytest.raises(NoFileError) as caught:
        open_file(run, path)
    assert not caught.value.outside


def test_a_run_whose_folder_is_a_link_is_served(run, tmp_path):
    (tmp_path / "runs" / "linked").symlink_to(run)
    with open_file(tmp_path / "runs" / "linked", "a/c").stream as stream:
        assert stream.read() == b"a/c"


def test_what_is_open_stays_what_it_was(run):
    opened = open_file(run, "ab")
    (run / "new").write_text("something else")
    (run / "new").replace(run / "ab")
    with opened.stream:
        assert (opened.entry.size, opened.stream.read()) == (2, b"ab")


def test_while_a_process_works_only_what_was_written_once_is_settled(run):
    (run / "trials" / "0000" / "model.ckpt").write_text("x")
    (run / "trials" / "0001").mkdir()
    (run / "trials" / "0001" / "epochs.csv").write_text("x")
    settled = {
        entry.path for entry in walk(run) if is_settled(run, entry.path, works=True)
    }  # fmt: skip
    assert settled == {"config.yaml", "trials/0000/result.json"}
    assert all(is_settled(run, entry.path, works=False) for entry in walk(run))


def entry_of(run, path):
    return next(entry for entry in walk(run) if entry.path == path)


def test_digests_are_those_of_the_content(run):
    digests = Digests()
    assert digests.of_file(run, entry_of(run, "ab")) == hashlib.sha256(b"ab").hexdigest()
    opened = open_file(run, "a/c")
    with opened.stream as stream:
        assert digests.of_open(opened) == hashlib.sha256(b"a/c").hexdigest()
        assert stream.read() == b"a/c"  # from its start


def test_a_digest_is_made_once_for_each_content(run, monkeypatch):
    digests, entry = Digests(), entry_of(run, "ab")
    first = digests.of_file(run, entry)
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert digests.of_file(run, entry_of(run, "ab")) == first
    monkeypatch.undo()
    (run / "new").write_text("xy")
    (run / "new").replace(run / "ab")
    assert digests.of_file(run, entry_of(run, "ab")) == hashlib.sha256(b"xy").hexdigest()
    assert digests.of_file(run, entry_of(run, "a/c")) is not None


def test_a_file_that_is_gone_or_another_has_no_digest(run):
    digests, entry = Digests(), entry_of(run, "ab")
    (run / "ab").write_text("longer than before")
    assert digests.of_file(run, entry) is None
    (run / "ab").unlink()
    assert digests.of_file(run, entry) is None


def test_old_digests_make_room(run, monkeypatch):
    monkeypatch.setattr("hpo_torch_server.served_files.KEPT_DIGESTS", 2)
    digests = Digests()
    for name in ("ab", "a-b", "a/c"):
        digests.of_file(run, entry_of(run, name))
    assert len(digests._known) == 2


def test_another_content_is_another_identity(run):
    before = entry_of(run, "ab")
    os.utime(run / "ab", ns=(0, before.modified + 1))
    assert entry_of(run, "ab").identity != before.identity
    assert FileEntry.of("ab", (run / "ab").stat()) == entry_of(run, "ab")
