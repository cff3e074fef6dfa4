from __future__ import annotations

import sys
import time

import pytest
from one_trial_figures import (
    FORWARD,
    OURS,
    SCHEDULE,
    STEP,
    contender_table,
    epoch_parts,
    figures,
    profile_table,
    turns,
    typical_epoch,
)
from one_trial_profile import Ledger, label_of


def test_turns_begin_with_each_contender_in_turn():
    orders = turns(["a", "b", "c"], 6, seed=0)
    assert all(sorted(order) == ["a", "b", "c"] for order in orders)
    assert sorted(order[0] for order in orders) == ["a", "a", "b", "b", "c", "c"]
    assert orders == turns(["a", "b", "c"], 6, seed=0)
    assert len({tuple(turns(["a", "b", "c"], 1, seed)[0]) for seed in range(50)}) == 6


def test_the_first_epoch_does_not_count():
    assert typical_epoch([100.0, 1.0, 3.0, 2.0]) == 2.0
    with pytest.raises(ValueError, match="at least 2 epochs"):
        typical_epoch([1.0])


def run(*epochs, parameters=1234, **more):
    return {"epochs": epochs, "val_accuracy": 0.5, "parameters": parameters, **more}


def test_figures_compare_rounds_in_pairs():
    runs = {
        OURS: [run(50.0, 2.0, 4.0), run(60.0, 6.0, 6.0)],
        "bare loop": [run(5.0, 1.0, 1.0), run(5.0, 3.0, 3.0)],
    }
    summed = figures(runs)
    assert summed[OURS]["epoch_seconds"] == [3.0, 6.0]
    assert summed[OURS]["ratios"] == [1.0, 1.0]
    assert summed["bare loop"]["ratios"] == [3.0, 2.0]
    assert summed["bare loop"]["ratio_median"] == 2.5
    assert summed["bare loop"]["ratio_spread"] == [2.0, 3.0]
    lines = contender_table(summed).splitlines()
    assert lines[2].startswith("| hpo-torch | 4.50 (3.00 - 6.00) | 1 | 55.00 (50.00 - 60.00) |")
    assert lines[3].startswith("| bare loop | 2.00 (1.00 - 3.00) | 2.500 (2.000 - 3.000) |")
    assert lines[3].endswith("| 0.5000 (0.5000 - 0.5000) | 1,234 |")


def test_parts_of_an_epoch_are_what_is_left_too():
    first = run(9.0, 5.0, 7.0, training_seconds=[8.0, 3.0, 4.0], health_seconds=[1.0, 1.0, 1.5])
    second = run(9.0, 5.0, 5.0, training_seconds=[8.0, 5.0, 5.0], health_seconds=[1.0, 0.0, 0.0])
    parts = epoch_parts([first, second])
    assert parts == {"training": [3.5, 5.0], "health": [1.25, 0.0], "rest": [1.25, 0.0]}


def test_profile_table_sums_up_by_owner():
    profile = {
        "seconds": {
            FORWARD: 5.0,
            STEP: 1.0,
            "lightning/pytorch/trainer/call.py f": 3.0,
            "hpo_torch/health/monitor.py HealthMonitor.epoch_report": 1.0,
        },
        "calls": {"lightning/pytorch/trainer/call.py f": 30},
        "steps": 10,
    }
    lines = profile_table(profile, 1).splitlines()
    assert lines[2:] == [
        "| all of: the model | 600.000 | 60.00 |  |",
        "| all of: Lightning | 300.000 | 30.00 |  |",
        "| all of: hpo-torch, health | 100.000 | 10.00 |  |",
        f"| {FORWARD} | 500.000 | 50.00 | 0.00 |",
    ]


@pytest.mark.parametrize(
    ("path", "name", "label"),
    [
        ("/a/hpo_torch/data/load.py", "f", "hpo_torch/data/load.py f"),
        ("/a/hpo_torch/plugins/hpo_torch_health/rank.py", "R.f", "hpo_torch_health/rank.py R.f"),
        ("/a/site-packages/lightning/fabric/x.py", "f", "lightning/fabric/x.py f"),
        ("/a/site-packages/torch/nn/modules/module.py", "Module._wrapped_call_impl", FORWARD),
        ("/a/site-packages/torch/nn/modules/module.py", "Module.parameters", None),
        ("/a/site-packages/torch/optim/adamw.py", "AdamW.step", STEP),
        ("/a/site-packages/torch/optim/lr_scheduler.py", "OneCycleLR.get_lr", SCHEDULE),
        ("/a/hpo_torch/.venv/lib/site-packages/numpy/x.py", "f", None),
        ("/usr/lib/python3.11/json/decoder.py", "f", None),
    ],
)
def test_labels_of_the_profile(path, name, label):
    assert label_of(path, name) == label


def function(path, source, **known):
    namespace = dict(known)
    exec(compile(source, path, "exec"), namespace)
    return namespace["f"]


def test_ledger_gives_time_to_the_nearest_owner():
    helper = function("/a/helper.py", "def f(s): sleep(s)", sleep=time.sleep)
    below = function("/a/hpo_torch/b.py", "def f(): helper(0.02)", helper=helper)
    # As a network's forward pass it keeps what is below it, hpo-torch's own functions too.
    network = function(
        "/a/torch/nn/modules/module.py",
        "class Module:\n    def _wrapped_call_impl(self): below()\n\ndef f(): Module()"
        "._wrapped_call_impl()",
        below=below,
    )
    owner = function(
        "/a/hpo_torch/a.py",
        "def f():\n    helper(0.04)\n    for _ in range(3): below()\n    network()",
        helper=helper,
        below=below,
        network=network,
    )
    ledger = Ledger()
    ledger.start()
    owner()
    ledger.stop()
    assert sys.getprofile() is None
    assert ledger.seconds["hpo_torch/a.py f"] == pytest.approx(0.04, abs=0.015)
    assert ledger.seconds["hpo_torch/b.py f"] == pytest.approx(0.06, abs=0.025)
    assert ledger.seconds[FORWARD] == pytest.approx(0.02, abs=0.01)
    assert ledger.calls == {"hpo_torch/a.py f": 1, "hpo_torch/b.py f": 3, FORWARD: 1}
