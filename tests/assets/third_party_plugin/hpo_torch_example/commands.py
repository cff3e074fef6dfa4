"""The command group `hpo-torch example`: light, because it is imported at every start."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


class Shape(StrEnum):
    """The shapes that can be drawn."""

    disc = "disc"
    square = "square"
    cross = "cross"


@app.callback()
def example() -> None:
    """Look at the example plugin's shapes."""


@app.command()
def draw(
    shape: Annotated[Shape, typer.Argument(help="the shape")],
    radius: Annotated[float, typer.Option(help="half its width, in pixels")] = 4.0,
) -> None:
    """Draw one shape without its noise."""
    from hpo_torch_example import shapes

    for row in shapes.draw(shape.value, (7.5, 7.5), radius):
        typer.echo("".join("#" if covered else "." for covered in row))
