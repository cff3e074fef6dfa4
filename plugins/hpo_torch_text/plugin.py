"""The text data sets, registered."""

from __future__ import annotations

from hpo_torch.plugin_api import DatasetSpec, hookimpl


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    return [
        DatasetSpec(
            name="imdb",
            target="hpo_torch_text.imdb:IMDB",
            summary="film reviews, positive or negative",
            kind="text",
            num_classes=2,
            input_shape=(),
            sizes=(25_000, 25_000),
            source="Large Movie Review Dataset v1.0: https://ai.stanford.edu/~amaas/data/sentiment/",
        ),
        DatasetSpec(
            name="reuters",
            target="hpo_torch_text.reuters46:REUTERS46",
            summary="Reuters news in 46 topics, Keras' words and split",
            kind="text",
            num_classes=46,
            input_shape=(),
            sizes=(8_982, 2_246),
            source="keras.datasets.reuters: https://keras.io/api/datasets/reuters/",
        ),
        DatasetSpec(
            name="reuters52",
            target="hpo_torch_text.reuters52:REUTERS52",
            summary="Reuters news in 52 topics: ModApte split, stories with one topic",
            kind="text",
            num_classes=52,
            input_shape=(),
            sizes=(6_532, 2_568),
            source="Reuters-21578, Distribution 1.0: "
            "http://www.daviddlewis.com/resources/testcollections/reuters21578/",
        ),
        DatasetSpec(
            name="csv",
            target="hpo_torch_text.own_table:OWN_TABLE",
            summary="your own table of texts and labels (--data-path): CSV, TSV, JSON lines or "
            "Parquet",
            kind="text",
            num_classes=None,
            input_shape=(),
            sizes=None,
            source="yours",
        ),
    ]
