"""The client and the real server, on a real socket, with runs that grow."""

from __future__ import annotations

import json
import threading
import time

import pytest
from api_app import served_api
from told_run import ToldRun

from hpo_torch.results.run_lock import run_lock
from hpo_torch_server.client import following


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(following, "FOLLOW_SECONDS", 0.05)


@pytest.fixture
def there(tmp_path):
    """The server's folder of runs."""
    return tmp_path / "there"


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


class Search(threading.Thread):
    """A search of a few trials by another process, as its folder tells."""

    def __init__(self, root, trials=6, pause=0.05):
        super().__init__()
        self.run_ = ToldRun(root, trials=trials)
        self._trials, self._pause = trials, pause
        self._lock = run_lock(self.run_.path)
        self._lock.__enter__()
        self.run_.begin()

    def run(self):
        told = self.run_
        state = told.path / "trials/0000/training_state.ckpt"
        for trial in range(self._trials):
            told.start(trial)
            for epoch in (1, 2):
                state.parent.mkdir(parents=True, exist_ok=True)
                state.write_bytes(bytes([trial, epoch]) * 50_000)
                told.epoch(trial, epoch)
                time.sleep(self._pause)
            told.end(trial, score=0.5 + trial / 100)
        state.unlink()
        told.finish()
        self._lock.__exit__(None, None, None)


def test_run_that_grows_is_fetched_until_it_is_complete(cli, there, tmp_path):
    search = Search(there)
    with served_api(there) as (_, url):
        search.start()
        result = cli("remote", url, "fetch", "first", "--follow", "--output-dir", "here")
        search.join()
    assert result.code == 0
    assert content(tmp_path / "here/first") == content(there / "first")
    shown = cli("show", "here/first", "--json")
    assert json.loads(shown.out)["summary"]["best_trial"] == 5


def test_fetched_again_nothing_comes(cli, there):
    search = Search(there, trials=2, pause=0.0)
    search.start()
    search.join()
    with served_api(there) as (_, url):
        first, second = (
            json.loads(cli("remote", url, "fetch", "first", "--output-dir", "here", "--json").out)
            for _ in range(2)
        )
    assert first["status"] == second["status"] == "completed"
    assert first["files"] == len(content(there / "first"))
    assert (second["files"], second["bytes"]) == (0, 0)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_run_that_grows_is_watched_from_its_first_event_to_its_last(cli, there, form):
    search = Search(there, trials=3)
    with served_api(there) as (_, url):
        search.start()
        result = cli("remote", url, "watch", "first", *form)
        search.join()
    assert result.code == 0
    if form:
        assert result.out == (there / "first/events.jsonl").read_text()
    else:
        assert "trial 2: complete  score 0.5200" in result.out
        assert "first is completed, best score 0.5200" in result.out


def test_run_of_the_command_line_is_listed_and_not_stopped(cli, there):
    search = Search(there, trials=1)
    with served_api(there) as (_, url):
        listed = json.loads(cli("remote", url, "jobs", "--json").out)
        stopped = cli("remote", url, "stop", "first")
        search.start()
        search.join()
    assert [(job["job_id"], job["status"]) for job in listed] == [("first", "running")]
    assert stopped.code == 2
    assert "was not started by this server" in stopped.err


def test_job_is_started_watched_and_removed(cli, there):
    with served_api(there) as (api, url):
        options = ("--dataset", "digits", "--trials", "2", "--preset", "quick", "--name", "mine")
        started = cli("remote", url, "optimize", *options, "--fix", "optimizer=sgd")
        row = api.server.jobs.get("mine")
        watched = cli("remote", url, "watch", "mine")
        removed = cli("remote", url, "rm", "mine", "--yes")
        listed = json.loads(cli("remote", url, "jobs", "--json").out)
    assert (started.code, started.out) == (0, "mine\n")
    assert row.config["search"]["trials"] == 2
    assert row.config["search"]["fix"] == {"optimizer": "sgd"}
    # The test's server starts programs that fail at once.
    assert watched.code == 1
    assert "nothing is trained here" in watched.err
    assert removed.code == 0
    assert listed == []


def test_bad_settings_are_refused_in_the_words_of_the_local_command(cli, there):
    with served_api(there) as (_, url):
        result = cli("remote", url, "optimize", "--dataset", "didgits")
    assert (result.code, result.out) == (2, "")
    assert "unknown dataset 'didgits'. Did you mean 'digits'?" in result.err


def test_key_decides_what_is_seen(cli, there, monkeypatch):
    def two_owners(api):
        api.job("ann", "anns")
        api.job("bob", "bobs")
        keys["ann"] = api.key("ann", "read")["Authorization"].removeprefix("Bearer ")

    keys = {}
    with served_api(there, two_owners) as (_, url):
        without = cli("remote", url, "jobs")
        monkeypatch.setenv("HPO_TORCH_API_KEY", keys["ann"])
        listed = json.loads(cli("remote", url, "jobs", "--json").out)
        others = cli("remote", url, "watch", "bobs")
        stopped = cli("remote", url, "stop", "anns")
    assert without.code == 1
    assert "expected an API key" in without.err
    assert [job["job_id"] for job in listed] == ["anns"]
    assert others.code == 2
    assert "there is no job 'bobs'" in others.err
    assert stopped.code == 1
    assert "expected a key with scope run" in stopped.err
