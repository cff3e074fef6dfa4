"""What an endpoint of the stand-in is, and which of the cloud's possible behaviours it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

MEGABYTE = 1_000_000

WorkerLoss = Literal["requeue", "fail", "silence"]
OversizedResult = Literal["failed", "lost", "rejected"]
ExpiredInQueue = Literal["removed", "timed_out"]
WorkerTrouble = Literal["", "unhealthy", "throttled"]


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `requests` of one kind within `seconds`, for all clients of an endpoint together."""

    requests: int
    seconds: float = 10.0


def documented_rate_limits() -> dict[str, RateLimit]:
    """Return the limits of RunPod's "Operation reference" page (docs.runpod.io), by operation.

    The same page limits concurrent requests (200 of /run, 400 of /status); nothing here does.
    """
    return {
        "run": RateLimit(1000),
        "runsync": RateLimit(2000),
        "status": RateLimit(2000),
        "stream": RateLimit(2000),
        "cancel": RateLimit(100),
        "retry": RateLimit(1000),
        "purge-queue": RateLimit(2),
    }


@dataclass(slots=True, kw_only=True)
class Endpoint:
    """One serverless endpoint; every attribute may be changed while the stand-in runs.

    Attributes:
        id: The endpoint's id in URLs.
        command: Starts one worker process: a program that calls `runpod.serverless.start`.
        env: The worker's environment beyond what the platform sets.
        name: Its name in the management APIs; image and template of its workers there, and
            settings that change nothing here, as they were given.
        workers_max: The most workers at once. 0 leaves all jobs IN_QUEUE for ever, which is what
            RunPod does to endpoints that were idle for a week (docs.runpod.io, "Endpoint
            settings").
        workers_min: Workers that run even when there is nothing to do.
        scaler_value: Requests, waiting or running, for which there is one worker: the scaler
            "request count" of the page "Endpoint settings". The scaler "queue delay" is not
            modelled.
        cold_start_seconds: From the decision to start a worker to the start of its process; the
            process's own start comes on top. `math.inf`: no worker ever starts.
        idle_timeout_seconds: How long a worker without jobs goes on; RunPod's default is 5 s
            ("Endpoint settings").
        execution_timeout_seconds: A job's executionTimeout where its policy names none; default
            600 s (docs.runpod.io, "Send API requests", execution policies). The text of a TIMED_OUT
            job's error is a guess. The page allows no executionTimeout below 5 s and no ttl below
            10 s; tests need them here.
        ttl_seconds: A job's ttl where its policy names none; default 24 h (same page). It counts
            from submission. A job whose ttl ends is removed, even while it runs; its status is
            404 from then on (same page).
        expired_in_queue: What becomes of a job whose ttl ends before a worker took it. "removed":
            as above. "timed_out": it is TIMED_OUT (docs.runpod.io, "Job states": "expired before
            it was picked up by a worker").
        retention_seconds: How long results of /run are kept; default 30 min ("Operation
            reference"). Afterwards 404.
        sync_retention_seconds: The same for /runsync, 1 min.
        run_limit_bytes: Largest body of /run, 10 MB; 20 MB for /runsync ("Operation reference").
            What the cloud answers to more is a guess: 400.
        sync_limit_bytes: See `run_limit_bytes`.
        chunk_limit_bytes: Largest chunk of a stream, 1 MB ("Operation reference"). A larger one is
            answered 400, a guess; the SDK's worker logs that and goes on (rp_http.py).
        result_limit_bytes: Largest result; 20 MB, of which the SDK warns (rp_tips.py).
        oversized_result: What comes of a larger result. None is documented. "failed": the job is
            FAILED (a guess). "lost": it is COMPLETED without output (runpod-python issue 309).
            "rejected": the worker is answered 400 and the job stays IN_PROGRESS until it times
            out (worker-comfyui issue 129, RunPod-Fooocus-API issue 46).
        worker_loss: What comes of a job whose worker died. None is documented. "requeue": it waits
            again, under the same id (runpod/serverless-workers issue 9). "fail": it is FAILED (a
            guess). "silence": it stays IN_PROGRESS until it is TIMED_OUT (docs.runpod.io, "Job
            states": "the worker failed to report back").
        worker_trouble: "unhealthy" or "throttled": no worker starts, and /health counts the wanted
            ones as that (states of docs.runpod.io, "Manage workers").
        late_progress_reopens: A progress update that arrives after the result sets the job back to
            IN_PROGRESS, as users saw (runpod-python issue 250).
        streamed_once: /stream gives every chunk once, as the SDK's client expects (it ends at the
            first answer without chunks, endpoint/runner.py). False: every answer holds all chunks
            from the first, a guess.
        gpu: The card's name, gpu_pool the pool's, as in the catalogue; gpu_count cards a worker.
        rate_limits: By operation; more is answered 429.
        poll_seconds: How long job-take and job-stop wait for something to tell.
        ping_seconds: The interval of the worker's pings; whole seconds.
        stop_seconds: What a worker gets between SIGTERM and SIGKILL; a guess: as with Docker.
    """

    id: str
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    name: str = ""
    image: str = ""
    template: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    workers_max: int = 3
    workers_min: int = 0
    scaler_value: int = 1
    cold_start_seconds: float = 0.0
    idle_timeout_seconds: float = 5.0
    execution_timeout_seconds: float = 600.0
    ttl_seconds: float = 86_400.0
    expired_in_queue: ExpiredInQueue = "removed"
    retention_seconds: float = 1800.0
    sync_retention_seconds: float = 60.0
    run_limit_bytes: int = 10 * MEGABYTE
    sync_limit_bytes: int = 20 * MEGABYTE
    chunk_limit_bytes: int = MEGABYTE
    result_limit_bytes: int = 20 * MEGABYTE
    oversized_result: OversizedResult = "failed"
    worker_loss: WorkerLoss = "requeue"
    worker_trouble: WorkerTrouble = ""
    late_progress_reopens: bool = False
    streamed_once: bool = True
    gpu: str = "NVIDIA GeForce RTX 4090"
    gpu_pool: str = "ADA_24"
    gpu_count: int = 1
    rate_limits: dict[str, RateLimit] = field(default_factory=documented_rate_limits)
    poll_seconds: float = 5.0
    ping_seconds: int = 10
    stop_seconds: float = 10.0
