from __future__ import annotations

import hashlib
import random

import pytest

from hpo_torch.plugin_api import CorruptDataError, OutputError
from hpo_torch_server.client.download import download
from hpo_torch_server.client.listing import list_files
from hpo_torch_server.client.refusals import AbsentError

NAME = "best_model/model.ckpt"
PATH = f"/jobs/the-run/files/{NAME}"
CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def target(tmp_path):
    return tmp_path / NAME


@pytest.fixture
def fetch(api, connection, target):
    """Fetch the file as it is listed now."""
    api.files = {NAME: CONTENT}

    def run():
        (file,) = list_files(connection, "the-run")
        download(connection, "the-run", file, target)

    return run


def leftovers(target):
    return [path.name for path in target.parent.iterdir() if path != target]


def ranges(api):
    return [headers.get("Range") for headers in api.asked("GET", PATH)]


def test_file_is_there_whole_with_the_servers_time(fetch, target):
    fetch()
    assert target.read_bytes() == CONTENT
    assert target.stat().st_mtime_ns == 1_795_861_321_533_000_000  # 2026-11-28T10:22:01.533Z
    assert leftovers(target) == []


@pytest.mark.parametrize("changing", [set(), None], ids=["settled", "changing"])
def test_broken_connection_goes_on_where_it_broke(api, fetch, target, changing):
    api.changing = changing
    api.cuts[PATH] = [100_000, 0, 100_000]
    fetch()
    assert target.read_bytes() == CONTENT
    assert ranges(api) == [None, "bytes=100000-", "bytes=100000-", "bytes=200000-"]


def test_file_that_changes_meanwhile_is_fetched_anew(api, fetch, target):
    api.changing, api.cuts[PATH] = None, [100_000]
    asked = []

    def change(method, path):
        asked.append(path)
        if asked.count(PATH) == 2:
            api.files[NAME] = b"new" * 10

    api.on_request = change
    fetch()
    assert target.read_bytes() == b"new" * 10


def test_nothing_has_the_files_name_before_it_is_whole(api, fetch, target):
    target.parent.mkdir()
    target.write_bytes(b"old")
    seen = []
    api.cuts[PATH] = [1000, 1000, 1000]
    api.on_request = lambda *_: seen.append(target.read_bytes())
    fetch()
    assert set(seen) == {b"old"}
    assert target.read_bytes() == CONTENT


def test_part_of_a_killed_process_is_gone_on_with(api, fetch, target):
    part = target.with_name(f".model.ckpt.{hashlib.sha256(CONTENT).hexdigest()[:16]}.tmp")
    part.parent.mkdir()
    part.write_bytes(CONTENT[:123_456])
    fetch()
    assert target.read_bytes() == CONTENT
    assert ranges(api) == ["bytes=123456-"]
    assert leftovers(target) == []


def test_whole_part_of_a_killed_process_needs_no_request(api, fetch, target):
    part = target.with_name(f".model.ckpt.{hashlib.sha256(CONTENT).hexdigest()[:16]}.tmp")
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    fetch()
    assert target.read_bytes() == CONTENT
    assert ranges(api) == []


def test_parts_of_other_contents_are_removed(fetch, target):
    target.parent.mkdir()
    for name in (".model.ckpt.0123456789abcdef.tmp", ".model.ckpt.unknown.tmp"):
        (target.parent / name).write_bytes(b"x")
    fetch()
    assert leftovers(target) == []


def test_damaged_content_is_fetched_again_and_never_kept(api, fetch, target):
    api.damaged[NAME] = CONTENT[:-1] + b"?"
    with pytest.raises(CorruptDataError, match="fetched 3 times"):
        fetch()
    assert ranges(api) == [None, None, None]
    assert not target.exists()
    assert leftovers(target) == []


def test_damaged_part_is_found_out_and_fetched_anew(api, fetch, target):
    part = target.with_name(f".model.ckpt.{hashlib.sha256(CONTENT).hexdigest()[:16]}.tmp")
    part.parent.mkdir()
    part.write_bytes(b"?" * 1000)
    fetch()
    assert target.read_bytes() == CONTENT
    assert ranges(api) == ["bytes=1000-", None]


def test_empty_file(api, fetch, target):
    api.files = {NAME: b""}
    fetch()
    assert target.read_bytes() == b""


def test_file_that_is_gone_is_said_to_be(api, connection, fetch, target):
    (file,) = list_files(connection, "the-run")
    api.files = {}
    with pytest.raises(AbsentError):
        download(connection, "the-run", file, target)
    assert not target.exists()


def test_folder_that_cannot_be_made(fetch, target):
    target.parent.write_text("a file")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        fetch()
