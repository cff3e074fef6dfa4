"""Limits on a network's size, looked at before it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.study.plan import StudyPlan

GB = 1e9


class SizeLimits:
    """Says which configurations are too large.

    Args:
        plan: The limits, and the data's shape.
    """

    def __init__(self, plan: StudyPlan) -> None:
        search = plan.config.search
        self._parameters = search.max_parameters
        self._bytes = None if search.max_memory is None else search.max_memory * GB
        self._family, self._facts = plan.space.family, plan.facts

    def violation(self, hyperparameters: Mapping[str, Any]) -> str | None:
        """Return why a configuration is too large, in words; None where it is not."""
        if self._parameters is None and self._bytes is None:
            return None  # without limits nothing is imported, nor computed
        from hpo_torch.models.size import count_configuration, estimate_step_memory

        # Before the texts are read, it is not known that they have fewer distinct tokens.
        shape = self._facts.input_shape or (hyperparameters["vocab_size"],)
        what = (self._family, hyperparameters, shape, self._facts.num_classes)
        if self._parameters is not None:
            parameters = count_configuration(*what)
            if parameters > self._parameters:
                return f"{parameters:,} parameters, more than {self._parameters:,}"
        if self._bytes is not None:
            size = estimate_step_memory(*what)
            if size > self._bytes:
                return f"{size / GB:.3g} GB a training step, more than {self._bytes / GB:.3g}"
        return None
