from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hpo_torch.errors import OutputError, RunInUseError
from hpo_torch.results.run_lock import HOLDER_FILE, LOCK_FILE, run_lock

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
