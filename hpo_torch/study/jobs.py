"""From a configuration to what a backend is given to train."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from hpo_torch.protocol.job import TrialJob
from hpo_torch.study.seeds import trial_seed
from hpo_torch.study.size_limits import step_memory
from hpo_torch.study.trial_marks import ATTEMPTS, HYPERPARAMETERS, REPEATS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.results.run_directory import RunDirectory
    from hpo_torch.study.plan import StudyPlan


def new_attempt() -> str:
    """Return an attempt's id."""
    return uuid.uuid4().hex[:12]


def make_job(
    plan: StudyPlan,
    run: RunDirectory,
    trial: int,
    marks: Mapping[str, Any],
) -> TrialJob:
    """Describe a trial's last attempt; the next one differs by `model_copy`.

    Args:
        plan: The study's.
        run: Where the trial's folder is.
        trial: Its number.
        marks: User attributes of Optuna's trial; one that repeats another trial has its seed.
    """
    config = plan.config
    repeats = marks.get(REPEATS, {})
    hyperparameters, accumulate = dict(marks[HYPERPARAMETERS]), repeats.get("accumulate", 1)
    return TrialJob(
        study=run.name,
        trial=trial,
        attempt=marks[ATTEMPTS][-1],
        seed=repeats.get("seed", trial_seed(config.search.seed, trial)),
        data=config.data,
        split_seed=config.search.seed,
        family=plan.space.family,
        hyperparameters=hyperparameters,
        objective=config.search.optimize_for,
        training=config.training,
        health=config.health,
        device=config.execution.device,
        output_dir=str(run.trial_dir(trial).resolve()),
        accumulate=accumulate,
        timeout=config.search.trial_timeout,
        # Nobody else asks, and the estimate takes torch.
        memory_bytes=step_memory(plan, hyperparameters, accumulate) if plan.remote else None,
    )
