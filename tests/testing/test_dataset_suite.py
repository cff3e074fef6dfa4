"""The suite passes a right data set, and fails a wrong one in the test that is about it."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from hpo_torch.errors import HpoTorchError
from hpo_torch.hooks.records import DatasetSpec
from hpo_torch.plugin_api import DataRequest
from hpo_torch.testing.dataset_suite import DatasetSuite

HERE = str(Path(__file__).parent)


def spec_of(loader: str, kind: str = "image") -> DatasetSpec:
    return DatasetSpec(
        name=loader.lower(),
        target=f"toy_sets:{loader.upper()}",
        summary="numbers",
        kind=kind,
        num_classes=3,
        input_shape=(1, 4, 4) if kind == "image" else (),
        sizes=(60, 20),
        source="counted",
    )


@pytest.fixture(autouse=True)
def _toys_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


class ToySuite(DatasetSuite):
    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        import toy_sets

        toy_sets.write_set(folder)
        return DataRequest(data_dir=folder, download=False)

    @classmethod
    def make_changed_request(cls, folder: Path) -> DataRequest:
        import toy_sets

        toy_sets.write_set(folder, brightest=99)
        return DataRequest(data_dir=folder, download=False)


class TestNumbers(ToySuite):
    spec = spec_of("Numbers")


class TestNumbersOfOnesOwn(ToySuite):
    spec = replace(spec_of("Numbers"), num_classes=None, input_shape=None, sizes=None)


class TestTexts(ToySuite):
    spec = spec_of("Texts", "text")


WRONG = {
    "WritesAnew": "test_prepare_can_be_repeated_and_changes_nothing",
    "Heavy": "test_prepare_imports_nothing_heavy",
    "Downloads": "test_prepare_without_files_or_download_finds_nothing",
    "SmallLabels": "test_labels_are_whole_numbers_one_an_example",
    "LabelTooHigh": "test_labels_are_in_range_and_every_class_trains",
    "ClassNobodyHas": "test_labels_are_in_range_and_every_class_trains",
    "NameTwice": "test_class_names_are_unique_words",
    "FloatImages": "test_examples_are_what_the_kind_says",
    "BlankImages": "test_examples_are_what_the_kind_says",
    "EmptyTexts": "test_examples_are_what_the_kind_says",
    "Fewer": "test_facts_are_those_of_the_spec_or_described",
    "OneGroup": "test_split_keeps_groups_together",
    "AtRandom": "test_loading_again_gives_the_same",
    "NoFingerprint": "test_fingerprint_is_that_of_the_content",
    "FingerprintOfNothing": "test_fingerprint_is_that_of_the_content",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_suite_finds_what_is_wrong(wrong: str, tmp_path: Path):
    class Suite(ToySuite):
        spec = spec_of(wrong, "text" if wrong == "EmptyTexts" else "image")

    (tmp_path / "set").mkdir()
    test, loaded = getattr(Suite(), WRONG[wrong]), Suite.load(tmp_path / "set")
    offers = {"loaded": loaded, "data": loaded.data, "tmp_path": tmp_path}
    wanted = inspect.signature(test).parameters
    with pytest.raises((AssertionError, HpoTorchError, pytest.fail.Exception)):
        test(**{name: offers[name] for name in wanted})
