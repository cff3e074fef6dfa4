from __future__ import annotations

import pytest

from hpo_torch_server.client.growing_file import GrowingFile
from hpo_torch_server.client.listing import list_files
from hpo_torch_server.client.refusals import ServerError

PATH = "/jobs/the-run/files/events.jsonl"
LOG = b"".join(b'{"seq":%d,"text":"%s"}\n' % (n, b"x" * 50) for n in range(1, 301))


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "events.jsonl"


@pytest.fixture
def growing(api, connection, copy):
    """Our copy, and the log as it is listed now."""
    api.changing = None
    api.files["events.jsonl"] = LOG

    def now():
        (file,) = list_files(connection, "the-run")
        return GrowingFile(connection, "the-run", file, copy)

    return now


def ranges(api):
    return [headers["Range"] for headers in api.asked("GET", PATH)]


def test_only_what_is_new_is_fetched(api, growing, copy):
    api.files["events.jsonl"] = LOG[:1000]
    assert growing().append_new() == len(LOG[:1000].rpartition(b"\n")[0]) + 1
    api.files["events.jsonl"] = LOG
    here = copy.stat().st_size
    growing().append_new()
    assert copy.read_bytes() == LOG
    assert ranges(api) == ["bytes=0-999", f"bytes={here}-{len(LOG) - 1}"]


def test_what_is_here_is_not_asked_for(api, growing, copy):
    copy.write_bytes(LOG)
    assert growing().append_new() == 0
    assert ranges(api) == []


def test_copy_has_whole_lines_at_every_moment(api, growing, copy):
    api.cuts[PATH] = [77, 500, 0, 3001]
    seen = []
    api.on_request = lambda *_: seen.append(copy.read_bytes() if copy.exists() else b"")
    growing().append_new()
    assert all(LOG.startswith(content) and content[-1:] in (b"", b"\n") for content in seen)
    assert copy.read_bytes() == LOG


def test_line_torn_by_a_killed_process_is_cut_off(growing, copy):
    copy.write_bytes(LOG[:1010])
    growing().append_new()
    assert copy.read_bytes() == LOG


@pytest.mark.parametrize("settled", [False, True])
def test_line_without_its_end_is_left_out(api, growing, copy, settled):
    api.changing = set() if settled else None
    api.files["events.jsonl"] = LOG + b'{"seq":3'
    growing().append_new()
    assert copy.read_bytes() == LOG


def test_what_was_appended_is_no_more_than_was_listed(api, growing, copy):
    api.files["events.jsonl"] = LOG[: LOG.index(b'{"seq":200')]
    listed = growing()
    api.files["events.jsonl"] = LOG
    listed.append_new()
    assert copy.read_bytes() == LOG[: LOG.index(b'{"seq":200')]


def test_settled_log_that_differs_is_fetched_whole(api, growing, copy):
    api.changing = set()
    copy.write_bytes(b'{"another":1}\n')
    growing().append_new()
    assert copy.read_bytes() == LOG


@pytest.mark.parametrize(
    ("here", "is_one"),
    [
        (b"", True),
        (LOG, True),
        (LOG[:9000], True),
        (LOG[:9000].replace(b'"seq":100', b'"seq":1OO'), False),
        (LOG + b'{"seq":301}\n', False),
        (b'{"seq":1}\n', False),
    ],
    ids=["nothing", "all", "half", "half, changed", "more", "another"],
)
def test_copy_is_compared_with_the_logs_beginning(growing, copy, here, is_one):
    copy.write_bytes(here)
    assert growing().is_a_beginning() is is_one


def test_missing_copy_is_a_beginning(growing):
    assert growing().is_a_beginning()


def test_proxy_without_ranges_is_named(api, growing, copy):
    api.no_ranges = True
    with pytest.raises(ServerError, match="knows no ranges"):
        growing().append_new()
    assert copy.read_bytes() == b""
