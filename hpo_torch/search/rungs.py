"""Rungs of successive halving: the epochs at which trials are compared, from a study's epochs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hpo_torch.errors import InvalidValueError
from hpo_torch.search.domains import Float
from hpo_torch.search.pruner_options import FIRST_JUDGED_EPOCH, PRUNER_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.search.domains import Value
    from hpo_torch.search.pruner_options import AshaOptions, HyperbandOptions
    from hpo_torch.search.space import SearchSpace


def epoch_range(space: SearchSpace, fixed: Mapping[str, Value]) -> tuple[int, int]:
    """Return the fewest and the most epochs that a trial of the study may have."""
    if "epochs" in fixed:
        return int(fixed["epochs"]), int(fixed["epochs"])
    domain = space.parameter("epochs").domain
    if isinstance(domain, Float):
        raise ValueError(f"expected epochs to be whole numbers, got {domain}")
    options = [int(option) for option in domain.options()]
    return min(options), max(options)


def first_rung(fewest: int, most: int, reduction_factor: int) -> int:
    """Choose the epoch at which trials are first compared.

    Every trial reaches `fewest`; but at least one rung with `reduction_factor` as many epochs must
    follow, or nothing would ever be stopped early. One epoch is never judged, if there are more.
    """
    return min(max(min(fewest, most // reduction_factor), FIRST_JUDGED_EPOCH), most)


def halving_rungs(first: int, most: int, reduction_factor: int) -> list[int]:
    """Return the rungs from `first` to at most `most` epochs, each `reduction_factor` times later.

    >>> halving_rungs(2, 20, 3)
    [2, 6, 18]
    """
    rungs = []
    while first <= most:
        rungs.append(first)
        first *= reduction_factor
    return rungs


def bracket_resource(low: int, high: int, reduction_factor: int) -> int:
    """Return the largest resource to give Optuna's Hyperband, so that it has every bracket.

    floor(log(high / low, factor)) + 1 brackets are meant. Optuna (5.0) computes that in floats,
    where log(243, 3) is 4.999..., and so drops a bracket; one epoch more puts that right. Nothing
    else in it depends on this number.
    """
    exact = 0
    while low * reduction_factor ** (exact + 1) <= high:
        exact += 1
    floats = math.floor(math.log(high / low, reduction_factor))
    return high + 1 if floats < exact else high


def resources(options: AshaOptions | HyperbandOptions, fewest: int, most: int) -> tuple[int, int]:
    """Return the epoch of the first rung, and the epochs of a whole trial.

    Raises:
        InvalidValueError: The first rung is one that no trial reaches.
    """
    given = getattr(options, "max_resource", None)
    high: int = most if given is None else given
    low = options.min_resource
    if low is None:
        return first_rung(min(fewest, high), high, options.reduction_factor), high
    if low > high:
        expected = f"at most {high}, the most epochs that a trial has"
        raise InvalidValueError(f"{PRUNER_OPTIONS}.min_resource", expected, low)
    return low, high
