"""A trained model as programs that run without hpo-torch: torch.export and ONNX."""

from __future__ import annotations

import importlib.util
import io
import json
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import torch
from torch import Tensor
from torch.export import Dim

from hpo_torch.data.tokenizer import UNKNOWN
from hpo_torch.errors import HpoTorchError, MissingDependencyError
from hpo_torch.inference.programs import TextProgram
from hpo_torch.results.atomic_files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from torch import nn

    from hpo_torch.inference.real_examples import CheckExamples
    from hpo_torch.inference.trained_model import TrainedModel

    Program = Callable[..., Tensor]

Format = Literal["pt2", "onnx"]
FORMATS: Final[tuple[Format, ...]] = ("pt2", "onnx")

TOLERANCE: Final = 1e-4
"""Largest difference of a logit."""

_BATCH_SIZES = (1, 2, 3, 17, 64)  # in turn, until all examples are through
_ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True, slots=True)
class Exported:
    """A program in a file, checked.

    Attributes:
        path: Of the file.
        difference: Largest difference of a logit to the checkpoint's.
        checked_on: What it was compared on, for people.
    """

    path: Path
    difference: float
    checked_on: str


def check_packages(formats: Sequence[Format]) -> None:
    """Raise MissingDependencyError if a format's packages are not installed."""
    missing = [name for name in _ONNX_PACKAGES if importlib.util.find_spec(name) is None]
    if "onnx" in formats and missing:
        raise MissingDependencyError(
            f"format 'onnx' needs {', '.join(missing)}: pip install 'hpo-torch[onnx]'. "
            "Without: --format pt2."
        )


def export_model(
    model: TrainedModel, folder: Path, formats: Sequence[Format], examples: CheckExamples
) -> list[Exported]:
    """Write model.pt2 and model.onnx; each takes any number of examples, texts of any length.

    Inputs are `images`, uint8 [N, C, H, W] of the model's shape; or `ids`, int64 [N, T], and
    `lengths`, int64 [N]. Both give `logits`, float32 [N, classes]. The classes' names are inside
    as a JSON list: the extra file "labels.json" of model.pt2, the metadata "labels" of model.onnx.

    Args:
        model: On the CPU.
        folder: Where the files go.
        formats: Which.
        examples: What a program has to answer as the checkpoint does, before it is written.

    Raises:
        MissingDependencyError: A format's packages are not installed.
        HpoTorchError: A program cannot be made, does not run, or answers otherwise; its file is as
            it was.
        OutputError: The folder cannot be written.
    """
    check_packages(formats)
    return [_EXPORTS[name](model, folder / f"model.{name}", examples) for name in formats]


def _export_pt2(model: TrainedModel, path: Path, examples: CheckExamples) -> Exported:
    shapes = _dynamic_shapes(model.program)
    with _exporting(model.program, "torch.export"):
        program = torch.export.export(model.program, _trace_inputs(model), dynamic_shapes=shapes)
        buffer = io.BytesIO()
        torch.export.save(program, buffer, extra_files={"labels.json": _labels(model)})
    content = buffer.getvalue()

    def load() -> Program:
        return torch.export.load(io.BytesIO(content)).module()

    return _checked(load, content, path, examples)


def _export_onnx(model: TrainedModel, path: Path, examples: CheckExamples) -> Exported:
    names = list(_dynamic_shapes(model.program))
    with _exporting(model.program, "ONNX"):
        program = torch.onnx.export(
            model.program,
            _trace_inputs(model),
            input_names=names,
            output_names=["logits"],
            dynamic_shapes=_dynamic_shapes(model.program),
            dynamo=True,
            verbose=False,
        )
        if program is None:  # only without dynamo
            raise HpoTorchError("torch.onnx.export returned no program")
        program.model.metadata_props["labels"] = _labels(model)
        content = program.model_proto.SerializeToString()
    return _checked(lambda: _onnx_program(content), content, path, examples)


_EXPORTS: Final[Mapping[Format, Callable[[TrainedModel, Path, CheckExamples], Exported]]] = {
    "pt2": _export_pt2,
    "onnx": _export_onnx,
}


def _onnx_program(content: bytes) -> Program:
    """Return ONNX Runtime's program as a function of tensors."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(*inputs: Tensor) -> Tensor:
        arrays = {name: each.numpy() for name, each in zip(names, inputs, strict=True)}
        return torch.from_numpy(session.run(["logits"], arrays)[0])

    return run


def _trace_inputs(model: TrainedModel) -> tuple[Tensor, ...]:
    # No side is one: torch.export takes a size of one to be meant for good.
    if model.kind == "text":
        return torch.full((3, 5), UNKNOWN), torch.tensor([5, 3, 1])
    return (torch.zeros(3, *model.input_spec["shape"], dtype=torch.uint8),)


def _labels(model: TrainedModel) -> str:
    return json.dumps(model.class_names, ensure_ascii=False)


def _dynamic_shapes(program: nn.Module) -> dict[str, dict[int, Dim]]:
    batch = Dim("batch", min=1)
    if isinstance(program, TextProgram):
        return {"ids": {0: batch, 1: Dim("length", min=1)}, "lengths": {0: batch}}
    return {"images": {0: batch}}


@contextmanager
def _exporting(program: nn.Module, what: str) -> Iterator[None]:
    """Keep a text's length open while torch looks at an LSTM, and exporters' remarks to themselves.

    Without, torch unrolls the LSTM for the length of the example, and ONNX's second look at the
    graph does so again (https://github.com/pytorch/pytorch/pull/193192).
    """
    try:
        with warnings.catch_warnings(), _open_length(program), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    except HpoTorchError:
        raise
    except Exception as error:  # exporters raise whatever they run into
        raise HpoTorchError(
            f"this model cannot be exported by {what}: {_first_line(error)}"
        ) from error


def _open_length(program: nn.Module) -> AbstractContextManager[None]:
    if not isinstance(program, TextProgram):
        return nullcontext()
    try:
        from torch.export._patches import register_lstm_while_loop_decomposition
    except ImportError as error:
        raise MissingDependencyError(
            f"exporting an LSTM needs a newer torch than {torch.__version__}: "
            "pip install --upgrade torch"
        ) from error
    return register_lstm_while_loop_decomposition()


def _checked(
    load: Callable[[], Program], content: bytes, path: Path, examples: CheckExamples
) -> Exported:
    """Write a program's file if it answers as the checkpoint does."""
    try:
        difference = largest_difference(load(), examples)
    except Exception as error:  # runtimes raise whatever they run into
        raise HpoTorchError(
            f"the program for {path.name} does not run: {_first_line(error).rstrip('.')}. "
            "Nothing was written."
        ) from error
    if not difference <= TOLERANCE:  # not a number, too
        raise HpoTorchError(
            f"the program for {path.name} is not the model: expected logits within {TOLERANCE:g} "
            f"of the checkpoint's on {examples.what}, got a difference of {difference:.2g}. "
            "Nothing was written."
        )
    write_bytes(path, content)
    return Exported(path, difference, examples.what)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@torch.inference_mode()
def largest_difference(run: Program, examples: CheckExamples) -> float:
    """Run all examples through a program, in batches of different sizes.

    Returns:
        The largest absolute difference of a logit; nan if one is not a number.
    """
    start, differences = 0, list[Tensor]()
    while start < len(examples.logits):
        stop = start + _BATCH_SIZES[len(differences) % len(_BATCH_SIZES)]
        expected = examples.logits[start:stop]
        differences.append((run(*examples.batch(start, stop)) - expected).abs().max())
        start = stop
    return float(torch.stack(differences).max())
