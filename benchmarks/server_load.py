"""What 200 watching clients and 20 reads a second cost a search that trains beside the server.

One search of one network (all hyperparameters but the learning rate are fixed) trains on this
machine, started through `hpo-torch serve`. With and without the load take turns within it, in
blocks of some seconds, in an order that changes at random from pair to pair; the server runs all
the time. The clients are on the same machine, in this process, and would be elsewhere in truth:
they have a lower priority than the training, as the server has. What is asked while all clients
come is reported apart.
Each client leaves when a block with load ends and comes again in the next where it was. In the end
all of them follow the stopped search to its end, and what each has heard is compared with the log:
an event that is missing, doubled or changed is counted. One of them is slow.

Run: nox -s bench -- benchmarks/server_load.py [--pairs 6] [--seconds 40]
     ... --dataset mnist --data-dir DIR --seconds 300     (blocks must hold some epochs)
Expect: training slows by less than 5 % (median of pairs), p95 of all reads below 100 ms, no event
lost or repeated. Threads of training: as many as cores, less one, unless --threads says otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
from server_load_clients import Client, Reads, crowd, watch_all
from server_load_figures import Block, cpu_shares, epochs_of, heard, latencies, slowdowns

from hpo_torch.search.families import search_space
from hpo_torch_server.serving import NICENESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SETTLE_SECONDS = 8.0  # of each block's begin do not count: clients come, or have just gone
SHAPES = {"digits": (1, 8, 8), "mnist": (1, 28, 28)}
SMALLER = {"conv_layers": 1, "filters": 16, "hidden_units": 64}
MANY = 10_000  # trials: more than can be trained meanwhile
ACTIVE = ("queued", "starting", "running", "pausing", "stopping")
READS = (
    "/jobs",
    "/jobs/{}",
    "/jobs/{}/trials?limit=100",
    "/jobs/{}/current-trial",
    "/jobs/{}/best-trial",
    "/jobs/{}/trends",
    "/jobs/{}/columns",
    "/jobs/{}/files",
)


@contextmanager
def serving(
    folder: Path, threads: int, *options: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server; yields its process and the API's URL."""
    command = [sys.executable, "-m", "hpo_torch.cli.app", "serve", "--port", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "COLUMNS": "300"}
    with (
        (folder / "server.log").open("w+") as log,
        subprocess.Popen(
            [*command, "--output-dir", str(folder / "runs"), *options],
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        ) as process,
    ):
        try:
            yield process, _url(folder / "server.log", process)
        finally:
            process.terminate()
            process.wait(60)


def _url(log: Path, process: subprocess.Popen[str]) -> str:
    while process.poll() is None:
        if found := re.search(r"http://[\w.:]+/api/v1", log.read_text()):
            return found[0]
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


def start_search(api: str, given: argparse.Namespace) -> str:
    """Start the search; returns its job's id."""
    epochs = given.epochs
    defaults = search_space("cnn", SHAPES[given.dataset], 1000, epochs, epochs).defaults({})
    fixed = defaults | SMALLER | {"epochs": epochs}
    del fixed["learning_rate"]
    settings = {
        "training.patience": epochs,
        "health.stop": False,
        "search.min_epochs": epochs,
        "search.max_epochs": epochs,
        "execution.backend": "local",
    }
    body = {
        "dataset": given.dataset,
        "mode": "health",
        "trials": MANY,
        "options": {"fix": fixed, "device": "cpu", "pruner": "none"},
        "settings": settings | ({"data.dir": given.data_dir} if given.data_dir else {}),
    }
    answer = httpx.post(f"{api}/optimize", json=body, timeout=120)
    if answer.is_error:
        raise RuntimeError(answer.text)
    return str(answer.json()["job_id"])


async def wait_for_a_trial(job_url: str) -> None:
    """Wait until training is under way, and there is a best trial to be asked for.

    Raises:
        RuntimeError: There never will be.
    """
    completed = 0
    while not completed:
        await asyncio.sleep(1.0)
        job = (await asyncio.to_thread(httpx.get, job_url, timeout=60)).json()
        if job["status"] not in ACTIVE:
            raise RuntimeError(f"the job is {job['status']}: {job['error']}")
        completed = job["progress"]["completed_trials"]


def stop_search(job_url: str) -> None:
    """Stop the search, and wait until its process has ended."""
    httpx.post(f"{job_url}/stop", timeout=60)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if httpx.get(job_url, timeout=60).json()["status"] not in ACTIVE:
            return
        time.sleep(0.5)
    print("the search has not stopped in two minutes; it goes on", file=sys.stderr)


async def run_block(
    seconds: float, clients: Sequence[Client], reads: Reads | None, server: psutil.Process
) -> Block:
    """Let some seconds pass, with load where `reads` are given."""
    load = []
    if reads is not None:
        load = [asyncio.create_task(watch_all(clients)), asyncio.create_task(reads.run())]
    await asyncio.sleep(SETTLE_SECONDS)
    if reads is not None:
        reads.settled = True
    before, begin = _cpu_seconds(server), time.time()
    await asyncio.sleep(seconds)
    after, end = _cpu_seconds(server), time.time()
    for task in load:
        if task.done():  # an error of ours: neither ends by itself
            task.result()
        task.cancel()
    await asyncio.gather(*load, return_exceptions=True)
    shares = [(b - a) / (end - begin) for a, b in zip(before, after, strict=True)]
    return Block(reads is not None, begin, end, *shares)


def _cpu_seconds(server: psutil.Process) -> tuple[float, float]:
    times = [process.cpu_times() for process in (server, psutil.Process())]
    first, second = (each.user + each.system for each in times)
    return first, second


async def measure(
    given: argparse.Namespace, api: str, job: str, server: psutil.Process
) -> tuple[list[tuple[Block, Block]], list[Client], Reads]:
    """Take turns with and without load, stop the search, and have all clients see its end."""
    clients = crowd(f"{api}/jobs/{job}", given.clients, given.slow_pause)
    reads = Reads(api, [path.format(job) for path in READS], given.rate)
    order, pairs = random.Random(given.seed), []
    await wait_for_a_trial(f"{api}/jobs/{job}")
    for number in range(given.pairs):
        first = order.choice((True, False))
        blocks = [
            await run_block(given.seconds, clients, reads if loaded else None, server)
            for loaded in (first, not first)
        ]
        without, loaded = sorted(blocks, key=lambda block: block.loaded)
        pairs.append((without, loaded))
        print(f"pair {number + 1} of {given.pairs} is measured", file=sys.stderr, flush=True)
    await asyncio.to_thread(httpx.post, f"{api}/jobs/{job}/stop", timeout=60)
    for client in clients:
        client.pause = 0.0
    await asyncio.wait_for(watch_all(clients), 300)
    return pairs, clients, reads


def machine(given: argparse.Namespace) -> dict[str, Any]:
    """Say where and with what it was measured."""
    packages = ("fastapi", "starlette", "uvicorn", "websockets", "httpx", "torch")
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
        "dataset": given.dataset,
        "training_threads": given.threads,
        "pairs": given.pairs,
        "block_seconds": given.seconds,
        "reads_a_second": given.rate,
    }


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", choices=SHAPES, default="digits")
    parser.add_argument("--data-dir", help="folder of data files, for mnist")
    parser.add_argument("--pairs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=40.0, help="of a block that count")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="reads a second")
    parser.add_argument("--slow-pause", type=float, default=2.0)
    parser.add_argument("--epochs", type=int, default=30, help="of each trial")
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    """Print one line of JSON."""
    given = options()
    result: dict[str, Any] = machine(given)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), given.threads) as (process, api),
    ):
        job = start_search(api, given)
        server = psutil.Process(process.pid)
        os.nice(NICENESS)  # the server's; it has been started, with a higher priority
        try:
            pairs, clients, reads = asyncio.run(measure(given, api, job, server))
        finally:  # the search would outlive the server
            stop_search(f"{api}/jobs/{job}")
        log = Path(folder) / "runs" / job / "events.jsonl"
        result |= slowdowns(epochs_of(log), pairs) | cpu_shares(pairs)
        result |= {
            "reads": latencies(reads.seconds),
            "reads_while_clients_come": latencies(reads.settling),
            "failed_reads": reads.failed,
            "events": heard(clients, log.read_bytes()),
        }
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
