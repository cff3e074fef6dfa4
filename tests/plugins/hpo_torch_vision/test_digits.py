from __future__ import annotations

from pathlib import Path

import torch
from sklearn.datasets import load_digits

from hpo_torch.data.checks import check_image_data
from hpo_torch.plugin_api import DataRequest
from hpo_torch_vision.digits import DIGITS
from hpo_torch_vision.plugin import register_datasets

REQUEST = DataRequest(data_dir=Path("/nowhere"), download=False)
DATA = DIGITS.load(REQUEST)


def test_digits_keep_the_contract_and_match_their_record():
    check_image_data("digits", DATA)
    spec = next(spec for spec in register_datasets() if spec.name == "digits")
    assert (len(DATA.train_labels), len(DATA.test_labels)) == spec.sizes == (1437, 360)
    assert DATA.train_images.shape[1:] == spec.input_shape
    assert len(DATA.class_names) == spec.num_classes


def test_digits_pixels_are_the_counts_times_255_over_16_rounded_half_up():
    pixels = torch.cat((DATA.train_images, DATA.test_images)).unique().tolist()
    # 17 counts: 255 / 16 = 15.94 apart; 8 is 127.5 and becomes 128
    assert pixels == [0, 16, 32, 48, 64, 80, 96, 112, 128, 143, 159, 175, 191, 207, 223, 239, 255]


def test_digits_are_scikit_learns_images_each_once():
    counts, labels = load_digits(return_X_y=True)
    expected = sorted((*row, label) for row, label in zip(counts.tolist(), labels, strict=True))
    images = torch.cat((DATA.train_images, DATA.test_images)).flatten(1)
    ours = torch.round(images.double() * 16 / 255).tolist()
    our_labels = torch.cat((DATA.train_labels, DATA.test_labels)).tolist()
    assert sorted((*row, label) for row, label in zip(ours, our_labels, strict=True)) == expected


def test_digits_test_set_has_a_fifth_of_every_class():
    test, all_ = (
        torch.bincount(labels)
        for labels in (DATA.test_labels, torch.cat((DATA.train_labels, DATA.test_labels)))
    )
    assert (test - 360 / 1797 * all_).abs().max() < 1


def test_digits_test_set_is_fixed():
    torch.manual_seed(1)
    assert DIGITS.load(REQUEST).fingerprint == DATA.fingerprint
    # Another value here means another test set: results before and after cannot be compared.
    assert DATA.fingerprint == "6d623ebf3753609d99689889907b373bd820b2dbbd834512cab10013777c5c0e"
