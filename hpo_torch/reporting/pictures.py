"""Pictures inside the page: small enough to be carried around, with no file beside it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PIL import Image

from hpo_torch.plots.draw import PICTURES
from hpo_torch.plots.style import GIF
from hpo_torch.results.atomic_files import output_error

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hpo_torch.plots.draw import Drawing
    from hpo_torch.plots.picture import Of

WIDEST: Final = 1800
"""Pixels; a wider picture is made smaller."""
LARGEST_GIF: Final = 3_000_000
"""Bytes; a larger animation stays outside of the page."""
_COLOURS = 256
_WIDE = 1.9


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture in the page.

    Attributes:
        name: As `hpo-torch plot --what` takes it.
        summary: What it shows.
        of: What it is of: the study, its best trial, or the model.
        source: A data: URI.
        width: Pixels, like `height`.
    """

    name: str
    summary: str
    of: Of
    source: str
    width: int
    height: int

    @property
    def wide(self) -> bool:
        """Whether it needs the page's whole width."""
        return self.width > _WIDE * self.height


@dataclass(frozen=True, slots=True)
class Absent:
    """A picture that is not in the page, and why."""

    name: str
    reason: str


def embed(drawings: Iterable[Drawing]) -> tuple[list[Shown], list[Absent]]:
    """Take drawn pictures into the page.

    Args:
        drawings: Pictures of `PICTURES`, PNG or GIF.

    Raises:
        OutputError: A picture cannot be read.
    """
    shown, absent = list[Shown](), list[Absent]()
    known = {picture.name: picture for picture in PICTURES}
    for drawing in drawings:
        picture = known[drawing.path.stem]
        if drawing.skipped:
            absent.append(Absent(picture.name, drawing.skipped))
            continue
        content = _read(drawing.path)
        if len(content) > LARGEST_GIF and drawing.path.suffix == f".{GIF}":
            size = f"{len(content) / 1e6:.1f} MB"
            absent.append(Absent(picture.name, f"its {size} are too many for one page"))
            continue
        source, (width, height) = _source(content)
        shown.append(Shown(picture.name, picture.summary, picture.of, source, width, height))
    return shown, absent


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise output_error("read", path, error) from error


def _source(content: bytes) -> tuple[str, tuple[int, int]]:
    """Return the picture as a data: URI, a still one made smaller; and its width and height."""
    with Image.open(io.BytesIO(content)) as image:
        if image.format == "GIF":
            return _uri(content, "gif"), image.size
        small = image.convert("RGB")  # pictures have an opaque ground
    small.thumbnail((WIDEST, 100 * WIDEST), Image.Resampling.LANCZOS)
    # A palette is enough for charts, and a third of the bytes.
    flat = small.quantize(_COLOURS, dither=Image.Dither.NONE)
    target = io.BytesIO()
    flat.save(target, "PNG", optimize=True)
    return _uri(target.getvalue(), "png"), flat.size


def _uri(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
