"""The hyperparameters of training itself, in every family."""

from __future__ import annotations

from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.space import Parameter, When

_BOOL = Choice((True, False))
_LARGE_SET = 10_000
_DEFAULT_EPOCHS = 10


def optimisation(*, learning_rate: float = 1e-3) -> tuple[Parameter, ...]:
    """Return what is searched of the optimiser; `learning_rate` is the default one."""
    return (
        Parameter(
            "optimizer",
            Choice(("adam", "adamw", "rmsprop", "sgd")),
            "adamw",
            "How gradients become steps.",
        ),
        Parameter(
            "momentum",
            Float(0.8, 0.99),
            0.9,
            "Nesterov momentum of SGD.",
            allowed=Float(0.0, 0.999),
            when=When("optimizer", ("sgd",)),
        ),
        Parameter(
            "learning_rate",
            Float(1e-4, 3e-2, log=True),
            learning_rate,
            "Size of the steps; the upper end is for SGD, which needs longer ones than Adam.",
            allowed=Float(1e-7, 10.0),
        ),
        Parameter(
            "weight_decay",
            Float(1e-6, 1e-2, log=True),
            1e-4,
            "Pull of weights (not biases, not normalisation) towards zero.",
            allowed=Float(0.0, 1.0),
        ),
        Parameter(
            "label_smoothing",
            Choice((0.0, 0.1)),
            0.0,
            "Share of the target that is spread over all classes, so that nothing is learnt to be "
            "certain.",
            allowed=Float(0.0, 0.9),
        ),
        Parameter("clip_gradients", _BOOL, False, "Whether long gradients are shortened."),
        Parameter(
            "gradient_clip_norm",
            Float(0.5, 2.0),
            1.0,
            "Longest gradient, Euclidean norm over all weights.",
            allowed=Float(1e-3, 1e3),
            when=When("clip_gradients", (True,)),
        ),
    )


def schedule(
    train_size: int, min_epochs: int, max_epochs: int, *, batch_size: int = 128
) -> tuple[Parameter, ...]:
    """Return what is searched of batches, of epochs, and of the learning rate over them.

    Args:
        train_size: Number of training examples; large sets get larger batches.
        min_epochs: Lower end of the searched number of epochs.
        max_epochs: Upper end.
        batch_size: Default of large sets.
    """
    large = train_size >= _LARGE_SET
    return (
        Parameter(
            "batch_size",
            Choice((64, 128, 256, 512) if large else (16, 32, 64, 128)),
            batch_size if large else 32,
            "Examples a step; larger ones are searched from 10,000 training examples on.",
            allowed=Int(1, 65_536),
        ),
        Parameter(
            "epochs",
            Int(min_epochs, max_epochs),
            max(min_epochs, min(max_epochs, _DEFAULT_EPOCHS)),
            "Passes over the training set, unless training stops early.",
            allowed=Int(1, 100_000),
        ),
        Parameter(
            "schedule",
            Choice(("constant", "cosine", "one_cycle")),
            "constant",
            "Course of the learning rate over the epochs: level, falling, or rising and falling.",
        ),
    )
