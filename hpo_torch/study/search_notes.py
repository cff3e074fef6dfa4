"""What people should know of a search before it starts, because its settings do not say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.search.grid import Grid
from hpo_torch.search.sampler_options import LEARNS_FROM_OTHERS, GridOptions, sampler_options
from hpo_torch.study.queue_file import queue_notes

if TYPE_CHECKING:
    from hpo_torch.study.plan import StudyPlan


def search_notes(plan: StudyPlan) -> list[str]:
    """Return one line for each thing worth knowing: the grid's size, what no sampler learns."""
    search = plan.config.search
    notes = queue_notes(plan.space, plan.queue)
    options = sampler_options(search)
    if isinstance(options, GridOptions):
        grid = Grid(plan.space, plan.fixed, options.points, search.seed)
        notes.append(grid_note(grid.size, search.trials))
    if plan.warm_start is not None and search.sampler not in LEARNS_FROM_OTHERS:
        notes.append(
            f"sampler {search.sampler} proposes regardless of the earlier run's trials; "
            f"{' and '.join(sorted(LEARNS_FROM_OTHERS))} learn from them"
        )
    return notes


def grid_note(size: int, trials: int) -> str:
    """Say how large a grid is, and how much of it the wanted trials cover."""
    if size <= trials:
        return f"the grid has {size:,} points"
    return (
        f"the grid has {size:,} points; {trials:,} trials cover {trials / size:.2g} of it. Fix or "
        "narrow hyperparameters, or take sampler qmc"
    )
