"""KerasTuner's Hyperband on TensorFlow, as KerasTuner's guide has it.

A part of `search_efficiency.py --data-dir DIR`, which starts it in an environment with keras-tuner,
tensorflow-cpu and tensorboard, which KerasTuner imports without asking for it. Hyperband goes round
and round until it is ended. A trial of a later rung goes on from an earlier trial's best weights,
and counts as another trial, as KerasTuner counts.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import numpy as np
from efficiency_space import MOMENTUM, SEARCHED, is_whole
from efficiency_task import Task, read_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

ROUNDS = 1_000  # of Hyperband: more than there is time for


def choose(hp: keras_tuner.HyperParameters, name: str) -> Any:
    """Let the tuner choose a hyperparameter."""
    domain = SEARCHED[name]
    if "choices" in domain:
        return hp.Choice(name, domain["choices"])
    if is_whole(domain):
        return hp.Int(name, domain["low"], domain["high"])
    sampling = "log" if domain.get("log") else "linear"
    return hp.Float(name, domain["low"], domain["high"], sampling=sampling)


def build_optimizer(hp: keras_tuner.HyperParameters) -> keras.optimizers.Optimizer:
    """Return the optimiser of a configuration."""
    name, rate = choose(hp, "optimizer"), choose(hp, "learning_rate")
    if name == "adam":
        return keras.optimizers.Adam(rate)
    if name == "rmsprop":
        return keras.optimizers.RMSprop(rate)
    return keras.optimizers.SGD(rate, momentum=MOMENTUM, nesterov=True)


class Networks(keras_tuner.HyperModel):
    """Builds and trains the network of a configuration."""

    def __init__(self, task: Task, shape: tuple[int, int, int], classes: int) -> None:
        super().__init__()
        self._task, self._shape, self._classes = task, shape, classes
        self._numbers = itertools.count()

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Return a compiled network; `_shape` is that of its images, (height, width, channels)."""
        layers = keras.layers
        filters, kernel = choose(hp, "filters"), choose(hp, "kernel_size")
        model = keras.Sequential([keras.Input(self._shape)])
        for _ in range(choose(hp, "conv_layers")):
            model.add(layers.Conv2D(filters, kernel, padding="same", activation="relu"))
            model.add(layers.MaxPooling2D(2))
            model.add(layers.BatchNormalization())
        model.add(layers.Flatten())
        model.add(layers.Dense(choose(hp, "hidden_units"), activation="relu"))
        model.add(layers.Dropout(choose(hp, "dropout")))
        model.add(layers.Dense(self._classes))
        choose(hp, "batch_size")  # of `fit`; known from the first network on
        model.compile(
            optimizer=build_optimizer(hp),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        return model

    def fit(
        self,
        hp: keras_tuner.HyperParameters,
        model: keras.Model,
        *args: Any,
        callbacks: Sequence[keras.callbacks.Callback],
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train a trial, and note its epochs."""
        number = next(self._numbers)
        note = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: self._task.tell(
                number, epoch + 1, float(logs["val_accuracy"])
            )
        )
        kwargs["batch_size"] = hp.get("batch_size")
        return model.fit(*args, callbacks=[note, *callbacks], **kwargs)


def search(task: Task) -> None:
    """Search until there have been as many rounds as wanted."""
    parts = read_parts(Path(task.data))
    train, val = (
        np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        for images in (parts.train_images, parts.val_images)
    )
    channels, height, width = parts.shape
    tuner = keras_tuner.Hyperband(
        Networks(task, (height, width, channels), parts.num_classes),
        objective="val_accuracy",
        max_epochs=task.epochs,
        factor=3,
        hyperband_iterations=ROUNDS,
        seed=task.seed + 1,  # 0 means any seed to KerasTuner
        directory=task.folder,
        project_name="keras_tuner",
    )
    keras.utils.set_random_seed(task.seed)
    tuner.search(
        train,
        parts.train_labels,
        validation_data=(val, parts.val_labels),
        callbacks=[
            keras.callbacks.EarlyStopping("val_accuracy", mode="max", patience=task.patience)
        ],
        verbose=0,
    )


if __name__ == "__main__":
    search(Task.from_command_line())
