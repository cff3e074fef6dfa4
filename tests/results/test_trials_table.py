from __future__ import annotations

import csv
import io

import pytest

from hpo_torch.errors import OutputError
from hpo_torch.results.trials_table import TrialsTable


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trials.csv"


@pytest.fixture
def trials_csv(path):
    def write(trials):
        TrialsTable(path).write(trials)
        return path.read_text()

    return write


def test_write_has_the_documented_columns_in_order(trials_csv, make_trial):
    header = trials_csv([make_trial()]).splitlines()[0]
    assert header.split(",") == [
        *("number", "state", "score", "val_accuracy", "val_loss", "last_val_accuracy", "skill"),
        *("overall_health", "neuron_utilization", "training_stability"),
        *("parameters", "training_seconds", "memory_bytes", "inference_seconds", "seconds"),
        *("worker", "device", "cost_lower", "cost_upper"),
        *("param_learning_rate", "param_activation"),
    ]


def test_write_is_ordered_by_number_and_leaves_unmeasured_cells_empty(trials_csv, make_trial):
    failed = make_trial(2, "failed", None, measurements=None, hyperparameters={"batch_size": 32})
    rows = rows_of(trials_csv([failed, make_trial(0)]))
    assert [row["number"] for row in rows] == ["0", "2"]
    assert (rows[0]["score"], rows[0]["neuron_utilization"]) == ("0.5", "0.9")
    assert (rows[0]["training_stability"], rows[0]["param_batch_size"]) == ("", "")
    assert (rows[1]["state"], rows[1]["score"], rows[1]["val_accuracy"]) == ("failed", "", "")
    assert (rows[1]["param_batch_size"], rows[1]["param_activation"]) == ("32", "")


def test_write_writes_lists_as_json(trials_csv, make_trial):
    text = trials_csv([make_trial(hyperparameters={"widths": [32, 64]})])
    assert rows_of(text)[0]["param_widths"] == "[32, 64]"


def test_add_appends_a_line_without_reading_the_others(path, make_trial):
    table = TrialsTable(path)
    table.write([make_trial(1)])
    before = path.read_text()
    table.add(make_trial(0, score=0.25), all_trials=lambda: pytest.fail("not needed"))
    after = path.read_text()
    assert after.startswith(before)
    assert [(row["number"], row["score"]) for row in rows_of(after)] == [
        ("1", "0.5"),
        ("0", "0.25"),
    ]


def test_add_writes_all_anew_where_a_column_is_new(path, make_trial):
    table = TrialsTable(path)
    trials = [make_trial(0), make_trial(1, hyperparameters={"momentum": 0.5})]
    table.add(trials[0], all_trials=lambda: trials[:1])
    table.add(trials[1], all_trials=lambda: trials)
    assert [row["param_momentum"] for row in rows_of(path.read_text())] == ["", "0.5"]


def test_add_after_reopening_begins_with_what_is_stored(path, make_trial):
    TrialsTable(path).write([make_trial(0)])
    TrialsTable(path).add(make_trial(1), all_trials=lambda: [make_trial(0), make_trial(1)])
    assert [row["number"] for row in rows_of(path.read_text())] == ["0", "1"]


def test_add_to_a_table_that_is_gone_names_it(path, make_trial):
    table = TrialsTable(path)
    table.write([make_trial(0)])
    path.unlink()
    path.mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*trials\.csv"):
        table.add(make_trial(1), all_trials=list)


def test_add_on_a_nearly_full_disk_leaves_the_table_as_it_was(path, make_trial, nearly_full_disk):
    table = TrialsTable(path)
    table.write([make_trial(0)])
    before = path.read_text()
    with nearly_full_disk(), pytest.raises(OutputError, match="No space left on device"):
        table.add(make_trial(1), all_trials=list)
    assert path.read_text() == before
    table.add(make_trial(1), all_trials=list)
    assert [row["number"] for row in rows_of(path.read_text())] == ["0", "1"]
