"""Texts, the user's own data, a killed search, and what is done with a run afterwards."""

from __future__ import annotations

import filecmp
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from found_run import BEST_PICTURES, Found
from PIL import Image

SMALL_LSTM = (
    "--fix", "embedding_dim=64", "--fix", "lstm_units=32", "--fix", "lstm_layers=1",
)  # fmt: skip
WORDS = {"weather": "rain sun wind cloud storm snow", "sports": "goal match team ball coach win"}


@pytest.fixture
def texts(tmp_path):
    """A table of 240 short texts of two classes that share no word."""
    draw = np.random.default_rng(0)
    lines = ["text,label"]
    for number in range(240):
        name, words = list(WORDS.items())[number % 2]
        lines.append(f"{' '.join(draw.choice(words.split(), 8))},{name}")
    path = tmp_path / "texts.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def images(tmp_path):
    """A folder of 160 pictures of two classes: dark and light."""
    draw = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        folder = tmp_path / "mine" / name
        folder.mkdir(parents=True)
        for number in range(80):
            pixels = draw.integers(level - 40, level + 40, (20, 20), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "mine"


@pytest.mark.product("T004", "medium")
def test_t004_texts_with_health(search, texts):
    run = Found(
        search(
            "--dataset", "csv", "--data-path", texts, "--text-column", "text",
            "--label-column", "label", "--mode", "health", "--trials", "2", "--epochs", "3",
            "--plots", "best", *SMALL_LSTM,
        )
    )  # fmt: skip
    run.check_complete(2)
    run.check_score_has_health(0.3)
    run.check_pictures("plots", BEST_PICTURES)
    assert run.json("best_model/labels.json") == sorted(WORDS)
    assert run.summary["test_accuracy"] > 0.9


@pytest.mark.product("T008", "medium")
def test_t008_own_images_with_health(search, images):
    run = Found(
        search(
            "--dataset", "folder", "--data-path", images, "--mode", "health", "--trials", "2",
            "--epochs", "3", "--fix", "conv_layers=1", "--fix", "filters=16", "--pruner", "none",
            "--plots", "best",
        )
    )  # fmt: skip
    run.check_complete(2)
    run.check_score_has_health(0.3)
    run.check_pictures("plots", BEST_PICTURES)
    assert run.json("best_model/labels.json") == ["dark", "light"]
    assert run.summary["test_accuracy"] > 0.9


@pytest.mark.product("T024", "low")
def test_t024_killed_and_resumed(hpo_torch, tmp_path):
    arguments = (
        "optimize", "--mode", "simple", "--trials", "3", "--epochs", "3", "--name", "x",
        "--fix", "filters=16", "--pruner", "none", "--json",
    )  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "hpo_torch.cli.app", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            event = json.loads(line)
            if event["kind"] == "epoch_finished" and event["trial"] == 1:
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    resumed = hpo_torch("resume", "runs/x", "--quiet")
    assert resumed.code == 0, resumed.err
    run = Found(tmp_path / "runs/x")
    run.check_complete(3)
    run.check_pictures("plots", BEST_PICTURES)


@pytest.mark.product("T027", "low")
def test_t027_run_is_used_and_kept(find, hpo_torch, tmp_path):
    run = find("--mode", "simple", "--trials", "1")
    evaluated = hpo_torch("evaluate", run.path, "--json")
    assert evaluated.code == 0, evaluated.err
    assert json.loads(evaluated.out)["accuracy"] == pytest.approx(run.summary["test_accuracy"])
    exported = hpo_torch("export", run.path, "-o", "kept.zip")
    assert exported.code == 0, exported.err
    imported = hpo_torch("import", "kept.zip", "--output-dir", "elsewhere")
    assert imported.code == 0, imported.err
    copy = tmp_path / "elsewhere" / run.path.name
    names = [p.relative_to(copy) for p in copy.rglob("*") if p.is_file()]
    same, different, unreadable = filecmp.cmpfiles(copy, run.path, map(str, names), shallow=False)
    assert (different, unreadable) == ([], [])
    assert {"events.jsonl", "summary.json", "best_model/model.ckpt"} <= set(same)
    assert hpo_torch("show", copy).code == 0
    assert hpo_torch("plot", copy, "--what", "learning_curves", "--format", "svg").code == 0
    assert (copy / "plots/learning_curves.svg").read_text().lstrip().startswith("<?xml")
