from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from hpo_torch.data.load import load_prepared
from hpo_torch.errors import CorruptDataError, DataNotFoundError, InvalidValueError
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.inference.trained_model import Prediction
from hpo_torch.results.summary import RunView
from hpo_torch.training.lightning_module import Classifier


def test_image_logits_are_those_of_training_batches(digits_run, digits, digit_data):
    data = RunView(digits_run).config.data
    model = Classifier.load_from_checkpoint(digits_run.best_checkpoint).eval()
    loader = installed_registry().datasets.load("digits")
    prepared = load_prepared(loader, data, 42, torch.device("cpu"))
    images, _ = prepared.test.batch(torch.arange(100))
    with torch.inference_mode():
        expected = model(images)
    torch.testing.assert_close(
        digits.logits(digit_data.test_images[:100]), expected, rtol=0.0, atol=1e-5
    )


def test_predict_takes_files_pillow_images_and_arrays_alike(digits, digit_data, tmp_path):
    pixels = digit_data.test_images[5, 0].numpy()
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    Image.fromarray(pixels).convert("RGBA").save(tmp_path / "rgba.png")
    Image.fromarray(pixels.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(pixels).convert("P").save(tmp_path / "palette.png")
    paths = [tmp_path / f"{name}.png" for name in ("grey", "rgba", "deep", "palette")]
    arrays = [pixels, pixels[None], pixels[:, :, None], torch.from_numpy(pixels)]
    colour = np.stack([pixels] * 3, axis=2)
    said = digits.predict([*paths, str(paths[0]), Image.open(paths[0]), *arrays, colour])
    assert len(said) == 11
    assert {each.label for each in said} == {digits.class_names[digit_data.test_labels[5]]}
    expected = digits.predict(digit_data.test_images[5:6])[0]
    for each in said:
        assert each.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    assert digits.predict(paths[0])[0].label == said[0].label
    assert sum(expected.probabilities) == pytest.approx(1.0)


def test_predict_resizes_as_for_training(digits, tmp_path):
    from hpo_torch.data.image_files import read_pixels

    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "big.png")
    small = read_pixels(tmp_path / "big.png", (1, 8, 8))
    assert digits.predict(tmp_path / "big.png") == digits.predict([small]) == digits.predict(noise)


def test_predict_names_what_is_no_image(digits, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(CorruptDataError, match=r"broken\.png cannot be read as an image"):
        digits.predict(tmp_path / "broken.png")
    with pytest.raises(DataNotFoundError, match=r"gone\.png: expected an image file"):
        digits.predict([tmp_path / "gone.png"])
    with pytest.raises(InvalidValueError, match=r"uint8 pixels .*, got 'float64 \[8, 8\]'"):
        digits.predict([np.zeros((8, 8))])
    assert digits.predict([]) == []


def test_predict_names_what_is_wrong_with_a_pillow_image(digits, tmp_path):
    floats = Image.fromarray(np.ones((8, 8), np.float32))
    with pytest.raises(InvalidValueError, match=r"mode F .*floating-point pixels have no known"):
        digits.predict(floats)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(content[: len(content) // 2])
    with (
        Image.open(tmp_path / "half.png") as half,
        pytest.raises(CorruptDataError, match=r"half\.png cannot be decoded: .*truncated"),
    ):
        digits.predict([half])
    with pytest.raises(InvalidValueError, match="image: expected a path, a Pillow image, or uint8"):
        digits.predict([np.zeros((0, 5), np.uint8)])


def test_text_logits_are_the_same_alone_and_in_batches(reviews):
    texts = ["dull", "so so so so very fine indeed, and no end of it", "", "so fine", "FINE!"] * 60
    together = reviews.logits(texts)
    alone = torch.cat([reviews.logits(text) for text in texts[:5]])
    torch.testing.assert_close(together, alone.repeat(60, 1), rtol=0.0, atol=1e-5)
    assert together.std(0).min() > 1e-3  # so that equal logits would be noticed


def test_predict_tells_reviews_apart(reviews):
    assert reviews.class_names == ("bad", "good")
    assert [each.label for each in reviews.predict(["very DULL", "so fine"])] == ["bad", "good"]
    with pytest.raises(InvalidValueError, match="text: expected a str, got 3"):
        reviews.predict(["fine", 3])


def test_prediction_ranks_classes():
    said = Prediction(("a", "b", "c"), (0.2, 0.5, 0.3))
    assert (said.label, said.probability) == ("b", 0.5)
    assert said.top(2) == [("b", 0.5), ("c", 0.3)]
    assert len(said.top(9)) == 3
