from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from hpo_torch.errors import OutputError, RunInUseError
from hpo_torch.results.run_lock import (
    HOLDER_FILE,
    LOCK_FILE,
    Holder,
    run_lock,
    working_process,
)

HOLD = """
import sys, time, pathlib
from hpo_torch.results.run_lock import run_lock
with run_lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_second_process_is_told_who_was_first(holder, tmp_path):
    with pytest.raises(RunInUseError) as raised, run_lock(tmp_path):
        pass
    message = str(raised.value)
    assert f"another process works on {tmp_path}: process {holder.pid} on " in message
    assert f"`-c {tmp_path}`" in message
    assert raised.value.exit_code == 9


def test_lock_ends_with_its_process_however_that_ends(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / LOCK_FILE).exists()
    with run_lock(tmp_path):
        assert f'"process": {os.getpid()}' in (tmp_path / HOLDER_FILE).read_text()
    assert not (tmp_path / HOLDER_FILE).exists()


def test_holder_that_has_not_said_who_it_is_still_holds(holder, tmp_path):
    (tmp_path / HOLDER_FILE).unlink()
    with (
        pytest.raises(RunInUseError, match=r"another process works on .*\. Wait"),
        run_lock(tmp_path),
    ):
        pass


def test_lock_is_free_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path):
        raise ZeroDivisionError
    with run_lock(tmp_path):
        pass


def test_folder_that_is_not_there_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"), run_lock(tmp_path / "file"):
        pass


def test_secrets_of_a_command_are_not_written_down(tmp_path, monkeypatch):
    url, key = "postgresql://ann:secret@db/x", "hpt_1_secret"
    for arguments in (["--api-key", key], [f"--api-key={key}"]):
        monkeypatch.setattr(sys, "argv", ["hpo-torch", "remote", *arguments, "fetch", "x", url])
        with run_lock(tmp_path):
            written = (tmp_path / HOLDER_FILE).read_text()
        assert "secret" not in written
        assert "fetch x postgresql://ann@db/x" in written


def test_working_process_is_known_until_it_is_killed(holder, tmp_path):
    assert working_process(tmp_path).process == holder.pid
    holder.kill()
    while psutil.Process(holder.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert working_process(tmp_path) is None  # though nobody has asked yet how it ended
    holder.wait()
    assert working_process(tmp_path) is None


def test_number_of_a_dead_process_may_be_anothers_by_now(tmp_path):
    now = Holder.this_process()
    (tmp_path / HOLDER_FILE).write_text(now.model_dump_json())
    assert working_process(tmp_path) == now
    before = now.model_copy(update={"since": "2026-01-01T00:00:00+00:00"})
    (tmp_path / HOLDER_FILE).write_text(before.model_dump_json())
    assert working_process(tmp_path) is None


def test_another_machines_process_may_still_work(tmp_path):
    there = Holder(process=1, host="elsewhere", since="2026-01-01T00:00:00+00:00", command="x")
    (tmp_path / HOLDER_FILE).write_text(there.model_dump_json())
    assert working_process(tmp_path) == there


def test_nobody_works_where_nobody_began(tmp_path):
    assert working_process(tmp_path) is None
