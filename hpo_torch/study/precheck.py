"""What can be said of a run before it begins, without torch, Optuna, or its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo_torch.data.requests import data_request
from hpo_torch.execution.select import AUTO
from hpo_torch.search.arithmetic import multiply_adds
from hpo_torch.search.space_rows import space_rows
from hpo_torch.study.plan import check_settings, plan_study, with_data_defaults
from hpo_torch.study.queue_file import read_queue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.config.schema import RunConfig
    from hpo_torch.hooks.registry import Registry
    from hpo_torch.study.plan import StudyPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a run would search and train first.

    Attributes:
        config: Its settings, with what the data set says by default.
        family: The model family.
        space: What is searched, and what is fixed, a row for each hyperparameter; () where the
            user's own data decide that.
        first_trial: What the first trial sets; the sampler adds what a queued configuration leaves
            open. None where the user's own data decide that.
        complete: Whether that is a whole configuration: nothing is left to the sampler.
        multiply_adds: Of a forward pass of one example through the first trial's network; None
            where the configuration is not whole.
        queued: Configurations that are trained before the default one.
    """

    config: RunConfig
    family: str
    space: Sequence[dict[str, Any]] = ()
    first_trial: dict[str, Any] | None = None
    complete: bool = False
    multiply_adds: int | None = None
    queued: int = 0


def precheck(config: RunConfig, registry: Registry) -> Outlook:
    """Check a run's settings as far as that is light.

    What the run itself checks besides: the data's files, the user's own data, the device, an
    earlier run to learn from, a shared study.

    Raises:
        UsageError: As for `hpo_torch.study.plan.plan_study`, or there is no such backend.
    """
    config = with_data_defaults(config, registry)
    if config.execution.backend != AUTO:
        registry.backends.get(config.execution.backend)
    dataset, family, _ = check_settings(config, registry)
    if not dataset.has_facts:
        return Outlook(config=config, family=family)
    # As if begun: an earlier run's trials are read by Optuna's types.
    plan = plan_study(config, registry, data_request(config.data), begun=True)
    queue: tuple[dict[str, Any], ...] = ()
    if config.search.enqueue is not None:
        queue = read_queue(Path(config.search.enqueue).expanduser(), plan.space, plan.fixed)
    return _outlook(plan, queue)


def _outlook(plan: StudyPlan, queue: Sequence[dict[str, Any]]) -> Outlook:
    first = {**plan.fixed, **queue[0]} if queue else plan.defaults
    complete = first is plan.defaults or not _is_open(plan, first)
    arithmetic = None
    if complete:
        shape = plan.facts.input_shape
        arithmetic = multiply_adds(plan.space.family, first, shape, plan.facts.num_classes)
    return Outlook(
        config=plan.config,
        family=plan.space.family,
        space=space_rows(plan.space, plan.fixed),
        first_trial=first,
        complete=complete,
        multiply_adds=arithmetic,
        queued=len(queue),
    )


def _is_open(plan: StudyPlan, values: dict[str, Any]) -> bool:
    """Whether a configuration leaves some hyperparameter to the sampler."""
    return any(p.is_active(values) and p.name not in values for p in plan.space.parameters)
