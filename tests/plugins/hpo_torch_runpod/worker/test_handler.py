from __future__ import annotations

import asyncio
import inspect
import threading

import pytest
from runpod_jobs import chunks_of, lines_in, lines_of, runpod_job

from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.wire import REFUSED, Claimed, decode_chunk
from hpo_torch_runpod.worker.claims import Claims
from hpo_torch_runpod.worker.handler import Handler
from hpo_torch_runpod.worker.job_run import Workplace

TRIAL = ["trial_started", "epoch_finished", "epoch_finished", "training_finished"]


def kinds(lines):
    return [line.kind for line in lines]


def test_handler_is_what_the_sdk_takes_for_a_generator(handler):
    assert inspect.isasyncgenfunction(handler.handle)


def test_events_come_in_order_and_name_the_worker(handler):
    lines = lines_of(handler, runpod_job(fake_job(3)))
    assert kinds(lines) == TRIAL
    assert {line.attempt for line in lines} == {"3-attempt"}
    assert lines[0].worker == "pod-1"
    assert lines[-1].outcome == "completed"


def test_every_run_marks_its_chunks_with_an_id_of_its_own(handler):
    """The same job twice, as RunPod gives it to the next worker where one is lost."""
    runs = []
    for _ in range(2):
        batches = [decode_chunk(chunk) for chunk in chunks_of(handler, runpod_job(fake_job(0)))]
        assert batches[0].number == 0
        runs.append({batch.run for batch in batches})
    assert [len(ids) for ids in runs] == [1, 1]
    assert runs[0] != runs[1]


def test_trials_of_one_job_follow_each_other(handler):
    lines = lines_of(handler, runpod_job(fake_job(0), fake_job(1)))
    assert kinds(lines) == TRIAL * 2
    assert [line.trial for line in lines] == [0] * 4 + [1] * 4


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("raise", "RuntimeError: raised on purpose"),
        ("exit", "SystemExit: 5"),
        ("vanish", "the training function returned no result"),
    ],
)
def test_failing_trial_touches_only_itself(handler, behaviour, message):
    lines = lines_of(handler, runpod_job(fake_job(0, behaviour), fake_job(1)))
    failed, completed = (line for line in lines if line.kind == "training_finished")
    assert (failed.trial, failed.outcome, failed.failure_kind) == (0, "failed", "user_code")
    assert failed.message == message
    assert (completed.trial, completed.outcome) == (1, "completed")


def test_interrupt_ends_only_its_trial(handler, stand_ins):
    target = "training_stand_ins:interrupted"
    lines = lines_of(handler, runpod_job(fake_job(0), fake_job(1), target=target))
    assert [(line.trial, line.message) for line in lines] == [
        (0, "KeyboardInterrupt: "),
        (1, "KeyboardInterrupt: "),
    ]


def test_event_that_cannot_be_sent_fails_its_trial(handler, stand_ins):
    target = "training_stand_ins:unreadable"
    (last,) = lines_of(handler, runpod_job(fake_job(0), target=target))
    assert (last.outcome, last.failure_kind) == ("failed", "user_code")
    assert "a line of kind training_finished cannot be read back" in last.message


def test_last_word_that_cannot_be_sent_fails_only_its_trial(handler, stand_ins):
    target = "training_stand_ins:unspeakable"
    lines = lines_of(handler, runpod_job(fake_job(0), fake_job(1), target=target))
    assert [line.trial for line in lines] == [0, 1]
    assert {line.failure_kind for line in lines} == {"user_code"}
    assert "its last word cannot be sent" in lines[0].message


def test_folder_that_another_worker_removes_is_no_fault_of_the_place(handler, stand_ins):
    target = "training_stand_ins:unwritable"
    lines = lines_of(handler, runpod_job(fake_job(0), fake_job(1), target=target))
    assert [line.failure_kind for line in lines] == ["worker_died", "backend"]
    assert lines[0].message.endswith("ended this trial meanwhile: no file")


def test_target_that_cannot_be_imported_fails_the_trial(handler):
    (last,) = lines_of(handler, runpod_job(fake_job(0), target="absent_module:train"))
    assert (last.outcome, last.failure_kind) == ("failed", "backend")
    assert "absent_module:train cannot be imported" in last.message


def test_input_that_does_not_fit_fails_the_job_with_a_reason(handler):
    job = runpod_job(fake_job(0))
    job["input"]["version"] = "0.0.9"
    (answer,) = chunks_of(handler, job)
    assert list(answer) == ["error"]
    assert answer["error"].startswith(REFUSED)
    assert lines_of(handler, runpod_job(fake_job(0)))[-1].outcome == "completed"


def test_attempt_is_trained_by_the_first_job_that_has_it(handler):
    first = lines_of(handler, runpod_job(fake_job(0), job_id="job-1"))
    again = lines_of(handler, runpod_job(fake_job(0), fake_job(1), job_id="job-2"))
    assert kinds(first) == TRIAL
    assert again[0] == Claimed(attempt="0-attempt", by="job-1")
    assert kinds(again[1:]) == TRIAL


def test_attempt_is_trained_once_by_all_workers_of_a_volume(handler, folders):
    lines_of(handler, runpod_job(fake_job(0), job_id="job-1"))
    other = Handler(Workplace("pod-2", folders, Claims(folders.claims)))
    lines = lines_of(other, runpod_job(fake_job(0), job_id="job-2"))
    assert lines == [Claimed(attempt="0-attempt", by="job-1")]


def test_job_that_comes_again_goes_on_from_the_state_of_the_lost_worker(handler, folders):
    with folders.work(fake_job(0)) as folder:
        (folder / "training_state.ckpt").write_text('{"epochs": 1}')
    folders.claims.mkdir()
    (folders.claims / "0-attempt").write_text("job-1")
    lines = lines_of(handler, runpod_job(fake_job(0), job_id="job-1"))
    assert lines[0].epochs_done == 1
    assert [line.metrics.epoch for line in lines if line.kind == "epoch_finished"] == [1, 2]
    assert not folder.exists()


async def first_chunk(chunks, stand_ins):
    chunk = await anext(chunks)
    assert stand_ins.STARTED.is_set()
    return chunk


def test_closed_job_stops_its_training(handler, stand_ins):
    async def close_early():
        job = runpod_job(fake_job(0), target="training_stand_ins:until_stopped")
        chunks = handler.handle(job)
        chunk = await first_chunk(chunks, stand_ins)
        await chunks.aclose()
        return chunk

    chunk = asyncio.run(close_early())
    assert lines_in([chunk])[0].kind == "health_alert"
    assert stand_ins.RUNNING == []
    assert not threads_of_jobs()


def test_job_that_is_cancelled_while_it_waits_stops_its_training(handler, stand_ins):
    async def cancel():
        job = runpod_job(fake_job(0), fake_job(1), target="training_stand_ins:until_stopped")
        task = asyncio.create_task(collect_all(handler.handle(job)))
        await asyncio.to_thread(stand_ins.STARTED.wait, 30.0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stand_ins.RUNNING == []  # at once, not when something is collected
        assert not threads_of_jobs()

    asyncio.run(cancel())
    assert stand_ins.MOST_AT_ONCE == [1]


def test_job_that_is_cancelled_while_a_chunk_is_sent_stops_its_training(handler, stand_ins):
    async def cancel():
        job = runpod_job(fake_job(0), target="training_stand_ins:until_stopped")
        chunks = handler.handle(job)  # held here: nothing collects it
        sending = asyncio.Event()

        async def send():
            async for _ in chunks:
                sending.set()
                await asyncio.sleep(3600.0)

        task = asyncio.create_task(send())
        await sending.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for thread in threads_of_jobs():
            await asyncio.to_thread(thread.join, 30.0)
        assert stand_ins.RUNNING == []
        await chunks.aclose()

    asyncio.run(cancel())


def test_next_job_does_not_train_beside_a_leftover(handler, stand_ins):
    target = "training_stand_ins:until_stopped"

    async def leave_one_and_take_another():
        left = handler.handle(runpod_job(fake_job(0), target=target))
        await first_chunk(left, stand_ins)
        lines = await collect_all(handler.handle(runpod_job(fake_job(1), job_id="job-2")))
        await left.aclose()
        return lines

    lines = lines_in(asyncio.run(leave_one_and_take_another()))
    assert kinds(lines) == TRIAL
    assert stand_ins.MOST_AT_ONCE == [1]
    assert stand_ins.RUNNING == []


def test_closing_a_leftover_late_does_not_touch_the_next_job(handler, stand_ins):
    async def close_late():
        left = handler.handle(runpod_job(fake_job(0), target="training_stand_ins:until_stopped"))
        await first_chunk(left, stand_ins)
        later = handler.handle(
            runpod_job(fake_job(1), job_id="job-2", target="training_stand_ins:deaf")
        )
        first = await anext(later)
        await left.aclose()
        stand_ins.RELEASE.set()
        return [first, *(await collect_all(later))]

    lines = lines_in(asyncio.run(close_late()))
    assert lines[-1].outcome == "completed"


def test_process_ends_where_a_training_does_not_stop(folders, stand_ins):
    given_up = []
    handler = Handler(
        Workplace("pod-1", folders, Claims(None)), grace=0.05, give_up=lambda: given_up.append(1)
    )

    async def close_early():
        chunks = handler.handle(runpod_job(fake_job(0), target="training_stand_ins:deaf"))
        await anext(chunks)
        await chunks.aclose()

    asyncio.run(close_early())
    assert given_up == [1]
    (thread,) = threads_of_jobs()
    stand_ins.RELEASE.set()
    thread.join(30.0)
    assert not thread.is_alive()


def threads_of_jobs():
    return [thread for thread in threading.enumerate() if thread.name.startswith("job-")]


async def collect_all(chunks):
    return [chunk async for chunk in chunks]
