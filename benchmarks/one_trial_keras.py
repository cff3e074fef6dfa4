"""The same network in Keras on TensorFlow's CPU build: a contender of one_trial.py.

Runs in an interpreter of its own, with tensorflow-cpu and numpy and without torch or hpo-torch.
Layers, sizes, initial weights, optimiser, schedule and batch sizes are those of the product's
default configuration; data are arrays in memory, images normalised and texts padded to one length
before the first epoch, which leaves an epoch less to do than elsewhere. As in Keras' own example of
a bidirectional LSTM, padding is not masked, which is slower. `fit` compiles as it does by default.
"""

from __future__ import annotations

import math
import os
import platform
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from one_trial_task import Arrays, Task

# What of the default configurations is written here; another one is refused, not approximated.
WRITTEN: Final[Mapping[str, tuple[Any, ...]]] = {
    "grayscale": (False,),
    "filter_growth": (1,),
    "activation": ("relu",),
    "initializer": ("he_normal",),
    "padding": ("same",),
    "global_pooling": (False,),
    "lstm_layers": (1,),
    "pooling": ("max",),
    "hidden_layers": (1,),
    "hidden_activation": ("relu",),
    "optimizer": ("adamw",),
    "clip_gradients": (False,),
    "schedule": ("constant", "one_cycle"),
}
EPSILON = 1e-5  # of torch's normalisations


def unwritten(values: Mapping[str, Any]) -> list[str]:
    """Name the hyperparameters whose value has no counterpart here."""
    return [
        f"{name}: {values[name]}"
        for name, known in WRITTEN.items()
        if name in values and values[name] not in known
    ]


def one_cycle_rates(highest: float, steps: int) -> NDArray[np.float32]:
    """Return the learning rate of every step of torch's OneCycleLR, float32 [steps].

    Up along a cosine from 1/25 of the highest rate in the first 30 % of the steps, then down to
    1/250,000 of it.
    """
    top = 0.3 * steps - 1
    rates = []
    for step in range(steps):
        if step <= top:
            start, end, share = highest / 25, highest, step / top
        else:
            start, end, share = highest, highest / 250_000, (step - top) / (steps - 1 - top)
        rates.append(end + (start - end) * (1 + math.cos(math.pi * share)) / 2)
    return np.array(rates, np.float32)


def window_of(have: int, wanted: int) -> tuple[int, int]:
    """Return window and stride of a pooling that turns so many pixels of a side into fewer."""
    stride = have // wanted
    return have - (wanted - 1) * stride, stride


def normalised(pixels: NDArray[Any], arrays: Arrays) -> NDArray[np.float32]:
    """Return uint8 [N, C, H, W] as normalised float32 [N, H, W, C]."""
    last = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)).astype(np.float32)
    last /= 255
    last -= arrays.mean.astype(np.float32)
    last /= arrays.std.astype(np.float32)
    return last


def image_network(values: Mapping[str, Any], arrays: Arrays) -> Any:
    """Build hpo_torch.models.cnn's network."""
    import keras

    layers = keras.layers
    channels, height, width = arrays.input_shape.tolist()
    inputs = signal = keras.Input((height, width, channels))
    if values["standardize"]:
        signal = layers.GroupNormalization(-1, epsilon=EPSILON, center=False, scale=False)(signal)
    scales = []
    for _ in range(values["conv_layers"]):
        signal = layers.Conv2D(
            values["filters"],
            values["kernel_size"],
            padding="same",
            activation="relu",
            kernel_initializer=_normal(2.0),
        )(signal)
        signal = layers.MaxPooling2D(values["pool_size"])(signal)
        if values["batch_norm"]:
            signal = layers.BatchNormalization(momentum=0.9, epsilon=EPSILON)(signal)
        scales.append(signal)
    if values["multi_scale"]:
        signal = layers.Concatenate()([_pooled(each, signal) for each in scales])
    return keras.Model(inputs, _head(layers.Flatten()(signal), values, arrays))


def _pooled(larger: Any, smallest: Any) -> Any:
    import keras

    sides = zip(larger.shape[1:3], smallest.shape[1:3], strict=True)
    windows, strides = zip(*(window_of(have, wanted) for have, wanted in sides), strict=True)
    return keras.layers.MaxPooling2D(windows, strides)(larger)


def text_network(values: Mapping[str, Any], arrays: Arrays) -> Any:
    """Build hpo_torch.models.lstm's network."""
    import keras

    layers = keras.layers
    tokens = min(values["vocab_size"], int(arrays.input_shape[0]))
    inputs = keras.Input((arrays.train_inputs.shape[1],), dtype="int32")
    drawn = keras.initializers.RandomNormal(stddev=0.1)
    signal = layers.Embedding(tokens, values["embedding_dim"], drawn)(inputs)
    signal = layers.SpatialDropout1D(values["text_dropout"])(signal)
    recurrent = layers.LSTM(values["lstm_units"], return_sequences=True)
    if values["bidirectional"]:
        recurrent = layers.Bidirectional(recurrent)
    signal = layers.SpatialDropout1D(values["recurrent_dropout"])(recurrent(signal))
    return keras.Model(inputs, _head(layers.GlobalMaxPooling1D()(signal), values, arrays))


def _head(signal: Any, values: Mapping[str, Any], arrays: Arrays) -> Any:
    import keras

    hidden = keras.layers.Dense(
        values["hidden_units"], activation="relu", kernel_initializer=_normal(2.0)
    )(signal)
    kept = keras.layers.Dropout(values["dropout"])(hidden)
    return keras.layers.Dense(int(arrays.classes), kernel_initializer=_normal(1.0))(kept)


def _normal(scale: float) -> Any:
    import keras

    return keras.initializers.VarianceScaling(scale, "fan_in", "untruncated_normal")


def _optimizer(values: Mapping[str, Any], steps: int) -> Any:
    import keras

    class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self) -> None:
            self._rates = keras.ops.convert_to_tensor(
                one_cycle_rates(values["learning_rate"], steps)
            )

        def __call__(self, step: Any) -> Any:
            return keras.ops.take(self._rates, keras.ops.cast(step, "int32"))

    rate = values["learning_rate"] if values["schedule"] == "constant" else OneCycle()
    # torch's epsilon; weights decay, biases and normalisations do not.
    adamw = keras.optimizers.AdamW(rate, weight_decay=values["weight_decay"], epsilon=1e-8)
    adamw.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return adamw


def _clock() -> Any:
    import keras

    class Clock(keras.callbacks.Callback):
        """Notes when training begins, and when each epoch, its validation included, ends."""

        def __init__(self) -> None:
            super().__init__()
            self.marks: list[float] = []

        def on_train_begin(self, logs: Any = None) -> None:
            self.marks.append(time.perf_counter())

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.marks.append(time.perf_counter())

    return Clock()


def train(task: Task) -> dict[str, Any]:
    """Train with `compile` and `fit`.

    Raises:
        ValueError: The default configuration has what is not written here.
    """
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(task.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(task.threads)
    keras.utils.set_random_seed(task.seed)
    arrays, values = task.arrays(), task.hyperparameters
    if missing := unwritten(values):
        raise ValueError(f"not written for Keras: {', '.join(missing)}")
    build = text_network if task.family == "lstm" else image_network
    model = build(values, arrays)
    steps = math.ceil(len(arrays.train_labels) / values["batch_size"]) * task.epochs
    losses, smoothing = keras.losses, values["label_smoothing"]
    model.compile(
        optimizer=_optimizer(values, steps),
        loss=losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
        if smoothing
        else losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    clock = _clock()
    seen = model.fit(
        *_part(arrays.train_inputs, arrays.train_labels, task, arrays),
        batch_size=values["batch_size"],
        epochs=task.epochs,
        validation_data=_part(arrays.validation_inputs, arrays.validation_labels, task, arrays),
        validation_batch_size=int(arrays.validation_batch),
        callbacks=[clock],
        verbose=2,
    )
    return {
        "epochs": [later - earlier for earlier, later in pairwise(clock.marks)],
        "val_accuracy": float(seen.history["val_accuracy"][-1]),
        "parameters": sum(math.prod(each.shape) for each in model.trainable_variables),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tensorflow.__version__,
            "keras": keras.__version__,
        },
    }


def _part(
    inputs: NDArray[Any], labels: NDArray[Any], task: Task, arrays: Arrays
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return inputs as the network wants them, and labels: one-hot where they are smoothed."""
    if task.family == "cnn":
        inputs = normalised(inputs, arrays)
    if task.hyperparameters["label_smoothing"]:
        labels = np.eye(int(arrays.classes), dtype=np.float32)[labels]
    return inputs, labels
