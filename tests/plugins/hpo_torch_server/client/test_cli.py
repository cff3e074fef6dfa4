"""What is typed, what is printed, and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from told_lines import lines

JOB = "/jobs/the-run"


def problem(status, detail, kind="about:blank"):
    return status, {}, {"type": kind, "title": "t", "status": status, "detail": detail}


@pytest.fixture
def remote(cli, url):
    """Run `hpo-torch remote URL ARGUMENTS`."""
    return lambda *arguments: cli("remote", url, *arguments)


def test_optimize_starts_one_job_and_says_how_to_go_on(api, remote, url):
    api.lost["/optimize"] = 1
    result = remote("optimize", "--dataset", "digits", "--trials", 3, "--name", "mine")
    assert (result.code, result.out) == (0, "the-run\n")
    assert api.wanted == {
        "name": "mine",
        "settings": {"data.dataset": "digits", "search.trials": 3},
    }
    keys = {headers["Idempotency-Key"] for headers in api.asked("POST", "/optimize")}
    assert len(api.asked("POST", "/optimize")) == 2
    assert len(keys) == len(api.jobs_made) == 1
    assert f"hpo-torch remote {url} watch the-run" in result.err


def test_two_starts_are_two_jobs(api, remote):
    remote("optimize")
    remote("optimize")
    assert len(api.jobs_made) == 2


def test_optimize_quiet_and_json(api, remote):
    assert remote("optimize", "-q").err == ""
    assert json.loads(remote("optimize", "--json").out)["job_id"] == "the-run"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--output-dir", "runs"], "--output-dir: the server keeps its runs"),
        (["--data-path", "pictures"], "expected an absolute path on the server's machine"),
        (["--set", "search.trails=3"], "Did you mean 'search.trials'"),
        (["--preset", "quikc"], "quick"),
        (["--interactive"], "this is no terminal"),
    ],
)
def test_what_means_nothing_there_is_refused_and_nothing_is_started(api, remote, arguments, words):
    result = remote("optimize", *arguments)
    assert result.code == 2
    assert words in result.err
    assert api.jobs_made == []


@pytest.mark.parametrize("where", ["option", "variable"])
def test_key_is_sent_and_never_printed(api, cli, url, monkeypatch, where):
    api.answers[JOB] = [problem(403, "expected a key with scope run")]
    if where == "variable":
        monkeypatch.setenv("HPO_TORCH_API_KEY", "hpt_1_secret")
    option = ["--api-key", "hpt_1_secret"] if where == "option" else []
    results = [cli("remote", *option, url, "fetch", "the-run"), cli("remote", *option, "--help")]
    assert results[0].code == 1
    assert "expected a key with scope run" in results[0].err
    assert api.requests[0][2]["Authorization"] == "Bearer hpt_1_secret"
    assert "secret" not in "".join(result.out + result.err for result in results)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(404, "there is no job 'the-run'", "no-job"), 2),
        (problem(409, "job 'the-run' is completed", "job-state"), 2),
        (problem(409, "another process works on it", "run-in-use"), 9),
        (problem(401, "this API key has expired", "expired-key"), 1),
    ],
)
def test_problem_is_one_message_and_an_exit_code(api, remote, answer, code, url):
    api.answers[f"{JOB}/pause"] = [answer]
    result = remote("pause", "the-run")
    assert (result.code, result.out) == (code, "")
    assert result.err == f"error: {url}: {answer[2]['detail']}\n"


def test_nobody_there_is_said(cli, monkeypatch):
    from hpo_torch_server.client import connecting

    monkeypatch.setattr(connecting, "USUAL_PATIENCE_SECONDS", 0.1)
    result = cli("remote", "http://127.0.0.1:9", "jobs")
    assert result.code == 1
    assert "http://127.0.0.1:9: cannot be reached" in result.err


def test_what_is_no_url_is_said(cli):
    result = cli("remote", "jobs", "jobs")
    assert result.code == 2
    assert "expected a server's address like http://127.0.0.1:8000" in result.err


def test_jobs_as_table_and_json(api, remote):
    table = remote("jobs", "--state", "completed", "--limit", 5)
    assert "the-run" in table.out
    assert "0.5000" in table.out
    assert json.loads(remote("jobs", "--json").out) == [api.job()]


@pytest.mark.parametrize("order", ["stop", "pause", "resume"])
def test_orders(api, remote, order):
    api.lost[f"{JOB}/{order}"] = 1  # each may be given twice
    result = remote(order, "the-run")
    assert (result.code, result.out) == (0, "the-run is completed\n")
    assert len(api.asked("POST", f"{JOB}/{order}")) == 2


def test_stop_all_and_nothing(api, remote):
    assert remote("stop", "--all").out == "the-run\n"
    for wrong in ([], ["the-run", "--all"]):
        result = remote("stop", *wrong)
        assert result.code == 2
        assert "expected a job's id or --all" in result.err


def test_rm_asks_before(api, remote):
    refused = remote("rm", "the-run")
    assert refused.code == 2
    assert "Add --yes" in refused.err
    assert api.asked("DELETE", JOB) == []
    assert remote("rm", "the-run", "--yes").err.endswith("removed: the-run\n")
    assert len(api.asked("DELETE", JOB)) == 1


@pytest.fixture
def chosen(monkeypatch):
    """A terminal at which these numbers are typed."""

    def type_(*numbers):
        left = list(numbers)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr("typer.prompt", lambda *_, **__: left.pop(0))

    return type_


def test_attach_watches_the_job_that_is_chosen(api, remote, chosen):
    api.events = lines(3)
    chosen(7, 1)
    result = remote("attach")
    assert result.code == 0
    assert "expected a number from 1 to 1, got 7" in result.err
    assert "the-run is completed" in result.out


def test_interactive_watches_another_job_instead(api, remote, chosen):
    api.events = lines(3)
    chosen(1)
    assert "the-run is completed" in remote("optimize", "--interactive").out
    assert api.jobs_made == []


def test_interactive_starts_the_search_all_the_same(api, remote, chosen):
    chosen(0)
    assert remote("optimize", "--interactive", "--trials", 2).out.endswith("the-run\n")
    assert len(api.jobs_made) == 1


def test_watch_is_told_as_the_local_one_tells_it(api, remote, url):
    api.events = lines(4)
    result = remote("watch", "the-run")
    assert result.code == 0
    assert "trial 1: complete  score 0.5000" in result.out
    assert result.out.endswith("the-run is completed, best score 0.5000\n")
    assert f"hpo-torch remote {url} fetch the-run" in result.err


def test_watch_json_is_the_log(api, remote):
    api.events = lines(4)
    api.cuts[f"{JOB}/events"] = [500]
    assert remote("watch", "the-run", "--json").out == "".join(f"{e}\n" for e in api.events)


def test_watch_of_a_job_that_failed_says_why(api, remote):
    api.status, api.error = "failed", "no trial completed"
    result = remote("watch", "the-run")
    assert result.code == 1
    assert "error: the-run failed: no trial completed" in result.err


def test_ctrl_c_stops_watching_only(api, remote, monkeypatch, url):
    from hpo_torch_server.client.event_stream import EventStream

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(EventStream, "told", interrupt)
    result = remote("watch", "the-run")
    assert result.code == 0
    assert "no longer watching; the-run goes on" in result.err
    assert f"  to stop it: hpo-torch remote {url} stop the-run" in result.err
    assert {method for method, _, _ in api.requests} <= {"GET"}


def test_fetch_prints_the_runs_folder(api, remote, tmp_path):
    api.files = {"config.yaml": b"{}\n", "events.jsonl": b"1\n"}
    result = remote("fetch", "the-run")
    assert (result.code, result.out) == (0, "runs/the-run\n")
    assert result.err == "the-run is completed: fetched 2 files, 0.0 MB\n"
    assert (tmp_path / "runs/the-run/events.jsonl").read_bytes() == b"1\n"
    again = json.loads(remote("fetch", "the-run", "--json").out)
    assert again == {"run": "runs/the-run", "status": "completed", "files": 0, "bytes": 0}


def test_fetch_into_another_folder(api, remote, tmp_path):
    api.files = {"config.yaml": b"{}\n"}
    remote("fetch", "the-run", "--output-dir", tmp_path / "pods")
    assert (tmp_path / "pods/the-run/config.yaml").exists()


def test_damaged_file_is_said_to_be(api, remote):
    api.files = {"config.yaml": b"{}\n", "best_model/model.ckpt": b"weights"}
    api.damaged["best_model/model.ckpt"] = b"weighty"
    result = remote("fetch", "the-run")
    assert result.code == 4
    assert "best_model/model.ckpt of the-run: fetched 3 times" in result.err


def test_listing_commands_import_nothing_heavy():
    code = (
        "import sys; from hpo_torch_server.client import cli;"
        "print([m for m in ('httpx', 'fastapi', 'sqlalchemy', 'torch', 'optuna')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
