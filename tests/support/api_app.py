"""The API's application for tests: real gates, routes, database and audit log."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from server_database import settings as run_settings
from starlette.testclient import TestClient

from hpo_torch_server.app import create_app
from hpo_torch_server.processes import Commands
from hpo_torch_server.serving import uvicorn_config
from hpo_torch_server.settings import ServerSettings
from hpo_torch_server.stopping import PromptServer

if TYPE_CHECKING:
    from fastapi import FastAPI

    from hpo_torch_server.context import Server

LOCAL = "http://127.0.0.1:8000"
REFUSING = Commands(program=("/bin/sh", "-c", "echo 'error: nothing is trained here' >&2; exit 2"))
"""Jobs that fail at once."""


@dataclass
class Api:
    """An application, and a client on this machine.

    Its jobs wait: the supervisor is not started, unless the client is entered.
    """

    app: FastAPI
    client: TestClient

    @property
    def server(self) -> Server:
        return self.app.state.server

    def key(self, owner="ann", *scopes, expires=None):
        """Make a key; returns the headers of requests with it."""
        _, text = self.server.keys.add(owner, scopes or ("read", "run"), expires)
        return {"Authorization": f"Bearer {text}"}

    def job(self, owner="local", name="job", **search):
        """Put a job into the queue."""
        return self.server.jobs.create(owner, run_settings(**search), name)

    def get(self, path, **options):
        return self.client.get(f"/api/v1{path}", **options)

    def post(self, path, body=None, **options):
        return self.client.post(f"/api/v1{path}", json=body, **options)

    def delete(self, path, **options):
        return self.client.delete(f"/api/v1{path}", **options)

    def audited(self):
        """Return what the audit log has: (owner, action, target, outcome)."""
        found = self.server.audit.entries()
        return [(each.owner, each.action, each.target, each.outcome) for each in found]


@contextmanager
def opened_api(folder, *, commands=REFUSING, **settings):
    """Make an application on a folder of runs, for the time of a block."""
    app = create_app(ServerSettings(output_dir=folder, **settings), commands=commands)
    client = TestClient(app, base_url=LOCAL, client=("127.0.0.1", 50000))
    try:
        yield Api(app, client)
    finally:
        client.close()
        app.state.server.database.dispose()


@contextmanager
def served_api(folder, prepare=None, **settings):
    """Serve an application on a real socket, supervisor and all; yields it and its URL.

    `prepare` is called with it before.
    """
    with opened_api(folder, port=0, **settings) as api:
        if prepare is not None:
            prepare(api)
        config = uvicorn_config(api.app, api.server.settings)
        config.lifespan = "on"
        running = PromptServer(config, api.server.hub.close)
        thread = threading.Thread(target=running.run)
        thread.start()
        try:
            while not running.started:
                thread.join(0.01)
                assert thread.is_alive()
            yield api, f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(30)
        assert not thread.is_alive()


def problem(response, status):
    """Check that an answer is a problem document, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document
