"""What becomes of workers when the process that started them ends without closing its backend."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

SCRIPT = """
import os, signal, sys
from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch_local.processes import LocalBackend

if __name__ == "__main__":
    backend = LocalBackend(ExecutionSettings(device="cpu"), train_target=FAKE_TARGET)
    backend.start()
    (process,) = BackendSuite().processes(backend, jobs=1)
    backend.submit(fake_job(1, "wait"))
    BackendSuite().until_started(backend, 1)
    print(process, flush=True)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("end", "code"), [("killed", -9), ("normal", 0)])
def test_workers_end_with_their_parent(tmp_path, end, code):
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(script), end],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path), "TMPDIR": str(tmp_path)},
    )
    assert (ended.returncode, ended.stderr) == (code, "")
    if end == "normal":
        assert list(tmp_path.glob("hpo-torch-workers-*")) == []
    worker = int(ended.stdout)
    deadline = time.monotonic() + 10.0
    while is_running(worker):
        assert time.monotonic() < deadline, "the worker outlives its parent"
        time.sleep(0.01)


def is_running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # an orphan may wait for init to reap it
