"""Bad input: one message, the right exit code, no traceback, nothing left half-written."""

from __future__ import annotations

import shutil

import pytest

USAGE, DATA, OUTPUT = 2, 4, 5

BAD = [
    (("--dataset", "mnits"), USAGE, "unknown dataset 'mnits'. Did you mean 'mnist'?"),
    (("--mode", "helth"), USAGE, "'constrained' or 'pareto', got 'helth'"),
    (("--optimize-for", "val_acuracy"), USAGE, "Did you mean 'val_accuracy'?"),
    (("--mode", "simple", "--optimize-for", "overall_health"), USAGE, "Use mode 'health'"),
    (("--fix", "filter=32"), USAGE, "unknown hyperparameter 'filter'. Did you mean 'filters'?"),
    (("--fix", "kernel_size=4"), USAGE, "kernel_size: expected one of"),
    (("--fix", "optimizer=adam", "--fix", "momentum=0.9"), USAGE, "momentum"),
    (("--fix", "filters"), USAGE, "NAME=VALUE"),
    (("--activation", "swich"), USAGE, "'swich'"),
    (("--health-weight", "1.5"), USAGE, "search.health_weight: expected less than or equal to 1"),
    (("--health-weight", "-0.1"), USAGE, "expected greater than or equal to 0"),
    (("--min-epochs", "9", "--max-epochs", "3"), USAGE, "min_epochs (9) is above max_epochs (3)"),
    (("--trials", "0"), USAGE, "search.trials: expected greater than or equal to 1"),
    (("--set", "search.trails=3"), USAGE, "Did you mean 'search.trials'?"),
    (("--set", "health.weights.neuron_utilisation=1"), USAGE, "'neuron_utilization'?"),
    (("--config", "absent.yaml"), USAGE, "absent.yaml"),
    (("--preset", "mnits"), USAGE, "Did you mean 'mnist'?"),
    (("--backend", "locl"), USAGE, "Did you mean 'local'?"),
    (("--device", "gpu"), USAGE, "'gpu'"),
    (("--name", "a/b"), USAGE, "run name"),
    (("--output-dir", "/dev/null/runs"), OUTPUT, "/dev/null"),
    (("--dataset", "mnist", "--data-dir", "empty", "--set", "data.download=false"), DATA, "mnist"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "message"), BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input_is_one_message_and_leaves_nothing(hpo_torch, tmp_path, arguments, code, message):
    result = hpo_torch("optimize", *arguments)
    assert result.code == code, result.err
    assert message in result.err
    assert result.err.count("error:") == 1
    assert "Traceback" not in result.err
    assert list(tmp_path.iterdir()) == []


def test_cuda_asked_for_but_absent(hpo_torch, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    result = hpo_torch("optimize", "--device", "cuda")
    assert result.code == USAGE
    assert "--device cpu" in result.err
    assert list(tmp_path.iterdir()) == []


def test_existing_run_is_never_overwritten(hpo_torch, tmp_path):
    taken = tmp_path / "runs/taken"
    taken.mkdir(parents=True)
    (taken / "mine.txt").write_text("")
    result = hpo_torch("optimize", "--name", "taken")
    assert result.code == OUTPUT
    assert "exists already" in result.err
    assert list(taken.iterdir()) == [taken / "mine.txt"]


def test_corrupt_data_file_is_named(hpo_torch, test_data_dir, tmp_path):
    shutil.copytree(test_data_dir / "mnist", tmp_path / "data/mnist")
    damaged = tmp_path / "data/mnist/MNIST/raw/train-labels-idx1-ubyte"
    content = bytearray(damaged.read_bytes())
    content[100] ^= 1
    damaged.write_bytes(content)
    result = hpo_torch("optimize", "--dataset", "mnist", "--data-dir", "data")
    assert result.code == DATA
    assert "train-labels-idx1-ubyte" in result.err
    assert "Traceback" not in result.err
    assert not (tmp_path / "runs").exists()


def test_show_of_an_unknown_run_lists_the_known_ones(hpo_torch, tmp_path):
    (tmp_path / "runs/first").mkdir(parents=True)
    (tmp_path / "runs/first/config.yaml").write_text("{}\n")
    result = hpo_torch("show", "frist")
    assert result.code == USAGE
    assert "Did you mean 'first'?" in result.err
