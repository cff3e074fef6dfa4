from __future__ import annotations

import json

import pytest
import torch
from health_helps_data import CONDITIONS, Draw, configuration, flip_labels
from health_helps_pool import Task, missing_tasks, read_pool

from hpo_torch.search.families import search_space


@pytest.mark.parametrize("name", CONDITIONS)
def test_configuration_is_repeated_and_of_the_products_space(name):
    condition = CONDITIONS[name]
    drawn = [configuration(condition, 1, index) for index in range(20)]
    assert drawn == [configuration(condition, 1, index) for index in range(20)]
    assert len({json.dumps(values) for values in drawn}) == 20
    assert drawn[0] != configuration(condition, 2, 0)
    space = search_space(condition.family, condition.shape, condition.train_size, *condition.epochs)
    for values in drawn:
        assert space.check_fixed(values) == values


def test_draws_cover_a_log_scale_evenly():
    drawn = [Draw(str(n)).suggest_float("x", 1e-4, 1e-2, log=True) for n in range(2000)]
    assert min(drawn) >= 1e-4
    assert max(drawn) <= 1e-2
    assert sum(value < 1e-3 for value in drawn) / 2000 == pytest.approx(0.5, abs=0.05)


def test_flipped_labels_are_the_stated_share_and_wrong():
    labels = torch.arange(1000) % 10
    flipped = flip_labels(labels, 0.2, 10)
    assert int((flipped != labels).sum()) == 200
    assert flipped.min() >= 0
    assert flipped.max() < 10
    assert torch.equal(flipped, flip_labels(labels, 0.2, 10))


def record(index):
    values = configuration(CONDITIONS["digits"], 0, index)
    return {"condition": "digits", "seed": 0, "config": index, "hyperparameters": values}


def test_pool_goes_on_after_an_unfinished_line(tmp_path):
    path = tmp_path / "pool.jsonl"
    path.write_text(f'{json.dumps(record(0))}\n{{"condition": "dig', encoding="utf-8")
    assert read_pool(path) == [record(0)]
    assert missing_tasks(read_pool(path), ["digits"], 1, 3) == [
        Task("digits", 0, 1),
        Task("digits", 0, 2),
    ]


def test_pool_of_other_configurations_is_refused():
    other = record(0)
    other["hyperparameters"]["epochs"] = 1000
    with pytest.raises(SystemExit, match="other hyperparameters"):
        missing_tasks([other], ["digits"], 1, 1)


def test_no_pool_is_an_empty_one(tmp_path):
    assert read_pool(tmp_path / "none.jsonl") == []
