"""What scoring a winner leaves, made by hand: three classes, four test examples, one mistake."""

from __future__ import annotations

import numpy as np

from hpo_torch.results.activation_maps import ActivationMaps, BlockMaps
from hpo_torch.results.architecture import Architecture, Layer
from hpo_torch.results.mistakes import Mistakes
from hpo_torch.results.predictions import Predictions
from hpo_torch.results.records import TestReport
from hpo_torch.results.scored_winner import ScoredWinner

NAMES = ["cat", "dog", "fox"]


def scored_model(*, convolutional: bool = True, mistakes: int = 1) -> ScoredWinner:
    """Return it: of images, or, without convolutions, of texts."""
    probabilities = np.array(
        [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.0, 0.9], [0.6, 0.3, 0.1]], dtype=np.float32
    )
    labels = np.array([0, 1, 2, 1 if mistakes else 0])
    predictions = Predictions(probabilities, labels)
    wrong = predictions.confident_mistakes(mistakes)
    confusion = np.zeros((3, 3), dtype=int)
    np.add.at(confusion, (labels, predictions.predicted), 1)
    pixels = np.arange(len(wrong) * 4 * 6 * 3, dtype=np.uint8).reshape(len(wrong), 4, 6, 3)
    return ScoredWinner(
        report=TestReport.from_confusion(confusion.tolist(), NAMES, 0.3),
        predictions=predictions,
        mistakes=Mistakes(
            positions=wrong,
            true=labels[wrong],
            predicted=predictions.predicted[wrong],
            probabilities=predictions.confidences[wrong],
            images=pixels if convolutional else None,
            texts=None if convolutional else ("a quick brown $fox$ " * 20,)[: len(wrong)],
        ),
        architecture=cnn() if convolutional else lstm(),
        maps=maps() if convolutional else None,
    )


def cnn() -> Architecture:
    """One block on 3 x 4 x 6 pixels."""
    layers = [
        _layer("conv1.conv", "Conv2d", [16, 4, 6], 448, "3, 16, kernel_size=(3, 3), stride=(1, 1)"),
        _layer("conv1.activation", "ReLU", [16, 4, 6]),
        _layer("conv1.pool", "MaxPool2d", [16, 2, 3], 0, "kernel_size=2, stride=2"),
        _layer("flatten", "Flatten", [96], 0, "start_dim=1, end_dim=-1"),
        _layer("output", "Linear", [3], 291),
    ]
    return Architecture(input_shape=[3, 4, 6], layers=layers, parameters=739)


def lstm() -> Architecture:
    """One layer in both directions on 5 tokens."""
    layers = [
        _layer("embedding", "Embedding", [5, 8], 80, "10, 8, padding_idx=0"),
        _layer("text_dropout", "SequenceDropout", [5, 8], 0, "rate=0.3"),
        _layer("lstm.0.forwards", "LSTM", [5, 4], 224, "8, 4, batch_first=True"),
        _layer("lstm.0.backwards", "LSTM", [5, 4], 224, "8, 4, batch_first=True"),
        _layer("recurrent_dropout", "SequenceDropout", [5, 8], 0, "rate=0.2"),
        _layer("head.output", "Linear", [3], 27),
    ]
    return Architecture(input_shape=[5], layers=layers, parameters=555)


def maps() -> ActivationMaps:
    """20 filters of 3 channels, and 16 of a block's 20 maps."""
    values = np.linspace(0, 1, 16 * 4 * 6, dtype=np.float16).reshape(16, 4, 6)
    return ActivationMaps(
        filters=np.linspace(-1, 1, 20 * 27, dtype=np.float32).reshape(20, 3, 3, 3),
        image=np.zeros((4, 6, 3), dtype=np.uint8),
        label=2,
        blocks=(BlockMaps("conv1", 20, values),),
    )


def _layer(name: str, kind: str, shape: list[int], parameters: int = 0, detail: str = "") -> Layer:
    return Layer(name=name, type=kind, detail=detail, output_shape=shape, parameters=parameters)
