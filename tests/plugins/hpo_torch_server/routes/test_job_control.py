"""Jobs are paused, resumed, stopped, removed, listed, and get more configurations."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_app import problem

from hpo_torch.config.schema import RunConfig
from hpo_torch.data.requests import data_request
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.results.run_lock import run_lock
from hpo_torch.study.plan import plan_study
from hpo_torch.study.queue_file import read_list

SEARCH = {"dataset": "digits", "mode": "simple", "trials": 3, "options": {"max_epochs": 6}}


def test_a_waiting_job_is_paused_resumed_stopped_and_removed(api):
    api.job()
    for act, status in (
        ("pause", "paused"),
        ("resume", "queued"),
        ("stop", "stopped"),
        ("resume", "queued"),
    ):
        response = api.post(f"/jobs/job/{act}")
        assert (response.status_code, response.json()["status"]) == (202, status)
        assert ("local", f"{act} job", "job", "done") in api.audited()
    assert api.delete("/jobs/job").status_code == 204
    problem(api.get("/jobs/job"), 404)
    assert ("local", "remove job", "job", "done") in api.audited()


def test_what_a_jobs_state_does_not_allow_is_refused(api):
    api.job()
    api.post("/jobs/job/stop")
    found = problem(api.post("/jobs/job/pause"), 409)
    assert "is stopped, and cannot be paused" in found["detail"]
    assert any(each[1] == "pause job" and each[3].startswith("refused") for each in api.audited())


def test_resuming_needs_room_as_starting_does(make_api):
    api = make_api(quotas={"jobs": 1})
    api.post("/optimize", SEARCH | {"name": "first"})
    api.post("/jobs/first/stop")
    api.post("/optimize", SEARCH | {"name": "second"})
    assert problem(api.post("/jobs/first/resume"), 403)["type"] == "quota"


@pytest.fixture
def found_run(api):
    """A run of the command line, which this server did not start."""
    run = RunDirectory.create(api.server.settings.output_dir, "found")
    run.write_config(RunConfig())
    return run.path


def test_a_run_of_the_command_line_can_be_read(api, found_run):
    job = api.get("/jobs/found").json()
    assert (job["controllable"], job["owner"], job["dataset"]) == (False, "", "digits")
    assert [each["job_id"] for each in api.get("/jobs").json()["items"]] == ["found"]


@pytest.mark.parametrize("act", ["stop", "pause", "resume"])
def test_a_run_of_the_command_line_is_not_controlled(api, found_run, act):
    with run_lock(found_run):
        found = problem(api.post(f"/jobs/found/{act}"), 409)
    assert "was not started by this server" in found["detail"]
    assert "works on it" in found["detail"]
    problem(api.delete("/jobs/found"), 409)
    assert found_run.exists()


def test_a_run_of_the_command_line_is_seen_by_admin_alone(api, found_run):
    problem(api.get("/jobs/found", headers=api.key("ann", "read")), 404)
    assert api.get("/jobs/found", headers=api.key("ann", "admin")).status_code == 200


def test_pages_of_jobs_follow_one_another(api):
    names = [f"job-{number}" for number in range(5)]
    for name in names:
        api.job(name=name)
    first = api.get("/jobs?limit=2").json()
    second = api.get("/jobs", params={"limit": 2, "cursor": first["next"]}).json()
    third = api.get("/jobs", params={"limit": 2, "cursor": second["next"]}).json()
    pages = [[job["job_id"] for job in page["items"]] for page in (first, second, third)]
    assert pages == [["job-4", "job-3"], ["job-2", "job-1"], ["job-0"]]
    assert third["next"] is None
    assert first["total"] == 5


def test_jobs_are_listed_by_state(api):
    api.job(name="waits")
    api.job(name="ended")
    api.post("/jobs/ended/stop")

    def listed(query):
        return [job["job_id"] for job in api.get(f"/jobs?{query}").json()["items"]]

    assert listed("state=queued") == ["waits"]
    assert listed("state=stopped&state=queued") == ["ended", "waits"]
    problem(api.get("/jobs?state=lost"), 422)
    assert "cursor" in problem(api.get("/jobs?cursor=x"), 400)["detail"]


def test_everything_is_stopped_at_once(api):
    for name in ("a", "b"):
        api.job(name=name)
    api.post("/jobs/b/stop")
    assert api.post("/jobs/stop").json() == {
        "stopped_jobs": ["a"],
        "total_stopped": 1,
        "failed_stops": [],
    }


def test_a_waiting_job_gets_more_configurations_behind_those_it_has(api):
    api.post("/optimize", SEARCH | {"name": "job", "enqueue": [{"filters": 16}]})
    body = {"configurations": [{"optimizer": "sgd"}, {"filters": 64}]}
    response = api.post("/jobs/job/enqueue", body)
    assert response.status_code == 202
    assert response.json() == {"job_id": "job", "accepted": 2, "message": "when the job begins"}
    path = Path(api.server.jobs.get("job").config["search"]["enqueue"])
    assert read_list(path) == [{"filters": 16}, {"optimizer": "sgd"}, {"filters": 64}]
    assert ("local", "enqueue", "job", "done") in api.audited()


def test_a_configuration_that_cannot_be_is_not_queued(api):
    api.post("/optimize", SEARCH | {"name": "job"})
    found = problem(api.post("/jobs/job/enqueue", {"configurations": [{"filters": -3}]}), 400)
    assert "enqueue, entry 1: filters" in found["detail"]
    assert api.server.jobs.get("job").config["search"]["enqueue"] is None


def test_nothing_is_queued_for_a_run_of_the_command_line(api, found_run):
    body = {"configurations": [{"filters": 16}]}
    assert (
        "not started by this server"
        in problem(api.post("/jobs/found/enqueue", body), 409)["detail"]
    )


@pytest.mark.slow
def test_a_study_that_has_begun_gets_them_through_its_storage(api):
    from optuna.trial import TrialState

    from hpo_torch.study.storage import open_storage, open_study

    api.post("/optimize", SEARCH | {"name": "job"})
    config = RunConfig.model_validate(api.server.jobs.get("job").config)
    run = RunDirectory.create(api.server.settings.output_dir, "job")
    run.write_config(config)
    plan = plan_study(config, installed_registry(), data_request(config.data))
    study = open_study(open_storage(run), plan, run, print)

    def waiting():
        trials = study.get_trials(states=(TrialState.WAITING,))
        return [trial.system_attrs["fixed_params"] for trial in trials]

    assert len(waiting()) == 1  # the default
    response = api.post("/jobs/job/enqueue", {"configurations": [{"optimizer": "sgd"}]})
    assert response.json()["message"] == "when the job goes on"
    assert waiting()[1:] == [{"optimizer": "sgd"}]
    found = problem(api.post("/jobs/job/enqueue", {"configurations": [{"filters": -3}]}), 400)
    assert "enqueue, entry 1: filters" in found["detail"]
    assert len(waiting()) == 2
