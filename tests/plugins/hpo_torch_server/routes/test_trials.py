from __future__ import annotations

import gzip
import json

import pytest
from api_app import problem
from told_run import ToldRun, measured

from hpo_torch.results.confirmation import write_confirmation
from hpo_torch.results.records import Confirmation, ConfirmedTrial
from hpo_torch.results.records import TestReport as Report
from hpo_torch.results.run_lock import run_lock

JOBS = "/api/v1/jobs"


@pytest.fixture
def run(tmp_path):
    return ToldRun(tmp_path / "runs")


@pytest.fixture
def client(api, run):
    return api.client


def get(client, path, status=200, **query):
    answer = client.get(f"{JOBS}/first/{path}", params=query)
    assert answer.status_code == status, answer.text
    if status >= 400:
        problem(answer, status)
    return answer.json()


def test_trials_are_listed_in_pages(run, client):
    run.begin()
    for number in range(5):
        run.end(number, score=number / 10)
    first = get(client, "trials", limit=2, sort="score", order="desc")
    assert [each["number"] for each in first["items"]] == [4, 3]
    assert first["total"] == 5
    second = get(client, "trials", limit=9, sort="score", order="desc", cursor=first["next"])
    assert [each["number"] for each in second["items"]] == [2, 1, 0]
    assert second["next"] is None
    assert second["items"][0] == {
        "number": 2,
        "state": "complete",
        "score": 0.2,
        "val_accuracy": 0.75,
        "val_loss": 0.6,
        "last_val_accuracy": 0.75,
        "skill": 0.75,
        "overall_health": 0.5,
        "parameters": 1234,
        "training_seconds": 4.0,
        "memory_bytes": 1000,
        "inference_seconds": None,
        "seconds": 5.5,
        "worker": "local-0",
        "device": "cpu",
        "cost_lower": None,
        "cost_upper": None,
        "started": "2026-11-25T10:20:03.000Z",
        "epochs": 2,
        "kept_epoch": 1,
        "attempts": 1,
        "failure_kind": None,
        "message": "",
        "health": {"gradient_health": 0.5, "training_stability": None},
        "hyperparameters": {"learning_rate": 0.001, "activation": "relu"},
    }


def test_trials_are_chosen_by_state_and_score(run, client):
    run.begin()
    run.end(0, score=0.2)
    run.end(1, "pruned", 0.3)
    run.end(2, "failed", None)
    run.start(3)
    numbers = lambda page: [each["number"] for each in page["items"]]  # noqa: E731
    assert numbers(get(client, "trials", state=["complete", "pruned"])) == [0, 1]
    assert numbers(get(client, "trials", min_score=0.25)) == [1]
    assert numbers(get(client, "trials", state="unfinished")) == [3]
    with run_lock(run.path):
        assert numbers(get(client, "trials", state="running")) == [3]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": 0}, 422),
        ({"limit": 1001}, 422),
        ({"sort": "luck"}, 422),
        ({"order": "up"}, 422),
        ({"state": "good"}, 422),
        ({"min_score": "nan"}, 422),
        ({"min_score": "inf"}, 422),
        ({"cursor": "x"}, 400),
        ({"cursor": "x" * 501}, 422),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_right(client, query, status):
    assert get(client, "trials", status, **query)["status"] == status


def test_a_cursor_of_another_order_is_refused(run, client):
    run.begin()
    for number in range(3):
        run.end(number)
    cursor = get(client, "trials", limit=1)["next"]
    problem = get(client, "trials", 400, limit=1, sort="score", cursor=cursor)
    assert "sorted by score, asc" in problem["detail"]


def test_a_job_that_is_not_there_is_not_found(client):
    for path in ("trials", "trials/0", "current-trial", "best-trial", "trends", "columns"):
        answer = client.get(f"{JOBS}/nothing/{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "no-job"), path


def test_a_trial_is_shown_with_its_epochs_and_health(run, client):
    run.begin()
    run.end(3, "failed", None, message="a long story\nof two lines", failure_kind="diverged")
    found = get(client, "trials/3")
    assert found["trial"]["number"] == 3
    assert found["trial"]["failure_kind"] == "diverged"
    assert found["message"] == "a long story\nof two lines"
    assert [epoch["epoch"] for epoch in found["curve"]] == [1, 2]
    assert found["readings"]["gradient_health"] == {
        "value": 0.5,
        "reason": None,
        "applies": True,
        "details": {"layers": {"a": 0.9}},
    }
    assert found["readings"]["training_stability"]["reason"] == "too few steps"


def test_what_is_not_finite_is_null(run, client):
    run.begin()
    run.start(0)
    run.epoch(0, 1, train_loss=float("nan"), val_loss=float("inf"))
    epoch = get(client, "trials/0")["curve"][0]
    assert (epoch["train_loss"], epoch["val_loss"]) == (None, None)
    details = {"worst": float("inf"), "by_layer": [float("nan"), 1.0]}
    health = {"gradient_health": measured().health["gradient_health"].model_copy(
        update={"details": details}
    )}  # fmt: skip
    broken = measured().model_copy(update={"val_loss": float("nan"), "health": health})
    run.end(0, measurements=broken)
    found = get(client, "trials/0")
    assert found["trial"]["val_loss"] is None
    shown = found["readings"]["gradient_health"]["details"]
    assert shown == {"worst": None, "by_layer": [None, 1.0]}


def test_an_open_trial_is_shown_so_far(run, client):
    run.begin()
    run.start(0)
    run.epoch(0, 1, accuracy=0.25)
    run.alert(0, 1, "many dead units")
    found = get(client, "trials/0")
    assert found["trial"]["state"] == "unfinished"
    assert [epoch["val_accuracy"] for epoch in found["curve"]] == [0.25]
    assert [each["message"] for each in found["alerts"]] == ["many dead units"]


@pytest.mark.parametrize(
    ("number", "status"), [("7", 404), ("-1", 422), ("x", 422), ("1e3", 422), (str(10**12), 422)]
)
def test_a_trial_that_is_not_there_is_not_found(run, client, number, status):
    run.begin()
    problem = get(client, f"trials/{number}", status)
    assert problem["type"] == ("no-trial" if status == 404 else "validation")


def test_the_trials_in_training_are_shown(run, client):
    run.begin()
    run.start(0, epochs=9, learning_rate=0.25)
    run.epoch(0, 1, accuracy=0.25, score=0.125)
    run.start(1)
    assert get(client, "current-trial") == {"trials": []}  # nobody works on it
    with run_lock(run.path):
        first, second = get(client, "current-trial")["trials"]
    assert (first["number"], first["epoch"], first["epochs"]) == (0, 1, 9)
    assert (first["score"], first["val_accuracy"]) == (0.125, 0.25)
    assert first["health"] == {"gradient_health": 0.5, "training_stability": None}
    assert first["hyperparameters"] == {"learning_rate": 0.25}
    assert [epoch["epoch"] for epoch in first["curve"]] == [1]
    assert (second["number"], second["epoch"], second["score"]) == (1, 0, None)


def test_the_best_trial_leads_until_the_search_has_ended(run, client):
    run.begin()
    assert get(client, "best-trial", 404)["type"] == "no-best-trial"
    run.end(0, score=0.5)
    run.end(1, score=0.9)
    best = get(client, "best-trial")
    assert (best["final"], best["trial"]["number"], best["trial"]["score"]) == (False, 1, 0.9)
    run.finish()
    report = Report.from_confusion([[8, 2], [1, 9]], ["a", "b"], 0.25)
    run.directory.write_test_report(report)
    best = get(client, "best-trial")
    assert best["final"]
    assert best["test"]["examples"] == 20
    assert best["test"]["accuracy"] == 0.85
    assert best["confirmed"] is None


def test_a_confirmed_winner_is_the_best_trial(run, client):
    run.begin()
    run.end(0, score=0.8)
    run.end(1, score=0.9)
    confirmed = ConfirmedTrial(
        trial=0, searched=0.8, searched_rank=2, repetitions=[0, 1], seeds=[11, 12],
        scores=[0.85, None], scored=1, mean=0.85, deviation=None, rank=1,
    )  # fmt: skip
    record = Confirmation(seeds=2, trials=[confirmed], winner=0, saved=None)
    write_confirmation(run.path, record)
    best = get(client, "best-trial")
    assert best["trial"]["number"] == 0
    assert best["confirmed"] == {
        "seeds": [11, 12],
        "scores": [0.85, None],
        "mean": 0.85,
        "deviation": None,
        "searched_score": 0.8,
        "searched_rank": 2,
    }


def test_trends_are_of_completed_trials(run, client):
    run.begin()
    run.end(0, score=0.25, hyperparameters={"activation": "relu"})
    run.end(1, score=0.75, hyperparameters={"activation": "relu"})
    run.end(2, "pruned", 0.1, hyperparameters={"activation": "elu"})
    found = get(client, "trends", window=1)
    assert found["completed"] == 2
    assert found["hyperparameter_trends"]["activation"] == {
        "kind": "values",
        "groups": [
            {
                "value": "relu", "low": None, "high": None,
                "count": 2, "mean": 0.5, "worst": 0.25, "best": 0.75,
            }
        ],
    }  # fmt: skip
    assert found["health_trends"]["score"]["medians"] == [0.25, 0.75]


def test_all_trials_come_at_once_and_only_when_they_changed(run, client):
    run.begin()
    for number in range(3):
        last = run.end(number, score=number / 3)
    answer = client.get(f"{JOBS}/first/columns", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    found = answer.json()
    assert (found["seq"], found["count"]) == (last.seq, 3)
    assert found["columns"]["score"] == [0.0, 0.333333, 0.666667]
    known = {"If-None-Match": answer.headers["etag"]}
    run.start(3)  # changes no trial that has ended
    again = client.get(f"{JOBS}/first/columns", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    run.end(3)
    assert client.get(f"{JOBS}/first/columns", headers=known).status_code == 200


def test_who_takes_no_gzip_gets_plain_json_with_another_tag(run, client):
    run.begin()
    run.end(0)
    packed = client.get(f"{JOBS}/first/columns")
    plain = client.get(f"{JOBS}/first/columns", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert json.loads(plain.content) == packed.json()
    assert plain.headers["etag"] != packed.headers["etag"]
    with client.stream("GET", f"{JOBS}/first/columns") as raw:
        assert gzip.decompress(b"".join(raw.iter_raw())) == plain.content


def test_a_damaged_run_is_an_error_that_says_what_to_do(run, client):
    run.begin()
    run.end(0)
    (run.directory.trial_dir(0) / "result.json").write_text("{")
    problem = get(client, "trials", 500)
    assert "result.json is no TrialResult" in problem["detail"]
