"""The data of one_trial.py, split and encoded by hpo-torch, for all contenders: part of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from one_trial_task import Arrays

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.datamodule import PreparedImages
from hpo_torch.data.load import load_prepared
from hpo_torch.data.named_loader import named_loader
from hpo_torch.data.prepared_texts import PreparedTexts
from hpo_torch.data.spec import TextData
from hpo_torch.data.splits import stratified_sample

if TYPE_CHECKING:
    from one_trial_task import Task

    from hpo_torch.data.spec import DataRequest, DatasetLoader, ImageData

SPLIT_SEED = 0


class Part:
    """Loads a stratified part of a data set.

    Args:
        whole: Loads all of it.
        examples: Of the training set; as many of the test set, if there are.
    """

    def __init__(self, whole: DatasetLoader, examples: int) -> None:
        self._whole, self._examples = whole, examples

    def prepare(self, request: DataRequest) -> None:
        """Make the files present."""
        self._whole.prepare(request)

    def load(self, request: DataRequest) -> ImageData | TextData:
        """Read the set, and leave out the rest."""
        whole = self._whole.load(request)
        train, test = (
            stratified_sample(labels, self._examples, SPLIT_SEED)
            for labels in (whole.train_labels, whole.test_labels)
        )
        labels: dict[str, Any] = {
            "train_labels": whole.train_labels[train],
            "test_labels": whole.test_labels[test],
            "groups": None if whole.groups is None else whole.groups[train],
            "fingerprint": "",  # encodings of texts are not kept then: the data folder stays as is
        }
        if isinstance(whole, TextData):
            return replace(
                whole,
                train_texts=[whole.train_texts[position] for position in train.tolist()],
                test_texts=[whole.test_texts[position] for position in test.tolist()],
                **labels,
            )
        return replace(
            whole,
            train_images=whole.train_images[train],
            test_images=whole.test_images[test],
            **labels,
        )


def loader_of(task: Task) -> DatasetLoader:
    """Return what loads the task's data."""
    whole = named_loader(task.dataset)
    return whole if task.examples is None else Part(whole, task.examples)


def settings_of(task: Task) -> DataSettings:
    """Return the product's data settings."""
    return DataSettings(
        dataset=task.dataset,
        dir=task.data_dir,
        download=False,
        validation_split=task.validation_split,
    )


def prepare(task: Task) -> dict[str, Any]:
    """Write the arrays that the other contenders train on; returns how many examples they have."""
    source = load_prepared(loader_of(task), settings_of(task), SPLIT_SEED, torch.device("cpu"))
    prepared = source.for_trial(task.hyperparameters)
    if isinstance(prepared, PreparedImages):
        parts = _image_parts(prepared)
    elif isinstance(prepared, PreparedTexts):
        parts = _text_parts(prepared)
    else:
        raise TypeError(f"neither images nor texts: {type(prepared).__name__}")
    validation = prepared.data_module(task.hyperparameters, seed=0).val_dataloader()
    arrays = Arrays(
        input_shape=np.array(prepared.input_shape),
        classes=np.array(prepared.num_classes),
        validation_batch=np.array(validation.batch_size),
        **parts,
    )
    arrays.write(task.arrays_path)
    return {
        "train_examples": len(arrays.train_labels),
        "validation_examples": len(arrays.validation_labels),
        "input_shape": arrays.input_shape.tolist(),
        "classes": int(arrays.classes),
    }


def _image_parts(prepared: PreparedImages) -> dict[str, Any]:
    images, split = prepared.images, prepared.split
    parts: dict[str, Any] = {
        "mean": np.array(prepared.mean),
        "std": np.array([deviation or 1.0 for deviation in prepared.std]),
    }
    for name, positions in (("train", split.train), ("validation", split.validation)):
        parts[f"{name}_inputs"] = np.ascontiguousarray(images.originals(positions).numpy())
        parts[f"{name}_labels"] = images.labels[positions].numpy()
    return parts


def _text_parts(prepared: PreparedTexts) -> dict[str, Any]:
    split = prepared.source.split
    parts: dict[str, Any] = {"mean": np.empty(0), "std": np.empty(0)}
    for name, positions in (("train", split.train), ("validation", split.validation)):
        ids, labels = prepared.texts.batch(positions)
        missing = prepared.sequence_length - ids.shape[1]  # the longest text may be shorter
        padded = np.pad(ids.numpy().astype(np.int32), ((0, 0), (0, missing)))
        parts |= {f"{name}_inputs": padded, f"{name}_labels": labels.numpy()}
    return parts
