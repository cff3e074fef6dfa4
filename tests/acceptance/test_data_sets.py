"""Searches of the other kinds of data: texts, signs, and the user's own files."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from PIL import Image

SMALL_CNN = (
    "--fix", "conv_layers=1", "--fix", "filters=16", "--fix", "hidden_units=64",
)  # fmt: skip
SMALL_LSTM = (
    "--fix", "embedding_dim=64", "--fix", "lstm_units=32", "--fix", "lstm_layers=1",
    "--fix", "vocab_size=5000",
)  # fmt: skip
ONE = ("--mode", "simple", "--trials", "1")


def report_of(run):
    return json.loads((run / "best_model/test_report.json").read_text())


def test_own_images_are_searched_with_their_class_names(search, tmp_path):
    draw = np.random.default_rng(0)
    for number in range(60):
        for name, level in (("dark", 60), ("light", 190)):
            folder = tmp_path / "mine" / name
            folder.mkdir(parents=True, exist_ok=True)
            pixels = draw.integers(level - 50, level + 50, (20, 24), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    (tmp_path / "mine/dark/broken.png").write_bytes(b"no picture")
    run = search(
        *ONE, "--dataset", "folder", "--data-path", "mine", "--skip-corrupt", "--epochs", "4",
        *SMALL_CNN,
    )  # fmt: skip
    report = report_of(run)
    assert report["class_names"] == ["dark", "light"]
    assert report["accuracy"] == 1.0


def test_own_images_with_a_broken_file_stop_before_anything_is_written(hpo_torch, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (8, 8), number).save(tmp_path / "mine" / name / f"{number}.png")
    (tmp_path / "mine/a/broken.png").write_bytes(b"no picture")
    result = hpo_torch("optimize", "--dataset", "folder", "--data-path", "mine")
    assert result.code == 4
    assert "broken.png" in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "runs").exists()


def test_own_table_of_texts_is_searched_with_an_lstm(search, tmp_path):
    draw = random.Random(0)
    neutral = ["the", "a", "film", "plot", "scene", "it", "was", "and", "then", "of"]
    rows = []
    for number in range(300):
        label = "good" if number % 2 else "bad"
        words = [draw.choice(neutral) for _ in range(8)] + [
            draw.choice({"good": ["lovely", "great"], "bad": ["awful", "dull"]}[label])
        ]
        draw.shuffle(words)
        rows.append(json.dumps({"review": " ".join(words), "verdict": label}))
    (tmp_path / "reviews.jsonl").write_text("\n".join(rows))
    run = search(
        *ONE, "--dataset", "csv", "--data-path", "reviews.jsonl", "--text-column", "review",
        "--label-column", "verdict", "--epochs", "8", *SMALL_LSTM,
    )  # fmt: skip
    report = report_of(run)
    assert report["class_names"] == ["bad", "good"]
    assert report["accuracy"] > 0.95


@pytest.mark.slow
def test_gtsrb_is_searched_whole(search, test_data_dir):
    run = search(
        *ONE, "--dataset", "gtsrb", "--data-dir", test_data_dir, "--epochs", "2",
        "--fix", "batch_size=256", *SMALL_CNN,
    )  # fmt: skip
    report = report_of(run)
    assert report["examples"] == 12_630
    assert len(report["class_names"]) == 43
    assert "Stop" in report["class_names"]
    assert report["accuracy"] > 0.5


@pytest.mark.slow
def test_reuters52_is_searched_whole(search, test_data_dir):
    run = search(
        *ONE, "--dataset", "reuters52", "--data-dir", test_data_dir, "--epochs", "3",
        "--fix", "sequence_length=100", *SMALL_LSTM,
    )  # fmt: skip
    report = report_of(run)
    assert report["examples"] == 2_568
    assert report["accuracy"] > 0.6  # the commonest topic alone gives 0.42
