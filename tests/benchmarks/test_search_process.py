from __future__ import annotations

import signal
import sys
import time

import psutil
import pytest
from search_process import Watch, check, ended, environment, search_command, started

LONG = 60.0  # seconds; a test that waits for so long has failed
SPAWNS = """
import multiprocessing, time
spawned = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(100,))
spawned.start()
spawned.join()
"""


def program(code):
    return [sys.executable, "-c", code]


def test_settings_of_searches_stay_out_of_the_environment(monkeypatch):
    monkeypatch.setenv("HPO_TORCH_SEARCH__TRIALS", "7")
    monkeypatch.setenv("KEPT", "1")
    made = environment(MORE="2")
    assert "HPO_TORCH_SEARCH__TRIALS" not in made
    assert (made["KEPT"], made["MORE"]) == ("1", "2")


def test_a_search_goes_to_its_folder_with_its_options(tmp_path):
    command = search_command(tmp_path, "x", "--trials", "3")
    assert command[command.index("--output-dir") + 1] == str(tmp_path)
    assert command[command.index("--name") + 1] == "x"
    assert command[-2:] == ["--trials", "3"]


def test_a_watch_tells_the_program_from_its_workers(tmp_path):
    with started(program(SPAWNS), tmp_path / "log", environment()) as process:
        watch = Watch(process.pid)
        deadline = time.monotonic() + LONG
        while not watch.of("worker") and time.monotonic() < deadline:
            watch.look()
        (worker,) = [pid for pid, seen in watch.seen.items() if seen.role == "worker"]
        psutil.Process(worker).kill()
        assert ended(process, LONG)
        watch.look()  # nothing is there any more, and what was seen stands
    check(process, tmp_path / "log")
    assert len(watch.of("program")) == 1
    assert watch.seen[process.pid].cpu_seconds == watch.cpu_seconds("program") > 0
    assert watch.of("worker")[0].threads >= 1


def test_a_program_that_is_not_waited_for_is_ended(tmp_path):
    with started(program("import time; time.sleep(100)"), tmp_path / "log", environment()) as left:
        assert not ended(left, 0.01)
    assert left.returncode == -signal.SIGTERM


def test_a_program_that_failed_says_why(tmp_path):
    log = tmp_path / "log"
    with started(program("raise SystemExit('no such luck')"), log, environment()) as process:
        assert ended(process, LONG)
    with pytest.raises(RuntimeError, match=r"exit code 1 .*\]\nno such luck"):
        check(process, log)
