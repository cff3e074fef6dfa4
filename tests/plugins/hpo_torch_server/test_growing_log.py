from __future__ import annotations

import pytest
from event_writer import alert, begun, raw_lines, write

from hpo_torch_server import growing_log
from hpo_torch_server.growing_log import GrowingLog, LogChangedError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def read_on(log):
    while log.advance():
        pass
    return log.last


def all_after(log, after):
    """Everything behind a number, batch by batch, from the file alone."""
    found = []
    while after < log.last:
        batch = log.read(after)
        assert batch[0].seq == after + 1
        found += batch
        after = batch[-1].seq
    return found


def test_a_log_that_is_not_there_has_no_lines(path):
    log = GrowingLog(path)
    assert not log.advance()
    assert log.last == 0
    assert log.recent(0) is None


def test_lines_are_numbered_as_they_come(path):
    log = GrowingLog(path)
    write(path, [begun(), alert(0)])
    assert log.advance()
    assert log.last == 2
    write(path, [alert(1)])
    assert log.advance()
    assert not log.advance()
    assert [line.seq for line in log.recent(0)] == [1, 2, 3]
    assert [line.raw for line in log.recent(1)] == raw_lines(path)[1:]
    assert log.recent(3) == []


def test_a_line_without_its_end_is_none_yet(path):
    log = GrowingLog(path)
    path.write_bytes(b'{"seq":1}\n{"se')
    assert read_on(log) == 1
    with path.open("ab") as file:
        file.write(b'q":2}\n')
    assert read_on(log) == 2
    assert [line.raw for line in log.recent(0)] == [b'{"seq":1}', b'{"seq":2}']


def test_a_torn_line_that_the_next_writer_cuts_off_was_never_there(path):
    log = GrowingLog(path)
    write(path, [begun()])
    with path.open("ab") as torn:
        torn.write(b'{"seq":2,"time":"2026-11-2')
    assert read_on(log) == 1
    write(path, [alert(7, "after the crash")])
    assert read_on(log) == 2
    assert b"after the crash" in log.recent(1)[0].raw


@pytest.mark.parametrize("chunk", [1, 50, 1000, 1 << 20])
@pytest.mark.parametrize("batch", [1, 300, 1 << 20])
def test_any_line_is_found_again_by_its_number(path, monkeypatch, chunk, batch):
    monkeypatch.setattr(growing_log, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(growing_log, "BATCH_BYTES", batch)
    write(path, [begun(), *(alert(number, "m" * number) for number in range(40))])
    log = GrowingLog(path)
    assert read_on(log) == 41
    lines = raw_lines(path)
    for after in (0, 1, 17, 40):
        assert [line.raw for line in all_after(log, after)] == lines[after:]


def test_a_batch_is_as_large_as_it_may_be(path, monkeypatch):
    path.write_bytes(b"".join(b"%d23456789\n" % digit for digit in range(1, 8)))  # 10 bytes each
    monkeypatch.setattr(growing_log, "BATCH_BYTES", 35)
    log = GrowingLog(path)
    read_on(log)
    assert [line.seq for line in log.read(0)] == [1, 2, 3]
    assert [line.seq for line in log.read(5)] == [6, 7]
    assert len(log.recent(0)) == 4  # from memory: until it is full


def test_memory_keeps_the_newest_lines_only(path, monkeypatch):
    monkeypatch.setattr(growing_log, "RECENT_EVENTS", 3)
    write(path, [begun(), *map(alert, range(9))])
    log = GrowingLog(path)
    read_on(log)
    assert log.recent(6) is None
    assert [line.seq for line in log.recent(7)] == [8, 9, 10]


def test_memory_keeps_so_many_bytes_but_one_line_at_least(path, monkeypatch):
    monkeypatch.setattr(growing_log, "RECENT_BYTES", 25)
    path.write_bytes(b"123456789\n" * 5)
    log = GrowingLog(path)
    read_on(log)
    assert log.recent(2) is None
    assert [line.seq for line in log.recent(3)] == [4, 5]
    with path.open("ab") as file:
        file.write(b"x" * 100 + b"\n")
    read_on(log)
    assert [line.seq for line in log.recent(5)] == [6]


def removed(path):
    path.unlink()


def cut(path):
    path.write_bytes(path.read_bytes()[:30])


def replaced_by_a_longer_one(path):
    path.unlink()
    write(path, [begun("another"), *map(alert, range(20))])


@pytest.mark.parametrize("change", [removed, cut, replaced_by_a_longer_one])
def test_another_log_in_its_place_is_noticed(path, change):
    write(path, [begun(), alert(0)])
    log = GrowingLog(path)
    read_on(log)
    change(path)
    with pytest.raises(LogChangedError):
        log.advance()
    with pytest.raises(LogChangedError):
        log.read(0)
