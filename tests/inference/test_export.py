from __future__ import annotations

import json
import shutil

import onnx
import pytest
import tokenizers
import torch

from hpo_torch import load_model
from hpo_torch.errors import HpoTorchError, MissingDependencyError, RunInUseError
from hpo_torch.inference import export
from hpo_torch.inference.export_beside import export_beside
from hpo_torch.inference.real_examples import CheckExamples, check_examples
from hpo_torch.results.run_lock import run_lock
from hpo_torch.results.summary import RunView


@pytest.fixture
def copied(tmp_path):
    def copy(run):
        shutil.copytree(run.path, tmp_path / "run")
        return tmp_path / "run"

    return copy


def test_digits_are_exported_and_answer_like_the_checkpoint(copied, digits_run, digits, digit_data):
    folder = copied(digits_run)
    exported = export_beside(folder, ["pt2", "onnx"])
    best = folder / "best_model"
    assert [each.path for each in exported] == [best / "model.pt2", best / "model.onnx"]
    assert all(each.difference <= 1e-4 for each in exported)
    assert {each.checked_on for each in exported} == {"256 test examples"}
    images = digit_data.test_images[:256]
    labels = {"labels.json": ""}
    program = torch.export.load(best / "model.pt2", extra_files=labels).module()
    assert json.loads(labels["labels.json"]) == list(digits.class_names)
    torch.testing.assert_close(program(images), digits.logits(images), rtol=0.0, atol=1e-4)
    content = (best / "model.onnx").read_bytes()
    run = export._onnx_program(content)
    for size in (1, 2, 100, 256):
        torch.testing.assert_close(
            run(images[:size]), digits.logits(images[:size]), rtol=0.0, atol=1e-4
        )
    (metadata,) = onnx.load_from_string(content).metadata_props
    assert metadata.key == "labels"
    assert not (best / "tokenizer.json").exists()


@pytest.mark.slow
def test_texts_are_exported_with_their_tokenizer(copied, reviews_run, reviews):
    folder = copied(reviews_run)
    exported = export_beside(folder, ["pt2", "onnx"])
    assert {each.checked_on for each in exported} == {"40 test examples"}
    best = folder / "best_model"
    texts = ["so very fine", "dull", "so so so so so so"]
    tokenizer = tokenizers.Tokenizer.from_file(str(best / "tokenizer.json"))
    encoded = [tokenizer.encode(text).ids for text in texts]
    lengths = torch.tensor([len(ids) for ids in encoded])
    ids = torch.full((3, 9), 7)  # more padding than any text needs, and not 0
    for row, numbers in enumerate(encoded):
        ids[row, : len(numbers)] = torch.tensor(numbers)
    ids = ids.clamp(max=len(reviews.input_spec["tokens"]) - 1)
    program = torch.export.load(best / "model.pt2").module()
    run = export._onnx_program((best / "model.onnx").read_bytes())
    for each in (program, run):
        together = each(ids, lengths)
        torch.testing.assert_close(together, reviews.logits(texts), rtol=0.0, atol=1e-4)
        alone = each(ids[1:2, :1], lengths[1:2])
        torch.testing.assert_close(alone, together[1:2], rtol=0.0, atol=1e-4)


def test_program_that_answers_otherwise_is_not_written(digits, digits_run, tmp_path, monkeypatch):
    (tmp_path / "model.pt2").write_text("of before")
    examples = check_examples(digits, RunView(digits_run).config.data, 8)
    wrong = CheckExamples(examples.inputs, examples.logits + 1e-3, "8 test examples")
    with pytest.raises(HpoTorchError, match=r"on 8 test examples, got a difference of 0\.001"):
        export.export_model(digits, tmp_path, ["pt2"], wrong)
    assert (tmp_path / "model.pt2").read_text() == "of before"
    nan = CheckExamples(examples.inputs, examples.logits * torch.nan, "8 test examples")
    with pytest.raises(HpoTorchError, match="a difference of nan"):
        export.export_model(digits, tmp_path, ["pt2"], nan)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt2"]


@pytest.mark.parametrize("name", export.FORMATS)
def test_program_that_does_not_run_is_not_written(digits, tmp_path, name):
    large = CheckExamples((torch.zeros(2, 1, 9, 9, dtype=torch.uint8),), torch.zeros(2, 10), "two")
    expected = rf"^the program for model\.{name} does not run: [^\n]+[^.]\. Nothing was written\.$"
    with pytest.raises(HpoTorchError, match=expected):
        export.export_model(digits, tmp_path, [name], large)
    assert list(tmp_path.iterdir()) == []


def test_program_that_cannot_be_loaded_is_not_written(digits, digits_run, tmp_path, monkeypatch):
    def load(content):
        raise RuntimeError("no such operator.\nwhile loading")

    monkeypatch.setattr(torch.export, "load", load)
    examples = check_examples(digits, RunView(digits_run).config.data, 8)
    with pytest.raises(HpoTorchError, match=r"model\.pt2 does not run: no such operator\. Nothing"):
        export.export_model(digits, tmp_path, ["pt2"], examples)
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setattr(export.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'hpo-torch\[onnx\]'"):
        export.check_packages(["pt2", "onnx"])
    export.check_packages(["pt2"])


def test_run_that_goes_on_is_not_exported(digits_run):
    with run_lock(digits_run.path), pytest.raises(RunInUseError):
        export_beside(digits_run.path, ["pt2"])


def test_examples_are_made_up_where_there_is_no_test_set(digits, reviews, reviews_run):
    gone = RunView(reviews_run).config.data.model_copy(update={"path": "nowhere.csv"})
    found = check_examples(reviews, gone, 20)
    assert found.what == "20 made-up texts (no test set here)"
    assert found.logits.shape == (20, 2)
    ids, lengths = found.batch(0, 5)
    assert ids.shape == (5, int(lengths.max()))
    found = check_examples(digits, None, 20)
    assert found.inputs[0].shape == (20, 1, 8, 8)
    torch.testing.assert_close(digits.logits(found.inputs[0]), found.logits, rtol=0.0, atol=1e-5)


def test_model_beside_no_run_is_exported_where_it_lies(digits_run, tmp_path):
    shutil.copy(digits_run.best_checkpoint, tmp_path / "model.ckpt")
    (exported,) = export_beside(tmp_path, ["pt2"])
    assert exported.path == tmp_path / "model.pt2"
    assert exported.checked_on == "256 made-up images (no test set here)"
    assert load_model(tmp_path).kind == "image"
