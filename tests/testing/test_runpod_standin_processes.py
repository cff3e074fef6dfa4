from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_by_hand(number):
    command = [sys.executable, "-m", "hpo_torch.testing.runpod_standin"]
    options = ["--worker", "python -u main.py", "--endpoint", "by-hand"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        lines = iter(process.stdout.readline, "")
        told = [line.strip() for line in itertools.takewhile(lambda line: line[0] != "#", lines)]
        exports = dict(line.removeprefix("export ").split("=", 1) for line in told)
        answer = requests.get(
            f"{exports['RUNPOD_ENDPOINT_BASE_URL']}/by-hand/health",
            headers={"Authorization": f"Bearer {exports['RUNPOD_API_KEY']}"},
            verify=exports["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )
        process.send_signal(number)
        assert process.wait(60) == 0
    assert answer.json()["jobs"]["inQueue"] == 0
    assert exports["RUNPOD_ENDPOINT_ID"] == "by-hand"
    assert not Path(exports["SSL_CERT_FILE"]).exists()


def test_no_worker_outlives_the_program_that_started_the_stand_in(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, time\n"
        "from hpo_torch.testing.runpod_standin import Endpoint, RunpodStandin\n"
        "sleeper = 'import subprocess, sys, time; '\n"
        'sleeper += \'subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]);\'\n'
        "sleeper += 'time.sleep(600)'\n"
        "with RunpodStandin() as standin:\n"
        "    standin.add_endpoint(\n"
        "        Endpoint(id='ep', command=[sys.executable, '-c', sleeper], workers_min=1)\n"
        "    )\n"
        "    standin.wait_for(lambda: standin.workers and standin.workers[0].process)\n"
        "    print(standin.workers[0].process.pid, flush=True)\n"
        "    print(standin.folder, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True
    ) as process:
        worker = psutil.Process(int(process.stdout.readline()))
        folder = Path(process.stdout.readline().strip())
        deadline = time.monotonic() + 60
        while not (children := worker.children()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.kill()
    family = [worker, *children]
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert (len(gone), alive) == (2, [])
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
