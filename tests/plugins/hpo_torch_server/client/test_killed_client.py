"""The client is killed while it fetches, and goes on where it was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading

import pytest

CONTENT = random.Random(1).randbytes(2_000_000)
LOG = b"".join(b'{"seq":%d}\n' % n for n in range(1, 20_001))
FETCH = """
import sys
from pathlib import Path
from hpo_torch_server.client.connection import Connection
from hpo_torch_server.client.following import fetch_job
from hpo_torch_server.client.target import Target
with Connection(Target(sys.argv[1]), patience=60.0) as connection:
    fetch_job(connection, "the-run", Path(sys.argv[2]), follow=False)
"""


def start(url, folder):
    return subprocess.Popen([sys.executable, "-c", FETCH, url, str(folder)])


@pytest.mark.parametrize(
    ("name", "sent"), [("best_model/model.ckpt", 1_234_567), ("events.jsonl", 123_456)]
)
def test_killed_fetch_leaves_no_half_file_and_goes_on(api, url, tmp_path, name, sent):
    api.files = {"config.yaml": b"{}\n", "best_model/model.ckpt": CONTENT, "events.jsonl": LOG}
    path, reached, go_on = f"/jobs/the-run/files/{name}", threading.Event(), threading.Event()
    api.holds[path] = (sent, reached, go_on)
    folder = tmp_path / "the-run"
    process = start(url, tmp_path)
    assert reached.wait(60)
    _until_received(folder, sent)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    go_on.set()
    for there in (folder / "best_model/model.ckpt", folder / "events.jsonl"):
        if there.exists():
            assert there.read_bytes() in (CONTENT, LOG[: there.stat().st_size])

    api.requests.clear()
    assert start(url, tmp_path).wait(60) == 0
    for each, content in api.files.items():
        assert (folder / each).read_bytes() == content
    first = int(api.asked("GET", path)[-1]["Range"].removeprefix("bytes=").partition("-")[0])
    assert 0 < first <= sent
    assert not list(folder.rglob("*.tmp"))


def _until_received(folder, sent):
    """Wait until most of what was sent is on disk."""
    for _ in range(600):
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        if any(size > sent // 2 for size in sizes if size != len(CONTENT)):
            return
        threading.Event().wait(0.05)
    pytest.fail("nothing was received")
