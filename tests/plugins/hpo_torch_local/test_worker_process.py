from __future__ import annotations

import subprocess
import sys

# No `if __name__ == "__main__"`: in a notebook's or a user's script there is none.
SCRIPT = """
import multiprocessing, sys
from hpo_torch_local.worker_process import _caller_left_out
print("the script", flush=True)
process = multiprocessing.get_context("spawn").Process(target=print, args=("the worker",))
with _caller_left_out():
    process.start()
process.join()
print(sys.modules["__main__"].SCRIPTS_OWN, process.exitcode)
"""


def test_worker_does_not_run_the_callers_script_again(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(f"SCRIPTS_OWN = 'kept'\n{SCRIPT}")
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.stdout.splitlines() == ["the script", "the worker", "kept 0"], done.stderr
