from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from hpo_torch.results.summary import RunView


def test_evaluate_prints_accuracy_recall_and_confusion(cli, reviews, tmp_path):
    done = cli("evaluate", reviews)
    assert done.code == 0
    assert "the test set of csv: 40 examples" in done.out
    assert "accuracy 1.0000  (95 % interval 0.9124..1.0000)" in done.out
    assert "Confusion (row: true)" in done.out
    (tmp_path / "own.csv").write_text("text,label\ndull,bad\nfine,bad\nfine,bad\ndull,bad\n")
    record = json.loads(cli("evaluate", reviews, "--data-path", "own.csv", "--json").out)
    assert record["data"] == "own.csv"
    assert record["confusion"] == [[2, 2], [0, 0]]
    assert record["recall"] == {"bad": 0.5, "good": None}
    assert record["accuracy"] == 0.5
    # Wilson's interval of 2 of 4: centre 1/2, half width z / (1 + z^2/4) * sqrt(1/16 + z^2/64)
    assert record["interval"] == pytest.approx([0.15004, 0.84996], abs=1e-4)


def test_evaluate_warns_of_training_data_and_needs_data(cli, reviews):
    path = RunView.open(Path(reviews)).config.data.path
    done = cli("evaluate", reviews, "--data-path", path, "--split", "test")
    assert "the model was trained on a part of" in done.err
    checkpoint = f"{reviews}/trials/0000"
    done = cli("evaluate", checkpoint)
    assert (done.code, "is no run, which would name a data set" in done.err) == (2, True)
    done = cli("evaluate", reviews, "--data-path", "gone.csv")
    assert (done.code, "gone.csv does not exist" in done.err) == (4, True)


def test_evaluate_refuses_options_of_own_data_without_any(cli, reviews):
    done = cli("evaluate", reviews, "--dataset", "mnist")
    assert (done.code, done.out) == (2, "")
    assert "--dataset: only for own data" in done.err
    assert "Name your data with --data-path, or leave this out." in done.err
    done = cli("evaluate", reviews, "--text-column", "a", "--label-column", "b", "--skip-corrupt")
    assert done.code == 2
    assert "--text-column, --label-column, --skip-corrupt: only for own data" in done.err
    assert "or leave these out." in done.err
    assert cli("evaluate", reviews, "--device", "cuda:x").code == 2


def test_evaluate_takes_mirror_images_into_account_where_they_keep_their_class(
    cli, digits, reviews, tmp_path
):
    done = cli("evaluate", digits, "--mirrored")
    assert (done.code, done.out) == (2, "")
    assert "--mirrored: a mirror image of digits may be of another class" in done.err
    done = cli("evaluate", reviews, "--mirrored")
    assert (done.code, "a model of images, this one classifies texts" in done.err) == (2, True)
    for label in range(2):
        (tmp_path / "own" / str(label)).mkdir(parents=True)
        Image.new("L", (8, 8), 100 * label).save(tmp_path / "own" / str(label) / "0.png")
    plain, mirrored = (
        json.loads(cli("evaluate", digits, "--data-path", "own", *more, "--json").out)
        for more in ((), ("--mirrored",))
    )
    assert (plain["data"], mirrored["data"]) == ("own", "own, with mirror images")
    # An image that is its own mirror image has the same logits.
    assert mirrored["loss"] == pytest.approx(plain["loss"], abs=1e-6)
