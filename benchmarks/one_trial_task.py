"""The training that all contenders of one_trial.py do, and how each is started: part of it.

Keras' interpreter reads this module too, so it needs neither torch nor hpo-torch.
"""

from __future__ import annotations

import importlib
import json
import subprocess
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "import one_trial_task; one_trial_task.carry_out(*sys.argv[2:])"
)
TOLD = 4000  # characters of a failed contender's last words


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is trained, and on what.

    Attributes:
        dataset: Its name in hpo-torch's registry.
        data_dir: Folder of data files; None where there are none.
        examples: Of the training set, its validation part included; None takes all.
        validation_split: Share of them that validates.
        family: "cnn" or "lstm".
        hyperparameters: A complete configuration, by name.
        epochs: At least 2: the first one warms up.
        threads: CPU threads.
        workers: Processes of a `DataLoader`, where a contender has one.
        seed: Of weights, shuffling and dropout.
        folder: Where `arrays.npz` is, and where contenders may write.
    """

    dataset: str
    data_dir: str | None
    examples: int | None
    validation_split: float
    family: str
    hyperparameters: dict[str, Any]
    epochs: int
    threads: int
    workers: int
    seed: int
    folder: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the task that `write` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    def write(self, path: Path) -> None:
        """Write the task as JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @property
    def arrays_path(self) -> Path:
        """Where the data are that contenders other than hpo-torch train on."""
        return Path(self.folder) / "arrays.npz"

    def arrays(self) -> Arrays:
        """Read those data."""
        with np.load(self.arrays_path) as kept:
            return Arrays(**{name: kept[name] for name in kept.files})


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """A data set as hpo-torch has split and encoded it, before anything is normalised.

    Attributes:
        train_inputs: uint8 [N, C, H, W] images, or int32 [N, T] token ids, 0 after a text's end.
        train_labels: int64 [N].
        validation_inputs: Likewise, of the part that validates.
        validation_labels: Likewise.
        input_shape: (C, H, W), or (D,): D distinct tokens.
        classes: Their number, a 0-d array as all of a file's numbers.
        validation_batch: Examples a batch of the product's validation.
        mean: By channel, of the training part's pixels on a scale of 0..1; of texts empty.
        std: Likewise, none of them 0.
    """

    train_inputs: NDArray[Any]
    train_labels: NDArray[np.int64]
    validation_inputs: NDArray[Any]
    validation_labels: NDArray[np.int64]
    input_shape: NDArray[np.int64]
    classes: NDArray[np.int64]
    validation_batch: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write them for `Task.arrays`."""
        np.savez(path, **{each.name: getattr(self, each.name) for each in fields(self)})


def carry_out(target: str, task_path: str, result_path: str) -> None:
    """Do a task in this process, and leave what came of it as JSON.

    Args:
        target: "module:function"; it takes the task and returns what JSON can say.
        task_path: Of the task.
        result_path: Where the result goes.
    """
    module, _, function = target.partition(":")
    result = getattr(importlib.import_module(module), function)(Task.read(Path(task_path)))
    Path(result_path).write_text(json.dumps(result), encoding="utf-8")


def run_apart(
    interpreter: str, target: str, task: Task, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Do a task in a fresh process; see `carry_out`.

    Raises:
        RuntimeError: It has failed; the message has the last that it wrote.
    """
    task_path, result_path = (Path(task.folder) / name for name in ("task.json", "result.json"))
    task.write(task_path)
    result_path.unlink(missing_ok=True)
    ended = subprocess.run(
        [interpreter, "-c", START, str(FOLDER), target, str(task_path), str(result_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=dict(environment),
        check=False,
    )
    if ended.returncode or not result_path.exists():
        raise RuntimeError(f"{target} has failed ({ended.returncode}):\n{ended.stdout[-TOLD:]}")
    result: dict[str, Any] = json.loads(result_path.read_text(encoding="utf-8"))
    return result
