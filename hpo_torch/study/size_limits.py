"""Limits on a network's size and arithmetic, looked at before it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.search.arithmetic import multiply_adds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.data.spec import DatasetFacts
    from hpo_torch.study.plan import StudyPlan

GB = 1e9


def step_memory(plan: StudyPlan, hyperparameters: Mapping[str, Any], accumulate: int = 1) -> int:
    """Estimate the bytes of a training step of a configuration, weights and optimiser included.

    Args:
        plan: The data's shape, and the model family.
        hyperparameters: A complete configuration.
        accumulate: Parts of a batch that go through the network one after another.
    """
    from hpo_torch.models.size import estimate_step_memory

    what = _configuration(plan.space.family, hyperparameters, plan.facts)
    return estimate_step_memory(*what, accumulate=accumulate)


class SizeLimits:
    """Says which configurations are too large.

    Args:
        plan: The limits, the default configuration, and the data's shape.
    """

    def __init__(self, plan: StudyPlan) -> None:
        search = plan.config.search
        self._parameters, self._compute = search.max_parameters, search.max_compute
        self._bytes = None if search.max_memory is None else search.max_memory * GB
        self._family, self._facts = plan.space.family, plan.facts
        self._defaults = plan.defaults

    def violation(self, hyperparameters: Mapping[str, Any]) -> str | None:
        """Return why a configuration is too large, in words; None where it is not."""
        what = _configuration(self._family, hyperparameters, self._facts)
        if self._compute is not None:
            least = multiply_adds(*_configuration(self._family, self._defaults, self._facts))
            times = multiply_adds(*what) / least
            if times > self._compute:
                return _exceeds(
                    f"{times:.3g} times the default's arithmetic", f"{self._compute:g}", "compute"
                )
        if self._parameters is None and self._bytes is None:
            return None  # torch is not imported for nothing
        from hpo_torch.models.size import count_configuration, estimate_step_memory

        if self._parameters is not None:
            parameters = count_configuration(*what)
            if parameters > self._parameters:
                return _exceeds(f"{parameters:,} parameters", f"{self._parameters:,}", "parameters")
        if self._bytes is not None:
            size = estimate_step_memory(*what)
            if size > self._bytes:
                return _exceeds(
                    f"{size / GB:.3g} GB a training step", f"{self._bytes / GB:.3g}", "memory"
                )
        return None


def _exceeds(size: str, limit: str, setting: str) -> str:
    return f"{size}, more than {limit} (search.max_{setting})"


def _configuration(
    family: str, hyperparameters: Mapping[str, Any], facts: DatasetFacts
) -> tuple[str, Mapping[str, Any], tuple[int, ...], int]:
    """Return what `hpo_torch.models.size` asks for."""
    # Before the texts are read, it is not known that they have fewer distinct tokens.
    shape = facts.input_shape or (hyperparameters["vocab_size"],)
    return family, hyperparameters, shape, facts.num_classes
