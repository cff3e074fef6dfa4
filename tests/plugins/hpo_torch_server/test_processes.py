from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from hpo_torch.errors import OutputError
from hpo_torch_server.processes import Commands, JobProcess, find_process, job_environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

# Says whether SIGINT and a terminal's end would reach it, and starts a child of its own.
PARENT = """
import os, signal, subprocess, sys, time
child = subprocess.Popen(["sleep", "300"])
print(os.getsid(0) == os.getpid(), child.pid, *sys.argv[1:], flush=True)
time.sleep(300)
"""


def start(tmp_path, *words, code="import time; time.sleep(300)"):
    command = [sys.executable, "-S", "-c", code, *words]
    return JobProcess.start(command, os.environ, tmp_path / "job" / "log.txt", "begins\n"), command


def end(process):
    deadline = time.monotonic() + 60
    while process.is_alive():
        assert time.monotonic() < deadline
        process.kill()
        time.sleep(0.01)


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_commands_are_those_of_the_command_line():
    commands = Commands(("hpo-torch",))
    assert commands.begin(Path("/s/config.yaml")) == [
        "hpo-torch", "optimize", "--config", "/s/config.yaml", "--quiet"
    ]  # fmt: skip
    assert commands.go_on(Path("/runs/a")) == ["hpo-torch", "resume", "/runs/a", "--quiet"]
    assert Commands().program == (sys.executable, "-m", "hpo_torch.cli.app")


def test_process_has_a_session_of_its_own_and_is_killed_with_its_children(tmp_path):
    process, _ = start(tmp_path, "one", code=PARENT)
    log = tmp_path / "job" / "log.txt"
    until(lambda: log.read_text().count("\n") == 2)
    heading, words = log.read_text().splitlines()
    assert heading == "begins"
    leads, child, word = words.split()
    assert (leads, word) == ("True", "one")
    assert process.is_alive()
    assert process.exit_code is None
    end(process)
    assert process.exit_code == -signal.SIGKILL
    until(lambda: not psutil.pid_exists(int(child)) or zombie(int(child)))


def zombie(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_process_is_asked_to_end_as_by_ctrl_c(tmp_path):
    code = "import time; print('ready', flush=True); time.sleep(300)"
    process, _ = start(tmp_path, code=code)
    until(lambda: "ready" in (tmp_path / "job" / "log.txt").read_text())
    process.interrupt()
    until(lambda: not process.is_alive())
    assert "KeyboardInterrupt" in (tmp_path / "job" / "log.txt").read_text()
    assert process.exit_code == -signal.SIGINT
    process.interrupt()
    process.kill()  # it has ended: nobody else is hit


def test_dead_child_is_known_as_dead_by_whoever_looks(tmp_path):
    process, command = start(tmp_path)
    again = JobProcess(process.id)
    assert again.is_alive()
    os.kill(process.id.pid, signal.SIGKILL)
    until(lambda: zombie(process.id.pid))
    assert JobProcess.of(process.id.pid) is None
    assert find_process(command) is None
    assert not again.is_alive()
    assert again.exit_code == -signal.SIGKILL
    assert not process.is_alive()


def test_process_is_found_by_its_command(tmp_path):
    process, command = start(tmp_path, str(tmp_path))
    try:
        until(lambda: psutil.Process(process.id.pid).cmdline() == command)
        assert find_process(["no", "such"], ["another", *command[1:]]).id == process.id
        assert find_process([*command, "more"]) is None
        assert JobProcess.of(process.id.pid).id == process.id
    finally:
        end(process)


def test_number_of_another_process_is_not_taken_for_it():
    other = subprocess.Popen(["sleep", "300"])
    try:
        found = JobProcess.of(other.pid)
        assert found.is_alive()
        before = JobProcess(found.id.model_copy(update={"created": found.id.created - 60.0}))
        assert not before.is_alive()
        before.kill()
        before.interrupt()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_program_that_is_not_there_is_told(tmp_path):
    with pytest.raises(OutputError, match=r"cannot start a process that writes .*No such file"):
        JobProcess.start(["/none/such"], {}, tmp_path / "log.txt", "begins\n")


def test_settings_of_the_server_are_not_the_jobs():
    environ = {
        "PATH": "/bin",
        "PGPASSWORD": "open-sesame",
        "HPO_TORCH_SEARCH_TRIALS": "7",
        "HPO_TORCH_API_KEY": "hpt_1_secret",
        "HPO_TORCH_TEST_DATA": "/data",
        "HPO_TORCH_EXECUTION_STORAGE": "postgresql://ann:secret@db/x",
    }
    ours = {name: environ[name] for name in ("PATH", "PGPASSWORD", "HPO_TORCH_TEST_DATA")}
    assert job_environment(environ, None) == ours
    assert job_environment(environ, "postgresql://ann@db/another") == ours
    with_password = job_environment(environ, "postgresql://ann@db/x")
    assert with_password == ours | {
        "HPO_TORCH_EXECUTION_STORAGE": "postgresql://ann:secret@db/x"
    }  # fmt: skip
