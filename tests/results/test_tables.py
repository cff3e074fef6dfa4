from __future__ import annotations

import csv
import io
import math

from hpo_torch.results.tables import epochs_csv


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_epochs_csv_has_a_line_per_epoch_at_full_precision(make_epoch):
    text = epochs_csv([make_epoch(1, train_loss=math.nan), make_epoch(2, train_loss=1 / 3)])
    rows = rows_of(text)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert math.isnan(float(rows[0]["train_loss"]))
    assert float(rows[1]["train_loss"]) == 1 / 3
