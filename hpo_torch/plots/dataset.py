"""Pictures of a data set: what its examples look like, and how many there are of what."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import EngFormatter, MaxNLocator

from hpo_torch.plots.style import (
    BLUE,
    LABEL_SIZE,
    ORANGE,
    SMALL_SIZE,
    TITLE_SIZE,
    new_figure,
    polish,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hpo_torch.data.overview import (
        ImageOverview,
        ImagePart,
        TextOverview,
        TextPart,
    )

_WIDTH = 12.0
"""Of a picture, inches."""

_SHEET_WIDTH = 11.2
"""Of the contact sheet: the histogram's axis takes the rest."""

_COLORS = (BLUE, ORANGE)
_CHARACTER = 0.062
"""Width of an average small character, inches."""

_FEW_CLASSES = 12
_LONGEST_TICK = 26
_LONGEST_NAME = 64
_HISTOGRAM_HEIGHT = 3.2
_TABLE_LINE = 0.19
_GAP = 0.06
"""Between the images of a class, in widths of an image."""

_SAMPLE_LINES = 3
_SAMPLE_CHARACTERS = 160
_SAMPLE_LINE = 0.14
_BINS = 48


def image_set(name: str, overview: ImageOverview) -> Figure:
    """Draw a labelled contact sheet, the size statistics and the class histogram."""
    sheet = _Sheet(overview)
    table = _statistics_table(overview)
    heights = (sheet.height, _TABLE_LINE * len(table), _HISTOGRAM_HEIGHT)
    figure = new_figure(_WIDTH, sum(heights) + _beside_panels(overview))
    pictures, statistics, histogram = figure.subplots(3, 1, height_ratios=heights)
    sheet.draw(pictures)
    statistics.axis("off")
    statistics.text(
        0.01,
        1.0,
        "\n".join(table),
        va="top",
        family="monospace",
        fontsize=LABEL_SIZE,
        parse_math=False,
        transform=statistics.transAxes,
    )
    _class_histogram(histogram, overview)
    figure.suptitle(_image_title(name, overview), fontsize=TITLE_SIZE + 2, x=0.01, ha="left")
    return figure


def text_set(name: str, overview: TextOverview) -> Figure:
    """Draw histograms of lengths and classes, and the beginnings of a few texts."""
    lines = [_sample_lines(label, text) for label, text in overview.samples]
    samples_height = 0.4 + _SAMPLE_LINE * (sum(map(len, lines)) + len(lines))
    heights = (3.0, _HISTOGRAM_HEIGHT, samples_height)
    figure = new_figure(_WIDTH, sum(heights) + _beside_panels(overview))
    lengths, histogram, samples = figure.subplots(3, 1, height_ratios=heights)
    _length_histogram(lengths, overview.parts)
    _class_histogram(histogram, overview)
    samples.axis("off")
    samples.set_title("Training texts", fontsize=TITLE_SIZE, loc="left")
    samples.text(
        0.0,
        1.0,
        "\n\n".join("\n".join(each) for each in lines),
        va="top",
        family="monospace",
        fontsize=SMALL_SIZE,
        parse_math=False,
        transform=samples.transAxes,
    ).set_in_layout(False)  # wide texts would make all panels narrow
    title = f"{name}: {len(overview.class_names)} classes of texts"
    figure.suptitle(title, fontsize=TITLE_SIZE + 2, x=0.01, ha="left", parse_math=False)
    return figure


def _beside_panels(overview: ImageOverview | TextOverview) -> float:
    """Return the height of titles and tick labels, inches: names of many classes stand upright."""
    return 1.0 if len(overview.class_names) <= _FEW_CLASSES else 2.2


class _Sheet:
    """Where each class's images lie: blocks in columns, filled row by row.

    One unit of the drawing is the width of one image.
    """

    def __init__(self, overview: ImageOverview) -> None:
        self.overview = overview
        _, height, width = overview.shape
        self.image_height = height / width
        self.per_class = max(len(images) for _, images in overview.examples)
        classes = len(overview.examples)
        self.columns = 2 if classes <= _FEW_CLASSES else 4 if self.per_class > 3 else 6  # noqa: PLR2004
        self.block_width = self.per_class * (1 + _GAP) + 0.4
        self.unit = _SHEET_WIDTH / (self.columns * self.block_width)  # inches
        self.name_width = int((self.block_width - 0.3) * self.unit / _CHARACTER)
        self.names = [
            textwrap.wrap(shorten(overview.class_names[label], _LONGEST_NAME), self.name_width)
            for label, _ in overview.examples
        ]
        lines = max(len(name) for name in self.names)
        self.text_height = (0.05 + 0.15 * lines) / self.unit
        self.block_height = self.image_height + self.text_height + 0.12
        self.rows = -(-classes // self.columns)

    @property
    def height(self) -> float:
        """Of the whole sheet, inches."""
        return self.rows * self.block_height * self.unit

    def draw(self, axes: Axes) -> None:
        """Draw every block."""
        for block, ((_, images), name) in enumerate(
            zip(self.overview.examples, self.names, strict=True)
        ):
            row, column = divmod(block, self.columns)
            left, top = column * self.block_width, row * self.block_height
            below = top + self.text_height
            axes.text(
                left,
                below - 0.04,
                "\n".join(name),
                fontsize=SMALL_SIZE,
                va="bottom",
                linespacing=1.0,
                parse_math=False,
            )
            for position, image in enumerate(images):
                x = left + position * (1 + _GAP)
                axes.imshow(
                    image,
                    extent=(x, x + 1, below + self.image_height, below),
                    interpolation="nearest",
                    cmap="gray",  # this and its limits are for images of one channel only
                    vmin=0,
                    vmax=255,
                )
        axes.set_xlim(0, self.columns * self.block_width)
        axes.set_ylim(self.rows * self.block_height, 0)
        axes.set_aspect("equal", anchor="NW")
        axes.axis("off")


def _image_title(name: str, overview: ImageOverview) -> str:
    channels, height, width = overview.shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels}-channel")
    classes, shown = len(overview.class_names), len(overview.examples)
    some = "" if shown == classes else f" (the {shown} commonest are shown)"
    return f"{name}: {classes} classes{some} of {height}x{width} {kind} images"


def _statistics_table(overview: ImageOverview) -> list[str]:
    """Return lines of a table: examples, smallest and largest class, mean and deviation."""
    rows: list[tuple[str, ...]] = [
        ("part", "examples", "smallest class", "largest class", "pixel mean", "pixel std")
    ]
    rows += [_statistics_row(part, overview.class_names) for part in overview.parts]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _statistics_row(part: ImagePart, names: Sequence[str]) -> tuple[str, ...]:
    counts = part.class_counts
    extremes = (int(np.argmin(counts)), int(np.argmax(counts)))
    balanced = min(counts) == max(counts)
    sizes = [
        f"{counts[label]:,} ({'every' if balanced else shorten(names[label], _LONGEST_TICK)})"
        for label in extremes
    ]
    return (
        part.name,
        f"{sum(counts):,}",
        *sizes,
        *(" ".join(f"{value:.3f}" for value in values) for values in (part.mean, part.std)),
    )


def _class_histogram(axes: Axes, overview: ImageOverview | TextOverview) -> None:
    names = overview.class_names
    parts: Sequence[ImagePart | TextPart] = overview.parts
    places = np.arange(len(names))
    for part, color, side in zip(parts, _COLORS, (-0.2, 0.2), strict=True):
        label = f"{part.name} ({sum(part.class_counts):,})"
        axes.bar(places + side, part.class_counts, width=0.4, color=color, label=label)
    polish(axes, "Examples by class", "", "examples")
    axes.set_xlim(-0.8, len(names) - 0.2)
    axes.grid(visible=False, axis="x")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    few = len(names) <= _FEW_CLASSES
    size = SMALL_SIZE if len(names) <= 60 else SMALL_SIZE - 2  # noqa: PLR2004
    axes.set_xticks(
        places,
        [shorten(name, _LONGEST_TICK) for name in names],
        rotation=0 if few else 90,
        fontsize=size,
        parse_math=False,
    )
    # Above the bars, which may fill the whole panel.
    axes.legend(
        fontsize=SMALL_SIZE + 1, frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1)
    )


def _length_histogram(axes: Axes, parts: Sequence[TextPart]) -> None:
    longest = max(int(part.lengths.max()) for part in parts)
    bins = np.geomspace(1, longest + 1, _BINS).tolist()
    for part, color in zip(parts, _COLORS, strict=True):
        lengths = np.maximum(part.lengths, 1)  # a text without words counts with the shortest
        median, high = (int(np.quantile(part.lengths, q)) for q in (0.5, 0.95))
        axes.hist(
            lengths,
            bins=bins,
            weights=np.full(len(lengths), 100 / len(lengths)),
            histtype="step",
            linewidth=1.8,
            color=color,
            label=f"{part.name}: median {median}, 95 % up to {high}, longest {part.lengths.max()}",
        )
        axes.axvline(max(median, 1), color=color, linestyle=":", linewidth=1.2)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    polish(axes, "Lengths", "words", "texts (%)")
    axes.legend(fontsize=SMALL_SIZE + 1, frameon=False)


def _sample_lines(label: str, text: str) -> list[str]:
    """Return a class name and the text's beginning, a few lines."""
    lines = textwrap.wrap(" ".join(text.split()), _SAMPLE_CHARACTERS)
    if len(lines) > _SAMPLE_LINES:
        lines = [*lines[: _SAMPLE_LINES - 1], lines[_SAMPLE_LINES - 1] + " …"]
    return [f"[{label}]", *lines]
