"""Searches are started, listed, controlled, and removed; jobs' processes are the supervisor's."""

from __future__ import annotations

import pytest
from api_app import problem

from hpo_torch.config.schema import RunConfig
from hpo_torch.study.queue_file import read_list

SEARCH = {"dataset": "digits", "mode": "simple", "trials": 3, "options": {"max_epochs": 6}}


def test_a_search_waits_for_its_turn_with_all_of_its_settings(api):
    response = api.post("/optimize", SEARCH | {"name": "first"})
    assert response.status_code == 202
    job = response.json()
    assert response.headers["location"] == job["links"]["self"] == "/api/v1/jobs/first"
    assert (job["job_id"], job["status"], job["owner"], job["position"]) == (
        "first",
        "queued",
        "local",
        1,
    )
    assert (job["dataset"], job["mode"], job["optimize_for"], job["trials"]) == (
        "digits",
        "simple",
        "val_accuracy",
        3,
    )
    config = RunConfig.model_validate(job["config"])
    assert (config.search.min_epochs, config.search.max_epochs) == (5, 6)
    assert config.data.validation_split == 0.2  # what the data set says by default
    assert config.output.dir == str(api.server.settings.output_dir)
    assert config.output.name == "first"
    assert job["progress"]["total_trials"] == 3
    assert job["progress"]["finished_trials"] == 0
    assert job["created_at"].endswith("Z")
    assert api.get("/jobs/first").json() == job
    assert ("local", "create job", "first", "done") in api.audited()


def test_a_name_is_made_up_unless_it_is_given(api):
    job = api.post("/optimize", SEARCH).json()
    assert "_digits_simple-val_accuracy" in job["job_id"]


def test_jobs_wait_in_line(api):
    names = [api.post("/optimize", SEARCH | {"name": name}).json() for name in ("a", "b", "c")]
    assert [job["position"] for job in names] == [1, 2, 3]


def test_a_repeated_request_gets_the_job_of_the_first(api):
    headers = {"Idempotency-Key": "k-1"}
    first = api.post("/optimize", SEARCH, headers=headers)
    again = api.post("/optimize", SEARCH, headers=headers)
    assert (again.status_code, again.json()["job_id"]) == (202, first.json()["job_id"])
    assert api.get("/jobs").json()["total"] == 1


def test_a_key_is_for_one_request(api):
    headers = {"Idempotency-Key": "k-1"}
    api.post("/optimize", SEARCH, headers=headers)
    found = problem(api.post("/optimize", SEARCH | {"trials": 4}, headers=headers), 409)
    assert "Use a new key" in found["detail"]


def test_a_taken_name_is_refused(api):
    api.post("/optimize", SEARCH | {"name": "first"})
    assert "first" in problem(api.post("/optimize", SEARCH | {"name": "first"}), 409)["detail"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": "minst"}, "Did you mean 'mnist'?"),
        ({"optimize_for": "val_acuracy"}, "Did you mean 'val_accuracy'?"),
        ({"preset": "quik"}, "Did you mean 'quick'?"),
        ({"options": {"max_epoch": 3}}, "Did you mean 'max_epochs'?"),
        ({"options": {"fix": {"filtres": 3}}}, "Did you mean 'filters'?"),
        ({"options": {"backend": "locl"}}, "Did you mean 'local'?"),
        ({"options": {"max_epochs": 3}}, "min_epochs (5) is above max_epochs (3)"),
        ({"settings": {"search.trails": 3}}, "Did you mean 'search.trials'?"),
        ({"settings": {"search": {"seed": "any"}}}, "(from request)"),
        ({"mode": "simple", "optimize_for": "overall_health"}, "Use mode 'health'"),
        ({"enqueue": [{"filters": -3}]}, "enqueue, entry 1: filters"),
        ({"options": {"output_dir": "/tmp"}}, "output.dir cannot be set here"),
        ({"options": {"name": "x"}}, "output.name cannot be set here"),
        ({"dataset_name": "mnist"}, "leave one of them out"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_search_that_cannot_be_is_refused_with_the_command_lines_words(api, change, words):
    found = problem(api.post("/optimize", SEARCH | change), 400)
    assert words in found["detail"]
    assert api.get("/jobs").json()["total"] == 0
    (entry,) = [each for each in api.audited() if each[1] == "create job"]
    assert entry[3].startswith("refused: ")


@pytest.mark.parametrize("name", ["a/b", "..", ".server", "a ", "a\n", "x" * 61, ""])
def test_a_name_is_a_folders_on_every_system(api, name):
    assert problem(api.post("/optimize", SEARCH | {"name": name}), 422)["type"] == "validation"


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_refused(api, text):
    body = f'{{"options": {{"timeout": {text}}}}}'
    headers = {"Content-Type": "application/json"}
    response = api.client.post("/api/v1/optimize", content=body, headers=headers)
    assert "NaN or Infinity" in problem(response, 422)["detail"]


@pytest.mark.parametrize("change", [{"trials": "3"}, {"trials": True}, {"health_weight": "0.3"}])
def test_a_number_is_a_number(api, change):
    assert "expected a number" in problem(api.post("/optimize", SEARCH | change), 422)["detail"]


def test_the_former_name_of_the_data_set_is_accepted(api):
    assert api.post("/optimize", {"dataset_name": "digits"}).json()["dataset"] == "digits"


def test_the_servers_environment_is_below_the_request_and_above_a_preset(api, monkeypatch):
    monkeypatch.setenv("HPO_TORCH_SEARCH_TRIALS", "7")
    monkeypatch.setenv("HPO_TORCH_DATA_DIR", "/volume")
    job = api.post("/optimize", {"preset": "quick"}).json()
    assert job["trials"] == 7
    assert job["config"]["data"]["dir"] == "/volume"
    assert api.post("/optimize", {"trials": 3}).json()["trials"] == 3


def test_configurations_that_are_trained_first_become_a_file(api):
    first, second = {"filters": 16}, {"optimizer": "sgd"}
    job = api.post("/optimize", SEARCH | {"enqueue": [first, second]}).json()
    path = api.server.settings.state_dir / "queues"
    assert job["config"]["search"]["enqueue"].startswith(str(path))
    assert read_list(next(path.iterdir())) == [first, second]


GUARDED = [
    {"data_dir": "/etc"},
    {"data_path": "/etc"},
    {"enqueue": "/etc/passwd"},
    {"storage": "postgresql://db/x"},
]


@pytest.mark.parametrize("options", GUARDED, ids=lambda each: next(iter(each)))
def test_files_of_the_machine_are_for_admin(api, options):
    body = SEARCH | {"options": options}
    headers = api.key("ann", "run", "read")
    found = problem(api.post("/optimize", body, headers=headers), 403)
    assert "expected a key with scope admin" in found["detail"]
    assert any(each[3].startswith("refused: scope") for each in api.audited())


@pytest.mark.parametrize(
    "settings",
    [
        {"output": {"loggers": [{"class_path": "os.system"}]}},
        {"output.loggers": [{"class_path": "os.system"}]},
    ],
    ids=["nested", "dotted"],
)
def test_programs_to_load_are_for_admin(api, settings):
    headers = api.key("ann", "run", "read")
    problem(api.post("/optimize", SEARCH | {"settings": settings}, headers=headers), 403)


def test_a_password_is_never_stored(api):
    body = SEARCH | {"options": {"storage": "postgresql://ann:secret@db/x"}}
    found = problem(api.post("/optimize", body), 400)
    assert "PGPASSWORD" in found["detail"]
    assert "secret" not in str(found)
    assert "secret" not in str(api.audited())


def test_a_search_learns_from_a_job_of_ones_own(api):
    api.job("ann", "anns")
    api.job("bob", "bobs")
    headers = api.key("ann", "run", "read")

    def ask(job):
        return api.post("/optimize", SEARCH | {"options": {"warm_start": job}}, headers=headers)

    assert ask("anns").json()["config"]["search"]["warm_start"].endswith("runs/anns")
    for other in ("bobs", "none", "/etc"):
        assert problem(ask(other), 400)["type"] == "no-job"


@pytest.mark.parametrize(
    ("quotas", "words"),
    [
        ({"jobs": 1}, "at most 1 jobs that have not ended, got 2"),
        ({"trials": 5}, "at most 5 trials of jobs that have not ended, got 6"),
        ({"disk_bytes": 1000}, "at most 1000 bytes on disk, got 1000"),
    ],
    ids=["jobs", "trials", "disk"],
)
def test_an_owner_has_so_much_and_no_more(make_api, quotas, words):
    api = make_api(quotas=quotas)
    headers = {name: api.key(name, "run", "read") for name in ("ann", "bob")}
    first = api.post("/optimize", SEARCH | {"name": "first"}, headers=headers["ann"])
    assert first.status_code == 202
    folder = api.server.settings.output_dir / "first"
    folder.mkdir()
    (folder / "large").write_bytes(b"x" * 1000)
    found = problem(api.post("/optimize", SEARCH, headers=headers["ann"]), 403)
    assert found["type"] == "quota"
    assert words in found["detail"]
    assert any(each[:2] == ("ann", "create job") and "quota" in each[3] for each in api.audited())
    assert api.post("/optimize", SEARCH, headers=headers["bob"]).status_code == 202


def test_a_repeated_request_needs_no_room(make_api):
    api = make_api(quotas={"jobs": 1})
    headers = {"Idempotency-Key": "k-1"}
    assert api.post("/optimize", SEARCH, headers=headers).status_code == 202
    assert api.post("/optimize", SEARCH, headers=headers).status_code == 202
