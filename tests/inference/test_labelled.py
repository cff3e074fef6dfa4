from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hpo_torch.errors import CorruptDataError, DataError, UnknownNameError
from hpo_torch.inference.labelled import own_examples, part_of_data_set
from hpo_torch.inference.scoring import score
from hpo_torch.plugin_api import DataRequest
from hpo_torch.results.summary import RunView
from hpo_torch.training.evaluate import evaluate_checkpoint


def asked_for(path, **more):
    return DataRequest(data_dir=Path("unused"), path=path, **more)


def test_test_set_is_scored_as_when_the_study_ended(digits_run, digits):
    config = RunView(digits_run).config
    report = score(digits, part_of_data_set(digits, config.data, 42, "test"))
    first = evaluate_checkpoint(digits_run.best_checkpoint, config.data, 42, "cpu")
    assert report.examples == 360
    assert report.confusion == first.confusion
    assert report.loss == pytest.approx(first.loss, abs=1e-5)


@pytest.mark.parametrize("name", ["digits", "reviews"])
def test_validation_part_is_that_of_the_training(name, request):
    run, model = request.getfixturevalue(f"{name}_run"), request.getfixturevalue(name)
    view = RunView(run)
    examples = part_of_data_set(model, view.config.data, view.config.search.seed, "validation")
    measured = view.trials[0].measurements
    report = score(model, examples)
    assert report.accuracy == pytest.approx(measured.val_accuracy)
    assert report.loss == pytest.approx(measured.val_loss, abs=1e-5)


def test_data_set_that_has_changed_is_refused(digits, reviews_run):
    other = RunView(reviews_run).config.data
    with pytest.raises(DataError, match="has changed since the training: expected the classes 0,"):
        part_of_data_set(digits, other, 42, "test")


@pytest.fixture
def own_digits(digit_data, tmp_path):
    """Twelve digits in folders of three classes, twice as large as the network's."""
    for position in range(200):
        label, folder = int(digit_data.test_labels[position]), tmp_path / "own"
        place = folder / str(label)
        if label in (1, 4, 7) and len(list(place.glob("*"))) < 4:
            place.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(digit_data.test_images[position, 0].numpy())
            image.resize((16, 16)).save(place / f"{position}.png")
    return tmp_path / "own"


def test_own_images_of_some_classes_are_scored(digits, own_digits):
    examples = own_examples(digits, asked_for(own_digits), None, None)
    assert examples.labels.tolist() == [1] * 4 + [4] * 4 + [7] * 4
    assert examples.inputs.shape == (12, 1, 8, 8)
    report = score(digits, examples)
    assert [sum(row) for row in report.confusion] == [0, 4, 0, 0, 4, 0, 0, 4, 0, 0]
    assert report.accuracy > 0.5
    with pytest.raises(DataError, match="--split test: the data at --data-path are not divided"):
        own_examples(digits, asked_for(own_digits), None, "test")


def test_own_folder_of_parts_gives_one_of_them(digits, own_digits, tmp_path):
    (tmp_path / "parts" / "train").mkdir(parents=True)
    own_digits.rename(tmp_path / "parts" / "test")
    examples = own_examples(digits, asked_for(tmp_path / "parts"), None, None)
    assert (len(examples.labels), examples.what) == (12, f"test part of {tmp_path / 'parts'}")
    with pytest.raises(DataError, match="have no part 'validation', only test"):
        own_examples(digits, asked_for(tmp_path / "parts"), None, "validation")


def test_unreadable_own_images_are_named_or_left_out(digits, own_digits):
    (own_digits / "1" / "broken.png").write_bytes(b"nothing")
    with pytest.raises(CorruptDataError, match=r"1 of 13 images: .*broken\.png cannot be read"):
        own_examples(digits, asked_for(own_digits), None, None)
    warnings = []
    asked = asked_for(own_digits, skip_corrupt=True, warn=warnings.append)
    examples = own_examples(digits, asked, None, None)
    assert examples.labels.tolist() == [1] * 4 + [4] * 4 + [7] * 4
    assert warnings[0].startswith("left out 1 of 13 images")
    for path in own_digits.glob("*/*"):
        path.write_bytes(b"nothing")
    with pytest.raises(CorruptDataError, match=r"and 8 more\. Repair them\.$"):
        own_examples(digits, asked, None, None)
    with pytest.raises(CorruptDataError, match=r"them, or leave them out: --skip-corrupt\.$"):
        own_examples(digits, asked_for(own_digits), None, None)


def test_own_classes_that_the_model_lacks_are_named(digits, own_digits):
    (own_digits / "cat").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(own_digits / "cat" / "x.png")
    with pytest.raises(DataError, match=r"expected classes of this model .*, got also cat"):
        own_examples(digits, asked_for(own_digits), None, None)


def test_own_table_is_scored_whole_or_by_its_parts(reviews, reviews_run, tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("review,mood\nso dull,bad\nvery fine,good\nfine fine,bad\n,good\n")
    asked = asked_for(table, text_column="review", label_column="mood")
    examples = own_examples(reviews, asked, "csv", None)
    assert (list(examples.inputs), examples.labels.tolist()) == (
        ["so dull", "very fine", "fine fine"],
        [0, 1, 0],
    )
    assert score(reviews, examples).confusion == [[1, 1], [0, 1]]
    trained_on = Path(RunView(reviews_run).config.data.path)
    assert len(own_examples(reviews, asked_for(trained_on), None, None).labels) == 40
    with pytest.raises(UnknownNameError, match="unknown data set of own texts 'folder'"):
        own_examples(reviews, asked, "folder", None)


def test_scoring_counts_true_rows(reviews):
    from hpo_torch.inference.labelled import Labelled

    texts = Labelled(["dull", "fine", "dull"], torch.tensor([0, 0, 1]), "three")
    assert score(reviews, texts).confusion == [[1, 1], [1, 0]]
