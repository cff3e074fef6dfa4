"""The stand-in by hand: `python -m hpo_torch.testing.runpod_standin --worker "python -u main.py"`.

It prints the environment for other terminals, and serves until Ctrl-C.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import threading

from hpo_torch.testing.runpod_standin.endpoint import Endpoint
from hpo_torch.testing.runpod_standin.server import RunpodStandin


def main() -> None:
    """Serve one endpoint."""
    options = _options()
    over = threading.Event()
    # Set here, as a shell starts what is to run in the background with Ctrl-C ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    command = shlex.split(options.worker)
    endpoint = Endpoint(
        id=options.endpoint,
        command=command,
        workers_max=options.workers_max,
        cold_start_seconds=options.cold_start,
        idle_timeout_seconds=options.idle_timeout,
        env=dict(pair.split("=", 1) for pair in options.env),
    )
    with RunpodStandin(worker_command=command) as standin:
        standin.add_endpoint(endpoint)
        environment = standin.environment() | {"RUNPOD_ENDPOINT_ID": endpoint.id}
        for name, value in environment.items():
            print(f"export {name}={shlex.quote(value)}")  # noqa: T201
        print(f"# logs of workers: {standin.folder / 'workers'}", flush=True)  # noqa: T201
        over.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hpo_torch.testing.runpod_standin", description=__doc__
    )
    parser.add_argument("--worker", required=True, help="command that starts one worker")
    parser.add_argument("--endpoint", default="standin", help="the endpoint's id")
    parser.add_argument("--workers-max", type=int, default=3)
    parser.add_argument("--cold-start", type=float, default=0.0, help="seconds")
    parser.add_argument("--idle-timeout", type=float, default=60.0, help="seconds")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
