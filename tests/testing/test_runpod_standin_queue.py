from __future__ import annotations

import pytest

from hpo_torch.testing.runpod_standin.endpoint import Endpoint, RateLimit
from hpo_torch.testing.runpod_standin.queue import JobQueue, Rejected
from hpo_torch.testing.runpod_standin.rates import RateGate


def queue_of(**settings) -> JobQueue:
    return JobQueue(Endpoint(id="ep", **settings))


def submitted(queue: JobQueue, **body):
    return queue.submit({"input": {"n": 1}} | body)


def test_jobs_are_taken_in_order_of_submission():
    queue = queue_of()
    jobs = [submitted(queue) for _ in range(3)]
    assert queue.take("w1") == jobs[:1]
    assert queue.take("w2", 5) == jobs[1:]
    assert [job.workers for job in jobs] == [["w1"], ["w2"], ["w2"]]


def test_a_job_without_input_is_refused():
    with pytest.raises(Rejected, match="input") as caught:
        queue_of().submit({"prompt": "hello"})
    assert caught.value.status == 400


@pytest.mark.parametrize("value", [0, -1, "5000", True])
def test_a_policy_that_is_no_time_is_refused(value):
    with pytest.raises(Rejected, match="executionTimeout"):
        submitted(queue_of(), policy={"executionTimeout": value})


def test_the_policy_of_a_job_is_in_milliseconds():
    job = submitted(queue_of(), policy={"executionTimeout": 5000, "ttl": 60_000})
    assert (job.execution_timeout, job.ttl) == (5.0, 60.0)


def test_a_finished_job_tells_its_times_and_output():
    queue = queue_of()
    job = submitted(queue)
    queue.take("w")
    queue.finish(job.id, "w", {"output": [1]}, 10)
    said = job.public()
    assert (said["status"], said["output"], said["workerId"]) == ("COMPLETED", [1], "w")
    assert said["delayTime"] >= 0
    assert said["executionTime"] >= 0


def test_an_error_fails_the_job_and_is_told():
    queue = queue_of()
    job = submitted(queue)
    queue.take("w")
    queue.finish(job.id, "w", {"error": {"why": "no memory"}}, 10)
    assert (job.status, job.public()["error"]) == ("FAILED", '{"why": "no memory"}')


def test_only_the_worker_that_has_the_job_is_believed():
    queue = queue_of()
    job = submitted(queue)
    queue.take("first")
    queue.lose_worker("first")
    queue.take("second")
    queue.finish(job.id, "first", {"output": "old"}, 10)
    queue.add_chunk(job.id, "first", "old", 10)
    assert (job.status, job.chunks) == ("IN_PROGRESS", [])
    assert job.workers == ["first", "second"]


def test_cancelling_a_waiting_job_takes_it_out_of_the_queue():
    queue = queue_of()
    job = submitted(queue)
    queue.cancel(job)
    assert (job.status, queue.take("w"), queue.stops("w")) == ("CANCELLED", [], [])


def test_cancelling_a_running_job_tells_its_worker_once():
    queue = queue_of()
    job = submitted(queue)
    queue.take("w")
    queue.cancel(job)
    assert job.status == "CANCELLED"
    assert queue.stops("w") == [job.id]
    assert queue.stops("w") == []


def test_cancelling_an_ended_job_changes_nothing():
    queue = queue_of()
    job = submitted(queue)
    queue.take("w")
    queue.finish(job.id, "w", {"output": 1}, 1)
    queue.cancel(job)
    assert (job.status, queue.stops("w")) == ("COMPLETED", [])


def test_a_job_that_runs_too_long_is_timed_out_and_its_worker_told():
    queue = queue_of(execution_timeout_seconds=0.0)
    job = submitted(queue)
    queue.take("w")
    queue.expire()
    assert (job.status, queue.stops("w")) == ("TIMED_OUT", [job.id])


@pytest.mark.parametrize("taken", [False, True], ids=["waiting", "running"])
def test_a_job_past_its_ttl_is_gone_even_while_it_runs(taken):
    queue = queue_of(ttl_seconds=0.0)
    job = submitted(queue)
    if taken:
        queue.take("w")
    queue.expire()
    assert job.gone == "ttl"
    assert queue.stops("w") == ([job.id] if taken else [])
    assert queue.take("w") == []
    with pytest.raises(Rejected) as caught:
        queue.find(job.id)
    assert caught.value.status == 404


def test_a_job_past_its_ttl_in_the_queue_may_be_timed_out_instead():
    queue = queue_of(ttl_seconds=0.0, expired_in_queue="timed_out")
    job = submitted(queue)
    queue.expire()
    assert (queue.find(job.id).status, queue.take("w")) == ("TIMED_OUT", [])


def test_results_are_kept_for_a_while_only():
    queue = queue_of(retention_seconds=0.0)
    job = submitted(queue)
    queue.take("w")
    queue.finish(job.id, "w", {"output": 1}, 1)
    assert queue.find(job.id) is job
    queue.expire()
    with pytest.raises(Rejected, match="not found"):
        queue.find(job.id)


@pytest.mark.parametrize(
    ("mode", "status"),
    [("requeue", "IN_QUEUE"), ("fail", "FAILED"), ("silence", "IN_PROGRESS")],
)
def test_what_a_lost_worker_means_for_its_job_is_a_mode(mode, status):
    queue = queue_of(worker_loss=mode)
    job = submitted(queue)
    queue.take("w")
    queue.lose_worker("w")
    assert job.status == status


@pytest.mark.parametrize(
    ("mode", "status", "output"),
    [("failed", "FAILED", None), ("lost", "COMPLETED", None)],
)
def test_what_an_oversized_result_means_is_a_mode(mode, status, output):
    queue = queue_of(oversized_result=mode, result_limit_bytes=5)
    job = submitted(queue)
    queue.take("w")
    queue.finish(job.id, "w", {"output": "123456"}, 6)
    assert (job.status, job.output) == (status, output)


def test_a_rejected_result_leaves_the_job_running():
    queue = queue_of(oversized_result="rejected", result_limit_bytes=5)
    job = submitted(queue)
    queue.take("w")
    with pytest.raises(Rejected) as caught:
        queue.finish(job.id, "w", {"output": "123456"}, 6)
    assert (caught.value.status, job.status) == (400, "IN_PROGRESS")


@pytest.mark.parametrize(("reopens", "status"), [(False, "COMPLETED"), (True, "IN_PROGRESS")])
def test_progress_after_the_result_may_reopen_the_job(reopens, status):
    queue = queue_of(late_progress_reopens=reopens)
    job = submitted(queue)
    queue.take("w")
    queue.finish(job.id, "w", {"status": "IN_PROGRESS", "output": "half"}, 1)
    assert job.public()["output"] == "half"
    queue.finish(job.id, "w", {"output": "all"}, 1)
    queue.finish(job.id, "w", {"status": "IN_PROGRESS", "output": "half"}, 1)
    assert job.status == status


def test_chunks_are_told_once_or_all_of_them_every_time():
    once, always = queue_of(), queue_of(streamed_once=False)
    told = []
    for queue in (once, always):
        job = submitted(queue)
        queue.take("w")
        for chunk in ("a", "b"):
            queue.add_chunk(job.id, "w", chunk, 1)
        told.append([queue.read_chunks(job), queue.read_chunks(job)])
    assert told == [[["a", "b"], []], [["a", "b"], ["a", "b"]]]


def test_a_chunk_above_the_limit_is_refused():
    queue = queue_of(chunk_limit_bytes=3)
    job = submitted(queue)
    queue.take("w")
    queue.add_chunk(job.id, "w", "abc", 3)
    with pytest.raises(Rejected, match="at most 3"):
        queue.add_chunk(job.id, "w", "abcd", 4)
    assert job.chunks == ["abc"]


def test_a_failed_job_is_retried_under_the_same_id():
    queue = queue_of()
    job = submitted(queue)
    with pytest.raises(Rejected, match="IN_QUEUE"):
        queue.retry(job)
    queue.take("w")
    queue.finish(job.id, "w", {"error": "oh"}, 1)
    queue.retry(job)
    assert (job.status, job.error, queue.retried) == ("IN_QUEUE", "", 1)
    assert queue.take("w") == [job]


def test_purging_removes_what_waits_and_leaves_what_runs():
    queue = queue_of()
    running, waiting = submitted(queue), submitted(queue)
    queue.take("w")
    assert queue.purge() == 1
    assert (running.gone, waiting.gone) == ("", "purged")


def test_too_many_requests_in_a_while_are_refused():
    limits = {"cancel": RateLimit(2, 60.0), "status": RateLimit(1, 0.0)}
    gate = RateGate(Endpoint(id="ep", rate_limits=limits))
    for _ in range(2):
        gate.enter("cancel")
    with pytest.raises(Rejected) as caught:
        gate.enter("cancel")
    assert caught.value.status == 429
    for _ in range(9):
        gate.enter("status")  # its window is over at once
        gate.enter("health")  # has no limit
