"""`hpo-torch predict`: what a trained model says of images or texts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hpo_torch.cli.console import fail, print_json, print_table
from hpo_torch.cli.listings import AsJson
from hpo_torch.cli.results import OutputDir, find_run
from hpo_torch.errors import CorruptDataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hpo_torch.inference.answers import Answer
    from hpo_torch.inference.trained_model import TrainedModel

RUN_OR_MODEL = "A run's folder, its name in --output-dir, or a folder with a model.ckpt."
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]

_STDIN = "-"
_SHOWN = 60


def predict(
    run: Annotated[str, typer.Argument(help=RUN_OR_MODEL)],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Image files, folders of images; or files of texts, one a line (-: stdin).",
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option(help="A text; may be repeated.", show_default=False)
    ] = None,
    top: Annotated[int, typer.Option(help="How many classes to name.", min=1)] = 3,
    device: Device = "auto",
    output_dir: OutputDir = None,
    as_json: AsJson = False,
) -> None:
    """Classify images or texts with a run's best model."""
    from hpo_torch.inference.load_model import load_model

    if not (files or text):
        raise UsageError("nothing to classify: name files, or a text (--text)")
    model = load_model(find_run(run, output_dir), device)
    answers = _answers(model, files or [], text or [])
    if as_json:
        print_json([_record(answer, top) for answer in answers])
    else:
        _print(answers, top)
    _end([answer for answer in answers if answer.problem], len(answers), quiet=as_json)


def _answers(model: TrainedModel, files: Sequence[str], texts: Sequence[str]) -> list[Answer]:
    from hpo_torch.inference.answers import (
        answer_images,
        answer_texts,
        argument_text,
        lines_of_bytes,
        lines_of_file,
    )
    from hpo_torch.inference.image_inputs import ImageEncoder

    if isinstance(model.encoder, ImageEncoder):
        if texts or _STDIN in files:
            raise UsageError("this model classifies images: expected image files, got a text")
        return list(answer_images(model, model.encoder, files))
    asked = [argument_text(text, "--text") for text in texts]
    for name in files:
        if name == _STDIN:
            asked += lines_of_bytes(_stdin_bytes(), _STDIN)
        else:
            asked += lines_of_file(Path(name))
    return answer_texts(model, asked)


def _stdin_bytes() -> bytes:
    # Python has no stdin where the shell has closed it (<&-).
    return b"" if sys.stdin is None else sys.stdin.buffer.read()


def _record(answer: Answer, top: int) -> dict[str, Any]:
    record: dict[str, Any] = {"input": answer.source}
    if answer.text is not None:
        record["text"] = answer.text
    if answer.prediction is None:
        return {**record, "error": answer.problem}
    best = answer.prediction.top(top)
    return {
        **record,
        "class": best[0][0],
        "probability": best[0][1],
        "top": [{"class": name, "probability": probability} for name, probability in best],
    }


def _print(answers: Sequence[Answer], top: int) -> None:
    known = [answer for answer in answers if answer.prediction is not None]
    if not known:
        return
    with_text = any(answer.text is not None for answer in known)
    count = min(top, len(known[0].prediction.class_names)) if known[0].prediction else top
    ranks = ["class", "probability"] + [f"{place}." for place in range(2, count + 1)]
    columns = ["input", *(["text"] if with_text else []), *ranks]
    print_table("Predictions", columns, [_row(answer, count, with_text) for answer in known])


def _row(answer: Answer, top: int, with_text: bool) -> list[str]:
    best = answer.prediction.top(top) if answer.prediction else []
    (name, probability), *others = best
    texts = [_shortened(answer.text or "")] if with_text else []
    more = [f"{other} {share:.3f}" for other, share in others]
    return [answer.source, *texts, name, f"{probability:.3f}", *more]


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _end(problems: Sequence[Answer], count: int, *, quiet: bool) -> None:
    """Name what could not be read, and end with a failure if there was anything."""
    if not problems:
        return
    if not quiet:
        for answer in problems:
            fail(answer.problem)
    raise CorruptDataError(f"{len(problems)} of {count} inputs could not be read")
