from __future__ import annotations

import csv
import io
import math

from hpo_torch.results.tables import epochs_csv, trials_csv


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_trials_csv_has_the_documented_columns_in_order(make_trial):
    header = trials_csv([make_trial()]).splitlines()[0]
    assert header.split(",") == [
        *("number", "state", "score", "val_accuracy", "val_loss", "last_val_accuracy", "skill"),
        *("overall_health", "neuron_utilization", "training_stability"),
        *("parameters", "training_seconds", "memory_bytes", "inference_seconds", "seconds"),
        *("param_learning_rate", "param_activation"),
    ]


def test_trials_csv_is_ordered_by_number_and_leaves_unmeasured_cells_empty(make_trial):
    failed = make_trial(2, "failed", None, measurements=None, hyperparameters={"batch_size": 32})
    rows = rows_of(trials_csv([failed, make_trial(0)]))
    assert [row["number"] for row in rows] == ["0", "2"]
    assert (rows[0]["score"], rows[0]["neuron_utilization"]) == ("0.5", "0.9")
    assert (rows[0]["training_stability"], rows[0]["param_batch_size"]) == ("", "")
    assert (rows[1]["state"], rows[1]["score"], rows[1]["val_accuracy"]) == ("failed", "", "")
    assert (rows[1]["param_batch_size"], rows[1]["param_activation"]) == ("32", "")


def test_trials_csv_writes_lists_as_json(make_trial):
    text = trials_csv([make_trial(hyperparameters={"widths": [32, 64]})])
    assert rows_of(text)[0]["param_widths"] == "[32, 64]"


def test_epochs_csv_has_a_line_per_epoch_at_full_precision(make_epoch):
    text = epochs_csv([make_epoch(1, train_loss=math.nan), make_epoch(2, train_loss=1 / 3)])
    rows = rows_of(text)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert math.isnan(float(rows[0]["train_loss"]))
    assert float(rows[1]["train_loss"]) == 1 / 3
