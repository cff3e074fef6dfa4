"""Weight distributions: quantiles of every layer's weights and biases, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patches import Patch

from hpo_torch.plots.layer_history import all_epochs, why_nothing
from hpo_torch.plots.picture import NothingToDrawError
from hpo_torch.plots.small_multiples import (
    MOST_PANELS,
    dress_figure,
    entitle,
    share_epochs,
    small_multiples,
)
from hpo_torch.plots.style import BLUE, GREY, ORANGE, VERMILION
from hpo_torch.plots.training import mark_kept, trial_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from hpo_torch.protocol.events import EpochFinished
    from hpo_torch.results.records import TrialResult

METRIC: Final = "weight_distributions"
QUANTILES: Final = 5
"""At 5, 25, 50, 75 and 95 %."""
_COLUMNS = 4
_OUTER, _INNER = 0.25, 0.35  # opacities: over each other the inner band is the darker one


@dataclass(frozen=True, slots=True, eq=False)
class _Parameter:
    """A parameter's quantiles over epochs, float64 [epochs, 5]; nan where not all is finite."""

    name: str
    size: int
    quantiles: NDArray[np.float64]
    broken: list[int]

    @property
    def is_bias(self) -> bool:
        return "bias" in self.name.rpartition(".")[2]

    @property
    def is_normalisation(self) -> bool:
        """Whether it scales or shifts what was normalised: 1 and 0 at first, and seldom far off."""
        module = self.name.rpartition(".")[0].rpartition(".")[2].lower()
        return "norm" in module or module.startswith("bn")


def weight_distributions(trial: TrialResult, epochs: Sequence[EpochFinished]) -> Figure:
    """Draw quantiles of every weight and bias over epochs, each parameter on its own scale.

    The bands hold the middle 90 % and 50 % of values, the line is the median. Parameters of
    normalisation layers are left out; of very many parameters, first biases, then small ones.

    Args:
        trial: Whose.
        epochs: Its epochs, at least one.

    Raises:
        NothingToDrawError: No epoch's parameters were measured.
    """
    found = _parameters(epochs)
    shown = _chosen(found)
    titles = [(_short(each.name), f" ({each.size})") for each in shown]
    figure, panels = small_multiples(titles, _COLUMNS, same_scale=False)
    numbers = all_epochs(epochs)
    for axes, parameter in zip(panels, shown, strict=True):
        _draw_parameter(axes, numbers, parameter)
        mark_kept(axes, trial.kept_epoch)
    share_epochs(panels, numbers)
    bands = [
        Patch(color=colour, alpha=opacity, label=label)
        for colour, what in ((BLUE, "weights"), (ORANGE, "biases"))
        for opacity, label in ((0.6, f"{what}: middle 50 %"), (_OUTER, "middle 90 %"))
    ]
    dress_figure(
        figure, f"{trial_title(trial)}: weights and biases{_left_out(found, shown)}", bands
    )
    return figure


def _parameters(epochs: Sequence[EpochFinished]) -> list[_Parameter]:
    """Return every parameter, in the network's order; raises NothingToDrawError."""
    numbers = all_epochs(epochs)
    found: dict[str, _Parameter] = {}
    for epoch in epochs:
        reading = epoch.health.get(METRIC)
        for name, each in (reading.details.get("parameters", {}) if reading else {}).items():
            if name not in found:
                blank = np.full((len(numbers), QUANTILES), np.nan)
                found[name] = _Parameter(name, each["size"], blank, [])
            _take(found[name], epoch.metrics.epoch, epoch.metrics.epoch - numbers[0], each)
    if not found:
        raise NothingToDrawError(why_nothing(epochs, METRIC))
    return list(found.values())


def _take(parameter: _Parameter, epoch: int, row: int, figures: dict[str, Any]) -> None:
    if "quantiles" in figures:
        parameter.quantiles[row] = figures["quantiles"]
    else:
        parameter.broken.append(epoch)


def _chosen(found: Sequence[_Parameter]) -> list[_Parameter]:
    """Return which are shown, in the network's order."""
    shown = [each for each in found if not each.is_normalisation] or list(found)
    if len(shown) > MOST_PANELS:
        shown = [each for each in shown if not each.is_bias] or shown
    largest = sorted(shown, key=lambda each: -each.size)[:MOST_PANELS]
    return [each for each in shown if each in largest]


def _left_out(found: Sequence[_Parameter], shown: Sequence[_Parameter]) -> str:
    left = [each for each in found if each not in shown]
    of_normalisation = sum(each.is_normalisation for each in left)
    parts = [(of_normalisation, "of normalisation"), (len(left) - of_normalisation, "others")]
    told = ", ".join(f"{count} {what}" for count, what in parts if count)
    return f" (left out: {told})" if told else ""


def _short(name: str) -> str:
    """Drop what every name has, and what tells nothing: "conv1.conv.weight" is "conv1.weight".

    >>> _short("network.conv1.conv.weight"), _short("lstm.0.forwards.weight_ih_l0")
    ('conv1.weight', 'lstm.0.forwards.weight_ih')
    """
    *modules, last = name.removeprefix("network.").split(".")
    if len(modules) > 1 and modules[-1] in ("conv", "linear"):
        modules.pop()
    return ".".join([*modules, last.removesuffix("_l0")])


def _draw_parameter(axes: Axes, epochs: Sequence[int], parameter: _Parameter) -> None:
    colour = ORANGE if parameter.is_bias else BLUE
    axes.axhline(0, color=GREY, linewidth=0.8)
    x, quantiles = list(map(float, epochs)), parameter.quantiles
    if len(x) == 1:  # a band needs some width
        x, quantiles = [x[0] - 0.3, x[0] + 0.3], np.repeat(quantiles, 2, axis=0)
    for low, high, opacity in ((0, 4, _OUTER), (1, 3, _INNER)):
        axes.fill_between(
            x, quantiles[:, low], quantiles[:, high], color=colour, alpha=opacity, linewidth=0
        )
    axes.plot(epochs, parameter.quantiles[:, 2], color=colour, marker=".", markersize=3)
    if parameter.broken:
        broken = parameter.broken
        entitle(axes, f"{axes.get_title(loc='left')}: not finite", VERMILION)
        axes.plot(broken, [0.0] * len(broken), "x", color=VERMILION)
