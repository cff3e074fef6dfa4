"""Posting a job so that it is found again, whatever happens to its answer."""

from __future__ import annotations

import contextlib
import time
import uuid
from typing import TYPE_CHECKING, Any

from hpo_torch.plugin_api import DataError, HpoTorchError, OutputError
from hpo_torch_runpod.endings import Failure
from hpo_torch_runpod.endpoint_client import EndpointError, LostAnswerError, UnreachableError
from hpo_torch_runpod.ledger import Submitted, Submitting
from hpo_torch_runpod.reports import Warned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hpo_torch.protocol.events import FailureKind
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch_runpod.endpoint_client import EndpointClient
    from hpo_torch_runpod.job_trials import JobTrials
    from hpo_torch_runpod.meter import Tariff
    from hpo_torch_runpod.reports import Surroundings


def post(
    trials: JobTrials,
    client: EndpointClient,
    around: Surroundings,
    held: float,
    tariff: Tariff,
    obey: Callable[[], None],
) -> str | None:
    """Post the trials as one job.

    An answer that is lost leaves open whether there is a job now. The same submission is then
    posted again: of two jobs the workers let only one train an attempt (`wire.Claimed`).

    Args:
        trials: To be trained; all are told their end where nothing could be posted.
        client: Of the endpoint.
        around: What all jobs share.
        held: USD that each trial may cost at most.
        tariff: Of the endpoint.
        obey: Takes in orders that have come meanwhile.

    Returns:
        RunPod's id of the job; None where there is none.
    """
    obey()
    trials.cross_out(used=False)
    jobs = trials.wanted
    if not jobs:
        return None
    submission = uuid.uuid4().hex
    try:
        content = around.submitter.job_input(submission, jobs)
    except HpoTorchError as error:
        kind: FailureKind = "data" if isinstance(error, DataError) else "backend"
        trials.fail(Failure(kind, str(error)), used=False)
        return None
    line = _submitting(submission, jobs, tariff, held)
    sent = content["data"] or {}
    around.ledger.add(line.model_copy(update={"data_fraction": sent.get("fraction", 1.0)}))
    job = _post_until_answered(trials, client, around, content, obey, held)
    if job is None:
        return None
    try:
        around.ledger.add(Submitted(submission=submission, job=job))
    except OutputError:  # nobody would find it again
        with contextlib.suppress(EndpointError):
            client.cancel(job)
        raise
    return job


def _post_until_answered(
    trials: JobTrials,
    client: EndpointClient,
    around: Surroundings,
    content: dict[str, Any],
    obey: Callable[[], None],
    held: float,
) -> str | None:
    """Post again while answers are lost and somebody wants the trials; return the job's id."""
    policy = around.submitter.policy(trials.wanted)
    begun = time.monotonic()
    while trials.wanted:
        try:
            job = client.run(content, policy)
        except EndpointError as error:
            if isinstance(error, LostAnswerError):
                trials.doubt(held)  # RunPod may have taken it
            silent = time.monotonic() - begun > around.timings.silence
            if silent or not isinstance(error, UnreachableError):
                trials.fail(Failure("backend", str(error)), used=True)
                return None
        else:
            trials.doubt(0.0)
            return job
        obey()
    trials.cross_out(used=True)
    where = f"RunPod endpoint {client.endpoint}"
    around.outbox.put(Warned(f"{where} did not answer: a job of it may run on for a while"))
    return None


def _submitting(
    submission: str, jobs: Sequence[TrialJob], tariff: Tariff, held: float
) -> Submitting:
    return Submitting(
        submission=submission,
        endpoint=tariff.endpoint,
        tier=tariff.tier,
        reason=tariff.reason,
        price_per_second=tariff.price_per_second,
        price_source=tariff.price_source,
        attempts={job.attempt: job.trial for job in jobs},
        held=held,
    )
