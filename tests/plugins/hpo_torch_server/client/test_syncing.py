"""`optimize --sync`: watching and fetching at once."""

from __future__ import annotations

import json

import pytest
from told_lines import lines

from hpo_torch_server.client import following
from hpo_torch_server.client.event_stream import EventStream

JOB = "/jobs/the-run"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(following, "FOLLOW_SECONDS", 0.01)


@pytest.fixture
def sync(api, cli, url):
    """Run `optimize --sync`."""
    api.events = lines(4)
    api.files = {
        "config.yaml": b"{}\n",
        "events.jsonl": "".join(f"{e}\n" for e in lines(4)).encode(),
    }
    return lambda *arguments: cli("remote", url, "optimize", "--sync", *arguments)


def test_job_is_watched_and_its_run_is_here_in_the_end(api, sync, tmp_path):
    result = sync()
    assert result.code == 0
    assert "trial 1: complete" in result.out
    assert "hpo-torch show runs/the-run --trials" in result.out  # the outcome of the run here
    assert (tmp_path / "runs/the-run/events.jsonl").read_bytes() == api.files["events.jsonl"]


def test_output_dir_is_where_it_is_fetched_to(sync, tmp_path):
    result = sync("--output-dir", tmp_path / "pods", "--quiet")
    assert (result.out, result.err) == (f"{tmp_path}/pods/the-run\n", "")
    assert (tmp_path / "pods/the-run/config.yaml").exists()


def test_json_is_events_only(api, sync):
    told = [json.loads(line)["seq"] for line in sync("--json").out.splitlines()]
    assert told == [1, 2, 3, 4]


def test_ctrl_c_leaves_the_job_alone(api, sync, monkeypatch, url):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(EventStream, "told", interrupt)
    result = sync()
    assert result.code == 130
    assert "interrupted here; the-run goes on" in result.err
    for word in ("watch", "fetch", "stop"):
        assert f"  to {word} it: hpo-torch remote {url} {word} the-run" in result.err
    assert [path for method, path, _ in api.requests if method == "POST"] == ["/optimize"]


def test_job_that_somebody_stopped_exits_as_an_interrupted_search(api, sync):
    api.status = "stopped"
    assert sync().code == 130


def test_fetching_that_fails_is_said_and_does_not_end_the_watching(api, sync):
    api.damaged["config.yaml"] = b"??\n"
    result = sync()
    assert result.code == 4
    assert "trial 1: complete" in result.out
    assert "warning: results are not fetched any more: config.yaml" in result.err
    assert "error: config.yaml of the-run: fetched 3 times" in result.err


def test_folder_of_another_run_is_not_touched(api, sync, tmp_path):
    folder = tmp_path / "runs/the-run"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("mine\n")
    result = sync()
    assert result.code == 5
    assert "was not fetched from a server" in result.err
    assert (folder / "config.yaml").read_text() == "mine\n"
