"""What becomes of workers when the process that started them ends without closing its backend."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

GRACE_SECONDS = 5.0
SCRIPT = """
import os, signal, sys
from pathlib import Path
from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.execution.backend import RunSite
from hpo_torch.protocol.events import HealthAlert, TrialStarted
from hpo_torch.testing.backend_suite import BackendSuite
from hpo_torch.testing.fake_training import FAKE_TARGET, fake_job
from hpo_torch_local.processes import LocalBackend

if __name__ == "__main__":
    backend = LocalBackend(ExecutionSettings(device="cpu"), train_target=FAKE_TARGET)
    backend.start(RunSite(folder=Path(), warn=print))
    (process,) = BackendSuite().processes(backend, jobs=1)
    backend.submit(fake_job(1, sys.argv[2]))
    BackendSuite().until(backend, HealthAlert if sys.argv[2] == "freeze" else TrialStarted, 1)
    print(process, flush=True)
    if sys.argv[1] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("end", "behaviour", "code"),
    [
        ("normal", "wait", 0),
        ("killed", "wait", -9),
        ("killed", "hang", -9),  # in C code that lets other threads run
        ("killed", "freeze", -9),  # in C code that does not, and deaf to SIGTERM
    ],
)
def test_workers_end_with_their_parent(tmp_path, end, behaviour, code):
    if behaviour == "freeze" and sys.platform != "linux":
        pytest.skip("only Linux ends a process whose parent has died")
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(script), end, behaviour],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path), "TMPDIR": str(tmp_path)},
    )
    assert (ended.returncode, ended.stderr) == (code, "")
    if end == "normal":
        assert list(tmp_path.glob("hpo-torch-workers-*")) == []
    assert_ends(int(ended.stdout))


IMPORTING = """
import os, signal, sys, time
from pathlib import Path
from hpo_torch.config.schema import ExecutionSettings
from hpo_torch.execution.backend import RunSite
from hpo_torch_local.processes import LocalBackend

if __name__ == "__main__":
    backend = LocalBackend(ExecutionSettings(device="cpu"), train_target="stuck_import:train")
    backend.start(RunSite(folder=Path(), warn=print))
    while not (marker := Path(sys.argv[1])).exists():
        time.sleep(0.01)
    print(marker.read_text(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
STUCK_IMPORT = """
import ctypes, os
from pathlib import Path

marker = Path(os.environ["MARKER"])
marker.with_suffix(".new").write_text(str(os.getpid()))
marker.with_suffix(".new").replace(marker)
ctypes.PyDLL(None).sleep(3600)
"""


def test_worker_stuck_in_its_imports_ends_with_its_parent(tmp_path):
    script, marker = tmp_path / "study.py", tmp_path / "marker"
    script.write_text(IMPORTING)
    (tmp_path / "stuck_import.py").write_text(STUCK_IMPORT)
    ended = subprocess.run(
        [sys.executable, str(script), str(marker)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={
            "PYTHONPATH": ":".join([str(tmp_path), *sys.path]),
            "TMPDIR": str(tmp_path),
            "MARKER": str(marker),
        },
    )
    assert (ended.returncode, ended.stderr) == (-9, "")
    assert_ends(int(ended.stdout))


def assert_ends(process: int) -> None:
    """Check that a process is gone within `GRACE_SECONDS`."""
    deadline = time.monotonic() + GRACE_SECONDS
    while is_running(process):
        assert time.monotonic() < deadline, "the worker outlives its parent"
        time.sleep(0.01)


def is_running(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"  # an orphan may wait for init to reap it
