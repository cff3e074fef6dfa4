from __future__ import annotations

import pytest
import requests

from hpo_torch.testing.runpod_standin import Endpoint, Fault, Faults, RateLimit, RunpodStandin


@pytest.fixture(scope="module")
def standin():
    with RunpodStandin() as made:
        yield made


class Client:
    """Asks as the SDK does; workers are played by hand."""

    def __init__(self, standin: RunpodStandin, endpoint: Endpoint) -> None:
        self.standin, self.endpoint = standin, endpoint
        self.base = f"{standin.environment()['RUNPOD_ENDPOINT_BASE_URL']}/{endpoint.id}"
        self.session = requests.Session()
        self.certificate = standin.environment()["REQUESTS_CA_BUNDLE"]

    def ask(self, method, path, key=None, timeout=10.0, **options):
        headers = {"Authorization": f"Bearer {self.standin.api_key}" if key is None else key}
        options |= {"headers": headers, "timeout": timeout, "verify": self.certificate}
        return self.session.request(method, f"{self.base}/{path}", **options)

    def run(self, **options):
        return self.ask("POST", "run", json={"input": {"n": 1}}, **options)

    def started(self) -> str:
        job = self.run().json()["id"]
        assert self.work("GET", "job-take/w").json() == {"id": job, "input": {"n": 1}}
        return job

    def work(self, method, path, **options):
        return self.ask(method, path, key=self.standin.worker_key, **options)

    @property
    def jobs(self):
        return [job for job in self.standin.jobs if job.endpoint == self.endpoint.id]


@pytest.fixture
def client(standin, request):
    standin.faults.clear()
    kept = Endpoint(id=request.node.name.replace("[", "-").replace("]", ""), poll_seconds=0.1)
    made = Client(standin, standin.add_endpoint(kept))
    yield made
    standin.remove_endpoint(kept.id)
    made.session.close()


def test_a_fault_meets_the_requests_it_is_meant_for():
    faults = Faults()
    faults.add(Fault(place="poll", kind="drop_before", nth=2, times=2, endpoint="a", job="j"))
    asked = [("poll", "b", "j"), ("fetch", "a", "j"), *[("poll", "a", "j")] * 4]
    met = [faults.meeting(place, endpoint, job) is not None for place, endpoint, job in asked]
    assert met == [False, False, False, True, True, False]


def test_the_first_fault_counts_and_the_next_waits_for_its_turn():
    faults = Faults()
    faults.add(Fault(place="poll", kind="drop_before"), Fault(place="poll", kind="drop_after"))
    kinds = [met and met.kind for met in (faults.meeting("poll") for _ in range(3))]
    assert kinds == ["drop_before", "drop_after", None]


def test_a_fault_may_last_for_ever():
    faults = Faults()
    faults.add(Fault(place="ping", kind="answer", times=None))
    assert all(faults.meeting("ping") for _ in range(20))


def test_a_fault_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at 'submit' there are"):
        Fault(place="submit", kind="kill_worker")


@pytest.mark.parametrize("status", [401, 404, 429, 500, 502, 503])
def test_any_status_on_demand_and_no_effect(client, status):
    client.standin.faults.add(Fault(place="submit", kind="answer", status=status))
    assert client.run().status_code == status
    assert client.jobs == []
    assert client.run().status_code == 200


def test_an_answer_dropped_before_the_effect(client):
    client.standin.faults.add(Fault(place="submit", kind="drop_before"))
    with pytest.raises(requests.ConnectionError):
        client.run()
    assert client.jobs == []


def test_an_answer_dropped_after_the_effect(client):
    client.standin.faults.add(Fault(place="submit", kind="drop_after"))
    with pytest.raises(requests.ConnectionError):
        client.run()
    assert len(client.jobs) == 1


def test_an_answer_later_than_the_client_waits(client):
    client.standin.faults.add(Fault(place="submit", kind="hang", seconds=1.0))
    with pytest.raises(requests.ReadTimeout):
        client.run(timeout=0.2)
    assert len(client.jobs) == 1


def test_an_answer_that_is_no_json(client):
    client.standin.faults.add(Fault(place="submit", kind="garble"))
    answer = client.run()
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_polls_and_fetches_are_two_places(client):
    job = client.started()
    client.standin.faults.add(Fault(place="fetch", kind="answer", status=502))
    assert client.ask("GET", f"status/{job}").json()["status"] == "IN_PROGRESS"
    client.work("POST", f"job-done/w/{job}", data='{"output": 7}')
    assert client.ask("GET", f"status/{job}").status_code == 502
    assert client.ask("GET", f"status/{job}").json()["output"] == 7


def test_chunks_told_twice(client):
    job = client.started()
    client.work("POST", f"job-stream/w/{job}", data='{"output": "a"}')
    client.standin.faults.add(Fault(place="stream", kind="repeat"))
    told = [client.ask("GET", f"stream/{job}").json()["stream"] for _ in range(3)]
    assert told == [[{"metrics": {}, "output": "a"}]] * 2 + [[]]


def test_chunks_told_after_the_end(client):
    job = client.started()
    client.standin.faults.add(Fault(place="stream", kind="late", times=None))
    client.work("POST", f"job-stream/w/{job}", data='{"output": "a"}')
    assert client.ask("GET", f"stream/{job}").json() == {"status": "IN_PROGRESS", "stream": []}
    client.work("POST", f"job-done/w/{job}", data='{"output": ["a"]}')
    late = client.ask("GET", f"stream/{job}").json()
    assert (late["status"], len(late["stream"])) == ("COMPLETED", 1)


def test_a_result_that_the_platform_loses(client):
    job = client.started()
    client.standin.faults.add(Fault(place="done", kind="answer", status=500, job=job, times=3))
    for _ in range(3):
        assert client.work("POST", f"job-done/w/{job}", data='{"output": 7}').status_code == 500
    assert client.ask("GET", f"status/{job}").json()["status"] == "IN_PROGRESS"


def test_keys_of_clients_and_workers_are_not_the_same(client):
    assert client.run(key=client.standin.worker_key).status_code == 401
    assert client.run(key="").status_code == 401
    assert client.ask("GET", "job-take/w", key=client.standin.api_key).status_code == 401
    assert client.work("GET", "job-take/w").status_code == 204


def test_unknown_endpoints_and_jobs_are_not_found(client):
    assert client.ask("GET", "status/none").status_code == 404
    assert client.ask("GET", "../none/health").status_code == 404


def test_too_many_requests_are_refused(client):
    client.endpoint.rate_limits["cancel"] = RateLimit(1, 60.0)
    job = client.run().json()["id"]
    statuses = [client.ask("POST", f"cancel/{job}").status_code for _ in range(2)]
    assert statuses == [200, 429]


def test_a_body_above_the_limit_is_refused(client):
    client.endpoint.run_limit_bytes = 100
    assert client.ask("POST", "run", json={"input": "x" * 100}).status_code == 400
    assert client.ask("POST", "run", json={"input": "x" * 50}).status_code == 200


def test_runsync_waits_for_the_result(client):
    client.endpoint.command = []
    answer = client.ask("POST", "runsync?wait=50", json={"input": 1}).json()
    assert (answer["status"], answer["id"][-5:]) == ("IN_QUEUE", "-sync")


def test_a_batch_of_jobs_is_taken_at_once(client):
    ids = [client.run().json()["id"] for _ in range(3)]
    taken = client.work("GET", "job-take-batch/w?batch_size=2").json()
    assert [job["id"] for job in taken] == ids[:2]


def test_the_worker_is_told_what_to_stop(client):
    job = client.started()
    assert client.work("GET", "job-stop/w").status_code == 204
    assert client.ask("POST", f"cancel/{job}").json() == {"id": job, "status": "CANCELLED"}
    assert client.work("GET", "job-stop/w").json() == {"jobsToStop": [job]}


def test_health_counts_jobs_and_workers(client):
    client.endpoint.worker_trouble = "throttled"
    client.started()
    client.run()
    said = client.ask("GET", "health").json()
    assert said["jobs"] == {
        "completed": 0,
        "failed": 0,
        "inProgress": 1,
        "inQueue": 1,
        "retried": 0,
    }
    assert said["workers"]["throttled"] == 2
    client.endpoint.workers_max = 0
    assert set(client.ask("GET", "health").json()["workers"].values()) == {0}


def test_requests_and_bytes_are_counted_by_place_and_job(client):
    counts, name = client.standin.counts, client.endpoint.id
    job = client.started()
    client.standin.faults.add(Fault(place="poll", kind="drop_after"))
    with pytest.raises(requests.ConnectionError):
        client.ask("GET", f"status/{job}")
    answer = client.ask("GET", f"status/{job}")
    assert counts.requests("submit", endpoint=name) == 1
    assert counts.requests("poll", endpoint=name) == 2
    assert [each.sent for each in counts.exchanges("poll", job=job)] == [0, len(answer.content)]
    assert counts.bytes_from_clients(job=job) == len('{"input": {"n": 1}}')
    submit = counts.exchanges("submit", job=job)[0].sent
    assert counts.bytes_to_clients(job=job) == submit + len(answer.content)
