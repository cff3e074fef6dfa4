"""A server of events alone, on a real socket: real keys, jobs and audit log, no supervisor."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvicorn
from fastapi import FastAPI

from hpo_torch_server.audit import AuditLog
from hpo_torch_server.context import Server
from hpo_torch_server.database import open_database
from hpo_torch_server.hub import EventHub
from hpo_torch_server.job_store import JobStore
from hpo_torch_server.keys import KeyStore
from hpo_torch_server.problems import install_handlers
from hpo_torch_server.routes.events import router
from hpo_torch_server.settings import ServerSettings
from hpo_torch_server.states import JobState
from hpo_torch_server.stopping import PromptServer

POLL = 0.01
CONFIG = {"data": {"dataset": "digits"}, "search": {"mode": "health", "optimize_for": "accuracy"}}
WAY = {
    JobState.RUNNING: JobState.STARTING,
    JobState.STARTING: JobState.QUEUED,
    JobState.PAUSING: JobState.RUNNING,
    JobState.PAUSED: JobState.PAUSING,
    JobState.STOPPING: JobState.RUNNING,
    JobState.STOPPED: JobState.STOPPING,
    JobState.COMPLETED: JobState.RUNNING,
    JobState.FAILED: JobState.RUNNING,
}
"""How a job comes into a state."""


def make_server(output_dir, *, poll_seconds=POLL, **hub):
    """All parts of a server that streams of events need."""
    settings = ServerSettings(output_dir=output_dir)
    database = open_database(settings.database_url)

    def clock():
        return datetime.now(UTC)

    jobs = JobStore(database, settings.output_dir, clock)
    nothing: Any = None
    return Server(
        settings=settings,
        clock=clock,
        database=database,
        jobs=jobs,
        keys=KeyStore(database, clock),
        audit=AuditLog(database, clock),
        supervisor=nothing,
        runs=nothing,
        hub=EventHub(settings.output_dir, state_reader(jobs), poll_seconds=poll_seconds, **hub),
    )


def state_reader(jobs):
    def state_of(job):
        row = jobs.get(job)
        return None if row is None else row.state

    return state_of


def make_app(server):
    app = FastAPI()
    app.state.server = server
    app.include_router(router, prefix="/api/v1")
    install_handlers(app)
    return app


@dataclass
class Served:
    """A server that answers.

    Attributes:
        url: "http://127.0.0.1:PORT".
    """

    server: Server
    uvicorn: PromptServer
    thread: threading.Thread
    url: str

    def events_url(self, job="run", query="", scheme="http"):
        return f"{scheme}{self.url.removeprefix('http')}/api/v1/jobs/{job}/events{query}"

    def job(self, name="run", owner="local", state=JobState.RUNNING):
        """Make a job in a state; returns the path of its log."""
        self.server.jobs.create(owner, CONFIG, name)
        if state != JobState.QUEUED:
            self.move(state, name)
        folder = self.server.settings.output_dir / name
        folder.mkdir(exist_ok=True)
        return folder / "events.jsonl"

    def move(self, state, name="run"):
        """Bring a job into a state, by all that come before."""
        current = self.server.jobs.get(name).state
        steps = [state]
        while WAY[steps[-1]] != current:
            steps.append(WAY[steps[-1]])
        for step in reversed(steps):
            current = self.server.jobs.move(name, [current], step).state

    def stop(self):
        """Ask it to stop, and wait until it has."""
        self.uvicorn.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()


@contextmanager
def serving(output_dir, **hub):
    """Serve a folder's runs for the time of a block."""
    server = make_server(output_dir, **hub)
    config = uvicorn.Config(make_app(server), port=0, log_level="warning", lifespan="off")
    running = PromptServer(config, server.hub.close)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            thread.join(0.01)
            assert thread.is_alive()
        port = running.servers[0].sockets[0].getsockname()[1]
        served = Served(server, running, thread, f"http://127.0.0.1:{port}")
        yield served
    finally:
        running.should_exit = True
        thread.join(30)
        server.database.dispose()
    assert not thread.is_alive()
