from __future__ import annotations

import pytest

from hpo_torch_server.client import following
from hpo_torch_server.client.following import fetch_job

JOB_PATH = "/jobs/the-run"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(following, "FOLLOW_SECONDS", 0.01)


@pytest.fixture
def story(api):
    """Let the server be in one state after the other: each look at the job is the next one."""

    def tell(*states):
        left = list(states)

        def next_state(method, path):
            if path == JOB_PATH and left:
                api.status, changes = left.pop(0)
                api.files |= changes

        api.on_request = next_state

    return tell


def read(folder):
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in paths if p.name[0] != "."}


def test_job_is_followed_until_its_end(api, connection, story, tmp_path):
    story(
        ("queued", {}),
        ("starting", {}),
        ("running", {"config.yaml": b"{}\n", "events.jsonl": b"1\n"}),
        ("running", {"events.jsonl": b"1\n2\n", "trials.csv": b"a\n"}),
        ("paused", {}),
        ("running", {"events.jsonl": b"1\n2\n3\n", "trials.csv": b"a\nb\n"}),
        ("completed", {"summary.json": b"{}\n", "events.jsonl": b"1\n2\n3\n4\n"}),
    )
    api.changing = None
    done = fetch_job(connection, "the-run", tmp_path, follow=True)
    assert (done.status, done.ended, done.folder) == ("completed", True, tmp_path / "the-run")
    assert read(tmp_path / "the-run") == api.files


def test_without_following_it_is_fetched_as_it_is(api, connection, story, tmp_path):
    story(("running", {"config.yaml": b"{}\n"}))
    done = fetch_job(connection, "the-run", tmp_path, follow=False)
    assert (done.status, done.ended, done.files, done.size) == ("running", False, 1, 3)


def test_waiting_job_leaves_nothing_here(connection, story, tmp_path):
    story(("queued", {}))
    done = fetch_job(connection, "the-run", tmp_path, follow=False)
    assert (done.status, done.folder) == ("queued", None)
    assert list(tmp_path.iterdir()) == []


def test_file_that_goes_at_the_end_is_looked_for_once_more(api, connection, tmp_path):
    api.files = {"config.yaml": b"{}\n", "trials.csv": b"a\n"}

    def remove(method, path):
        if path.endswith("config.yaml"):
            api.files.pop("trials.csv", None)

    api.on_request = remove
    done = fetch_job(connection, "the-run", tmp_path, follow=False)
    assert done.status == "completed"
    assert read(tmp_path / "the-run") == {"config.yaml": b"{}\n"}
