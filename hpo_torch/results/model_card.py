"""The model card: what is known of the best model, in its README, once it has been scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hpo_torch.errors import OutputError
from hpo_torch.results.atomic_files import output_error, write_text
from hpo_torch.results.best_model_readme import head_of, how_to_load
from hpo_torch.results.environment import Environment
from hpo_torch.results.predictions import Predictions
from hpo_torch.results.recalls import recalls
from hpo_torch.results.records import read_record
from hpo_torch.results.reliability import Reliability

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hpo_torch.protocol.measurements import Measurements
    from hpo_torch.results.records import TestReport, TrialResult
    from hpo_torch.results.summary import RunView

_WEAKEST: Final = 5
_MOST_NAMES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """The data set of a study.

    Attributes:
        dataset: Its name.
        source: Where the data come from, for people.
        kind: What one example is: "image" or "text".
        shape: (channels, height, width) of an image.
        sizes: Number of training examples, those that validate included, and of test examples.
    """

    dataset: str
    source: str
    kind: str
    shape: tuple[int, ...]
    sizes: tuple[int, int]


def write_model_card(view: RunView, data: TrainedOn) -> None:
    """Replace all but the beginning of best_model/README.md, which tells whose weights these are.

    Nothing is written where the winner has not been scored, or has no README.

    Raises:
        OutputError: A file of the run is damaged, or the README cannot be read or written.
    """
    readme, best, report = view.directory.best_readme, view.best, view.test_report
    if best is None or best.measurements is None or report is None or not readme.exists():
        return
    sections = (
        ("How to load it", how_to_load(best.family)),
        ("Data", _data(view, data, report)),
        ("On the test set", _test(view, report)),
        ("On the validation part, and health", _health(best.measurements)),
        ("What it is for, and its limits", _limits(best, data, report)),
        ("Hyperparameters", _hyperparameters(best)),
        ("Training", _training(view, best, best.measurements)),
        ("Files", _files(data.kind)),
    )
    try:
        text = head_of(readme.read_text(encoding="utf-8"))
    except OSError as error:
        raise output_error("read", readme, error) from error
    except UnicodeDecodeError as error:
        raise OutputError(f"{readme} is no UTF-8 text any more: remove it, and resume") from error
    write_text(readme, text + "".join(f"\n## {title}\n\n{body}" for title, body in sections))


def _data(view: RunView, data: TrainedOn, report: TestReport) -> str:
    settings = view.config.data
    rows = [
        ("data set", data.dataset if settings.path is None else f"{data.dataset}: {settings.path}"),
        ("source", data.source),
        (
            "training examples",
            f"{data.sizes[0]:,}, of which a share of {settings.validation_share:g} validated "
            f"(stratified, seed {view.config.search.seed})",
        ),
        ("test examples", f"{report.examples:,}"),
        ("classes", f"{len(report.class_names)}: {_listing(report.class_names, _MOST_NAMES)}"),
    ]
    return _table(("", ""), rows)


def _test(view: RunView, report: TestReport) -> str:
    low, high = report.interval
    rows = [
        ("accuracy", f"{report.accuracy:.4f}"),
        ("95 % Wilson interval", f"{low:.4f} to {high:.4f}"),
        ("loss", f"{report.loss:.4f} nats"),
    ]
    if view.directory.test_predictions.exists():
        said = Predictions.read(view.directory.test_predictions)
        if np.isfinite(said.confidences).all():
            error = Reliability.of(said.confidences, said.correct).expected_calibration_error
            rows.append(("expected calibration error (15 bins)", f"{error:.4f}"))
    found = zip(report.class_names, recalls(report.confusion), strict=True)
    known = sorted(((recall, name) for name, recall in found if recall is not None))[:_WEAKEST]
    weakest = ", ".join(f"{name} {recall:.4f}" for recall, name in known)
    rows.append(("lowest recall", weakest))
    return (
        _table(("", ""), rows) + "\nNothing in the search has seen the test set; "
        "`test_report.json` has the confusion matrix.\n"
    )


def _health(measured: Measurements) -> str:
    rows = [
        ("validation accuracy", _share(measured.val_accuracy)),
        ("validation loss", f"{measured.val_loss:.4f} nats"),
        ("overall health", _share(measured.overall_health)),
    ]
    rows += [
        (name, _share(reading.value) if reading.value is not None else f"- ({reading.reason})")
        for name, reading in sorted(measured.health.items())
    ]
    return (
        _table(("", ""), rows)
        + "\nThe validation part chose this model and this epoch, so its figures are a little too "
        "good. Health is 0..1, higher is healthier.\n"
    )


def _limits(best: TrialResult, data: TrainedOn, report: TestReport) -> str:
    lines = [
        f"Made to tell the {len(report.class_names)} classes above apart in {data.kind}s like "
        f"those of {data.dataset}.",
        "Every answer is one of these classes, whatever it is shown.",
        "How well it does on data from elsewhere was not measured: `hpo-torch evaluate` does.",
        *(_text_limits(best) if data.kind == "text" else _image_limits(data.shape)),
    ]
    return "".join(f"- {line}\n" for line in lines)


def _image_limits(shape: Sequence[int]) -> list[str]:
    channels, height, width = shape
    colour = {1: "greyscale", 3: "RGB"}.get(channels, f"{channels} channels")
    return [
        f"Images are seen as {width}x{height} pixels (width x height), {colour}; others are "
        "resized, whatever their proportions, and transparency is laid over white."
    ]


def _text_limits(best: TrialResult) -> list[str]:
    known, longest = (best.hyperparameters.get(n) for n in ("vocab_size", "sequence_length"))
    return [
        f"At most the {known:,} commonest words of the training part are known; all others look "
        "the same to it.",
        f"Of texts of more than {longest} words the first and the last {longest} / 2 are read.",
    ]


def _hyperparameters(best: TrialResult) -> str:
    rows = [("family", best.family), *best.hyperparameters.items()]
    return _table(("name", "value"), [(name, f"`{value}`") for name, value in rows])


def _training(view: RunView, best: TrialResult, measured: Measurements) -> str:
    rows: list[tuple[str, Any]] = [
        ("parameters", f"{measured.parameters:,}"),
        ("epochs trained", len(best.epochs)),
        ("training", f"{measured.training_seconds:.1f} s, without measuring health"),
        ("trials of the search", sum(view.counts.values())),
    ]
    if measured.memory_bytes is not None:
        rows.append(("peak memory of a step", f"{measured.memory_bytes / 1e6:.1f} MB"))
    if measured.inference_seconds is not None:
        rows.append(("inference", f"{measured.inference_seconds * 1e3:.3f} ms an example"))
    if view.summary is not None:
        rows.append(("the whole search", f"{view.summary.seconds:.0f} s"))
    if view.directory.environment.exists():
        machine = read_record(view.directory.environment, Environment)
        rows += [
            ("trained on", ", ".join(machine.devices) or "unknown"),
            ("machine", f"{machine.cpu}, {machine.cores} cores, {machine.system}"),
            ("versions", ", ".join(f"{n} {v}" for n, v in machine.packages.items())),
        ]
    return _table(("", ""), rows)


def _files(kind: str) -> str:
    rows = [
        ("`model.ckpt`", "a Lightning checkpoint: weights, and all that builds the network"),
        ("`hyperparameters.yaml`", "model family and hyperparameters"),
        ("`labels.json`", "the classes' names, in the order of the network's outputs"),
        ("`test_report.json`", "accuracy and confusion matrix on the test set"),
        ("`test_predictions.npz`", "the probabilities of every test example"),
        ("`confident_mistakes.npz`", "the mistakes it was surest of"),
        ("`architecture.json`", "layers, shapes and parameters"),
    ]
    arguments, inputs = "images", "uint8 images [N, C, H, W]"
    if kind == "text":
        arguments, inputs = "ids, lengths", "int64 token ids [N, T] and lengths [N]"
        rows.append(("`tokenizer.json`", "from texts to token ids, by the `tokenizers` library"))
    return _table(("file", "content"), rows) + (
        "\n`hpo-torch export-model` adds `model.pt2` and `model.onnx`, which need no hpo-torch: "
        f'from {inputs} to logits, `torch.export.load("model.pt2").module()({arguments})`.\n'
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _listing(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _table(heads: tuple[str, str], rows: Iterable[tuple[str, Any]]) -> str:
    """Return a table in Markdown; a bar in a cell must not end it."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {heads[0]} | {heads[1]} |", "|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells)]) + "\n"
