"""The hyperparameters of recurrent networks for texts."""

from __future__ import annotations

from hpo_torch.search.domains import Choice, Float, Int
from hpo_torch.search.hidden_layers import INITIALIZER, hidden_layers
from hpo_torch.search.optimisation import optimisation, schedule
from hpo_torch.search.space import Parameter, SearchSpace


def lstm_space(train_size: int, min_epochs: int, max_epochs: int) -> SearchSpace:
    """Return the search space of LSTM networks for one data set.

    Args:
        train_size: Number of training examples; large sets get larger batches.
        min_epochs: Lower end of the searched number of epochs.
        max_epochs: Upper end.
    """
    return SearchSpace(
        family="lstm",
        parameters=(
            *_texts(),
            *_recurrence(),
            INITIALIZER,
            *hidden_layers(most=3, widths=(64, 128, 256, 512)),
            *optimisation(learning_rate=3e-3),
            *schedule(train_size, min_epochs, max_epochs, batch_size=64),
        ),
    )


def _texts() -> tuple[Parameter, ...]:
    return (
        Parameter(
            "vocab_size",
            Choice((5_000, 10_000, 20_000)),
            10_000,
            "Known tokens: the commonest of the training part, or all where there are fewer.",
            allowed=Int(3, 1_000_000),
        ),
        Parameter(
            "sequence_length",
            Choice((100, 200, 400)),
            200,
            "Most tokens of a text; of a longer one its beginning and its end are kept.",
            allowed=Int(1, 100_000),
        ),
        Parameter(
            "embedding_dim",
            Choice((64, 128, 256, 512)),
            64,
            "Numbers that stand for a token.",
            allowed=Int(1, 4096),
        ),
        Parameter(
            "text_dropout",
            Float(0.0, 0.6),
            0.3,
            "Dropout of embedding features, each dropped in a whole text or not at all.",
            allowed=Float(0.0, 0.95),
        ),
    )


def _recurrence() -> tuple[Parameter, ...]:
    return (
        Parameter("lstm_layers", Int(1, 2), 1, "LSTM layers.", allowed=Int(1, 8)),
        Parameter(
            "lstm_units",
            Choice((32, 64, 128, 256)),
            64,
            "Units of every LSTM layer in each direction; their gates' sigmoid and tanh are fixed.",
            allowed=Int(1, 2048),
        ),
        Parameter(
            "bidirectional",
            Choice((True, False)),
            True,
            "Read texts backwards too, with units of their own.",
        ),
        Parameter(
            "pooling",
            Choice(("last", "max", "mean")),
            "max",
            "How the states of all time steps become one: the last of each direction, or each "
            "unit's largest or mean value.",
        ),
        Parameter(
            "recurrent_dropout",
            Float(0.0, 0.5),
            0.2,
            "Dropout of every LSTM layer's outputs, each unit dropped in a whole text or not at "
            "all; inside the gates there is none, where fused LSTMs allow none.",
            allowed=Float(0.0, 0.95),
        ),
    )
