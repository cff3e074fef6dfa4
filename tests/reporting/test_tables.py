from __future__ import annotations

from hpo_torch.protocol.events import TrialStarted
from hpo_torch.reporting.tables import (
    classes_table,
    confusions_table,
    costs_table,
    devices_of,
    failures,
    trials_table,
)
from hpo_torch.results.event_log import EventLog
from hpo_torch.results.records import TestReport
from hpo_torch.results.summary import RunView


def cells(table):
    return [row.cells for row in table.rows]


def test_trials_are_listed_by_score_the_completed_ones_first(build_run, make_trial):
    trials = [
        make_trial(0, score=0.5),
        make_trial(1, "pruned", 0.9),
        make_trial(2, score=0.7),
        make_trial(3, "failed", None, epochs=0),
    ]
    table = trials_table(RunView(build_run(trials)), {2: "cpu (x86_64)"})
    assert [row[:3] for row in cells(table)] == [
        ["2", "complete", "0.7"],
        ["0", "complete", "0.5"],
        ["1", "pruned", "0.9"],
        ["3", "failed", ""],
    ]
    assert [row.marked for row in table.rows] == [True, False, False, False]
    first = dict(zip(table.columns, table.rows[0].cells, strict=True))
    assert first["device"] == "cpu (x86_64)"
    assert first["learning_rate"] == "0.000333333"
    assert first["epochs"] == "8"
    assert table.words == {"state", "device", "activation"}


def test_failures_are_grouped_by_reason(make_trial):
    def failed(number, message):
        trial = make_trial(number, "failed", None, epochs=0)
        return trial.model_copy(update={"failure_kind": "data", "message": message})

    trials = [failed(0, "odd"), failed(1, "bad file\nmore"), failed(2, "bad file\nother")]
    assert cells(failures(trials)) == [
        ["data", "bad file", "2", "1, 2"],
        ["data", "odd", "1", "0"],
    ]
    assert failures([make_trial(0)]) is None


def test_classes_have_recall_with_interval_and_precision():
    report = TestReport.from_confusion([[8, 2, 0], [0, 10, 0], [0, 0, 0]], ["a", "b", "c"], 0.5)
    # 95 % Wilson intervals of 8 and 10 in 10.
    assert cells(classes_table(report)) == [
        ["a", "10", "0.8000", "0.4902", "0.9433", "1.0000"],
        ["b", "10", "1.0000", "0.7225", "1.0000", "0.8333"],
        ["c", "0", "", "", "", ""],
    ]
    assert cells(confusions_table(report)) == [["a", "b", "2", "20.0 %"]]
    perfect = TestReport.from_confusion([[1, 0], [0, 1]], ["a", "b"], 0.0)
    assert confusions_table(perfect) is None


def test_costs_are_summed_by_device_and_in_all(make_trial):
    # 35 s each; 8 epochs of 3.2 s, and 0.2 s of health.
    trials = [make_trial(number) for number in range(3)]
    table = costs_table(trials, {0: "H100", 1: "H100"})
    assert cells(table) == [
        ["H100", "2", "1 min 10 s", "51.2 s", "3.2 s", "35.0 s"],
        ["not known", "1", "35.0 s", "25.6 s", "1.6 s", "35.0 s"],
        ["all", "3", "1 min 45 s", "1 min 16 s", "4.8 s", "35.0 s"],
    ]
    assert costs_table([], {}).rows == []


def test_device_is_the_last_attempts(build_run, make_trial):
    run = build_run([make_trial(0)])
    assert devices_of(RunView(run)) == {}
    with EventLog(run.events) as log:
        for attempt, device in (("0-1", "cuda:0"), ("0-2", "cpu")):
            log.append(
                TrialStarted(
                    trial=0, attempt=attempt, worker="w", device=device, precision="32-true",
                    hyperparameters={}, parameters=1, epochs=1,
                )
            )  # fmt: skip
    assert devices_of(RunView(run)) == {0: "cpu"}
