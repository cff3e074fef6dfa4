"""The conditions of health_helps.py: small data sets, narrowed search spaces, random draws of them.

The subset and the noisy set are data sets like a plugin's, registered in this process only.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import torch

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.splits import stratified_sample
from hpo_torch.hooks.records import DatasetSpec
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.search.families import search_space
from hpo_torch.search.space_changes import change_space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from hpo_torch.data.spec import DataRequest, ImageData
    from hpo_torch.search.domains import Value

SUBSET_SEED = 2017  # fixed for good: another seed is another data set
FASHION_TRAIN, FASHION_TEST = 3000, 1000
NOISY_SHARE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One data set and what is searched on it.

    Attributes:
        dataset: Its name in the registry.
        family: "cnn" or "lstm".
        shape: Of an example.
        train_size: Examples that train.
        validation_split: Share of the training set that validates.
        epochs: Fewest and most.
        space: Changes of the product's search space, so that a training takes seconds.
        fixed: Hyperparameters not searched.
    """

    dataset: str
    family: str
    shape: tuple[int, ...]
    train_size: int
    validation_split: float
    epochs: tuple[int, int]
    space: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Value] = field(default_factory=dict)

    def settings(self, data_dir: str | None) -> DataSettings:
        """Return the product's data settings."""
        return DataSettings(
            dataset=self.dataset,
            dir=data_dir,
            download=False,
            validation_split=self.validation_split,
        )


# Few epochs need fast learning: slower rates would fill the pool with networks that know nothing.
_FAST: Final = {"learning_rate": {"low": 1e-3, "high": 3e-2, "log": True}}
_SMALL_CNN: Final = {**_FAST, "hidden_units": {"choices": [64, 128, 256]}}
_DIGITS: Final = Condition(
    dataset="digits",
    family="cnn",
    shape=(1, 8, 8),
    train_size=1149,
    validation_split=0.2,
    epochs=(5, 10),
    space={
        **_SMALL_CNN,
        "filters": {"choices": [16, 32]},
        "batch_size": {"choices": [32, 64]},
    },
)
CONDITIONS: Final[Mapping[str, Condition]] = {
    "digits": _DIGITS,
    "fashion": Condition(
        dataset="fashion_mnist_3000",
        family="cnn",
        shape=(1, 28, 28),
        train_size=2000,
        validation_split=1 / 3,  # 1,000 examples: of fewer, calibration has no value
        epochs=(3, 6),
        space={
            **_SMALL_CNN,
            "filters": {"choices": [8, 16]},
            "batch_size": {"choices": [32, 64]},
        },
    ),
    "reuters": Condition(
        dataset="reuters52",
        family="lstm",
        shape=(1,),
        train_size=5226,
        validation_split=0.2,
        epochs=(3, 5),
        space={
            **_FAST,
            "lstm_units": {"choices": [16, 32]},
            "hidden_units": {"choices": [64, 128, 256]},
            "batch_size": {"choices": [64, 128]},
        },
        fixed={"vocab_size": 2000, "sequence_length": 16, "embedding_dim": 32},
    ),
    "digits_noisy": replace(_DIGITS, dataset="digits_noisy"),
}


class Draw:
    """Chooses hyperparameters uniformly at random (on a log scale where the space says so).

    It stands for an `optuna.Trial`: give it to `SearchSpace.sample`.

    Args:
        seed: Of this one configuration.
    """

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Draw a whole number; no space has one on a log scale."""
        return self._random.randint(low, high)

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Draw a number."""
        share = self._random.random()
        drawn = low ** (1 - share) * high**share if log else low + share * (high - low)
        return min(high, max(low, drawn))  # rounding may leave the range by a hair

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Draw an option."""
        return self._random.choice(choices)


def configuration(condition: Condition, seed: int, index: int) -> dict[str, Value]:
    """Draw one configuration; it depends on the seed and its index, not on how many are drawn."""
    whole = search_space(condition.family, condition.shape, condition.train_size, *condition.epochs)
    space, single = change_space(whole, {condition.family: condition.space})
    fixed = space.check_fixed({**condition.fixed, **single})
    return space.sample(Draw(f"{seed} {index}"), fixed)


class Subset:
    """A fixed, stratified part of Fashion-MNIST."""

    def prepare(self, request: DataRequest) -> None:
        """See that the files are there."""
        installed_registry().datasets.load("fashion_mnist").prepare(request)

    def load(self, request: DataRequest) -> ImageData:
        """Return 3,000 training and 1,000 test images."""
        whole: ImageData = installed_registry().datasets.load("fashion_mnist").load(request)
        train = stratified_sample(whole.train_labels, FASHION_TRAIN, SUBSET_SEED)
        test = stratified_sample(whole.test_labels, FASHION_TEST, SUBSET_SEED)
        return replace(
            whole,
            train_images=whole.train_images[train],
            train_labels=whole.train_labels[train],
            test_images=whole.test_images[test],
            test_labels=whole.test_labels[test],
            fingerprint=f"{whole.fingerprint} {FASHION_TRAIN} {FASHION_TEST} {SUBSET_SEED}",
        )


class NoisyDigits:
    """The digits with a fifth of all training labels wrong, those that validate too.

    That is what noise is like outside of benchmarks: nobody has a clean validation part of noisy
    data. The test set is clean.
    """

    def prepare(self, request: DataRequest) -> None:
        """Nothing to do: the images come with scikit-learn."""

    def load(self, request: DataRequest) -> ImageData:
        """Return the digits, some labels flipped."""
        clean: ImageData = installed_registry().datasets.load("digits").load(request)
        return replace(
            clean,
            train_labels=flip_labels(clean.train_labels, NOISY_SHARE, len(clean.class_names)),
            fingerprint=f"{clean.fingerprint} {NOISY_SHARE}",
        )


def flip_labels(labels: Tensor, share: float, classes: int) -> Tensor:
    """Give a share of the examples, the same ones every time, another label each.

    Args:
        labels: int64 [N], 0..classes-1.
        share: 0..1; round(share * N) labels change.
        classes: At least 2; every wrong one is equally likely.
    """
    generator = torch.Generator().manual_seed(SUBSET_SEED)
    chosen = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    steps = torch.randint(1, classes, (len(chosen),), generator=generator)
    flipped = labels.clone()
    flipped[chosen] = (labels[chosen] + steps) % classes
    return flipped


SUBSET, NOISY_DIGITS = Subset(), NoisyDigits()


def register_datasets() -> None:
    """Make the two sets known to this process, once."""
    datasets = installed_registry().datasets
    if any(spec.name == "digits_noisy" for spec in datasets):
        return
    for name, attribute, shape, sizes in (
        ("digits_noisy", "NOISY_DIGITS", (1, 8, 8), (1437, 360)),
        ("fashion_mnist_3000", "SUBSET", (1, 28, 28), (FASHION_TRAIN, FASHION_TEST)),
    ):
        spec = DatasetSpec(
            name=name,
            target=f"{__name__}:{attribute}",
            summary="made for a benchmark",
            kind="image",
            num_classes=10,
            input_shape=shape,
            sizes=sizes,
            source="benchmarks/health_helps_data.py",
        )
        datasets.add(spec, "health_helps")
