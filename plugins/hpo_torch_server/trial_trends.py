"""How hyperparameters and health went over a run's completed trials."""

from __future__ import annotations

from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from hpo_torch.plugin_runs import PARAMETER_PREFIX
from hpo_torch_server.trial_table import FIGURES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_VALUES: Final = 8
"""A number with more distinct values is shown in ranges."""
MOST_POINTS: Final = 200
"""Points of a health metric's line; more can't be told apart on a screen."""

Columns = dict[str, list[Any]]


class Group(BaseModel):
    """Completed trials of like value: of one value, or of numbers from `low` to `high`."""

    model_config = ConfigDict(frozen=True)

    value: bool | int | float | str | None = Field(description="null: a range of numbers")
    low: float | None
    high: float | None
    count: int = Field(description="completed trials")
    mean: float | None = Field(description="of their scores, like the next two")
    worst: float | None
    best: float | None


class HyperparameterTrend(BaseModel):
    """What became of a hyperparameter's values; groups of few trials say little."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["values", "ranges"] = Field(
        description="ranges: numbers, in groups of about as many trials each"
    )
    groups: list[Group]


class HealthTrend(BaseModel):
    """A health metric over the trials that it was measured of, by their number."""

    model_config = ConfigDict(frozen=True)

    count: int = Field(description="trials with a value")
    numbers: list[int] = Field(description="of trials; evenly spaced where there are many")
    values: list[float] = Field(description="theirs")
    medians: list[float] = Field(description="of each trial and those before it in the window")


class Trends(BaseModel):
    """How hyperparameters and health went over the trials that completed."""

    model_config = ConfigDict(frozen=True)

    completed: int = Field(description="trials that all of this is made of")
    window: int = Field(description="trials of a running median")
    hyperparameter_trends: dict[str, HyperparameterTrend]
    health_trends: dict[str, HealthTrend] = Field(
        description="score and overall_health first, then each metric"
    )


def trends(columns: Mapping[str, Sequence[Any]], *, ranges: int, window: int) -> Trends:
    """Sum up the completed trials; others stopped early, so that their scores compare with none.

    Args:
        columns: Of all ended trials, as `TrialTable` has them.
        ranges: Groups of a hyperparameter that is a number of many values.
        window: Trials of a running median, by number.
    """
    completed = _completed(columns)
    health = [
        "score",
        "overall_health",
        *(n for n in columns if n not in FIGURES and not n.startswith(PARAMETER_PREFIX)),
    ]
    lines = {name: _line(completed["number"], completed[name], window) for name in health}
    return Trends(
        completed=len(completed["number"]),
        window=window,
        hyperparameter_trends={
            name.removeprefix(PARAMETER_PREFIX): _trend(values, completed["score"], ranges)
            for name, values in completed.items()
            if name.startswith(PARAMETER_PREFIX)
        },
        health_trends={name: line for name, line in lines.items() if line.count},
    )


def _completed(columns: Mapping[str, Sequence[Any]]) -> Columns:
    """Return the completed trials' columns, by their number."""
    states, numbers = columns["state"], columns["number"]
    places = [place for place, state in enumerate(states) if state == "complete"]
    places.sort(key=numbers.__getitem__)
    return {name: [values[place] for place in places] for name, values in columns.items()}


def _trend(values: Sequence[Any], scores: Sequence[Any], ranges: int) -> HyperparameterTrend:
    pairs = [
        (value, score) for value, score in zip(values, scores, strict=True) if value is not None
    ]
    distinct = {value for value, _ in pairs}
    numbers = {type(value) for value in distinct} <= {int, float}
    if numbers and len(distinct) > MOST_VALUES:
        return HyperparameterTrend(kind="ranges", groups=_ranges(pairs, ranges))
    by_value: dict[Any, list[Any]] = {}
    for value, score in pairs:
        by_value.setdefault(value, []).append(score)
    ordered = sorted(by_value, key=None if numbers else str)
    groups = [_group(by_value[value], value=value) for value in ordered]
    return HyperparameterTrend(kind="values", groups=groups)


def _ranges(pairs: Sequence[tuple[float, Any]], count: int) -> list[Group]:
    """Cut by quantiles, but never between equal values: these are in one group."""
    ordered = sorted(pairs, key=lambda pair: pair[0])
    groups: list[Group] = []
    start = 0
    for part in range(1, count + 1):
        end = max(start, len(ordered) * part // count)
        while 0 < end < len(ordered) and ordered[end][0] == ordered[end - 1][0]:
            end += 1
        if end > start:
            chosen = ordered[start:end]
            scores = [score for _, score in chosen]
            groups.append(_group(scores, low=chosen[0][0], high=chosen[-1][0]))
        start = end
    return groups


def _group(scores: Sequence[Any], **about: Any) -> Group:
    known = [score for score in scores if score is not None]
    return Group(
        value=about.get("value"),
        low=about.get("low"),
        high=about.get("high"),
        count=len(scores),
        mean=fmean(known) if known else None,
        worst=min(known, default=None),
        best=max(known, default=None),
    )


def _line(numbers: Sequence[int], values: Sequence[Any], window: int) -> HealthTrend:
    known = [place for place, value in enumerate(values) if value is not None]
    measured = [values[place] for place in known]
    # Evenly spaced, the last one always among them.
    shown = min(len(known), MOST_POINTS)
    places = [len(known) * (each + 1) // shown - 1 for each in range(shown)]
    return HealthTrend(
        count=len(known),
        numbers=[numbers[known[place]] for place in places],
        values=[measured[place] for place in places],
        medians=[median(measured[max(0, place + 1 - window) : place + 1]) for place in places],
    )
