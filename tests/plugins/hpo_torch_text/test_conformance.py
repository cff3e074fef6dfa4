"""The text sets pass the suite that every data set must pass."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hpo_torch.plugin_api import DataRequest
from hpo_torch.testing.dataset_suite import DatasetSuite
from hpo_torch_text.plugin import register_datasets

SPECS = {spec.name: spec for spec in register_datasets()}
TEST_DATA = "HPO_TORCH_TEST_DATA"


class TestImdb(DatasetSuite):
    spec = SPECS["imdb"]
    whole = False

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return cls.write(folder, "review")

    @classmethod
    def make_changed_request(cls, folder: Path) -> DataRequest:
        return cls.write(folder, "another review")

    @staticmethod
    def write(folder: Path, text: str) -> DataRequest:
        for part in ("train", "test"):
            for name in ("neg", "pos"):
                inside = folder / "imdb/aclImdb" / part / name
                inside.mkdir(parents=True)
                for number in range(10):
                    (inside / f"{number}_1.txt").write_text(f"{text} {name} {number}", "utf-8")
        return DataRequest(data_dir=folder, download=False)


class TestReuters52(DatasetSuite):
    spec = SPECS["reuters52"]
    whole = False

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return cls.write(folder, "story")

    @classmethod
    def make_changed_request(cls, folder: Path) -> DataRequest:
        return cls.write(folder, "another story")

    @staticmethod
    def write(folder: Path, text: str) -> DataRequest:
        (folder / "reuters").mkdir()
        for part, count in (("train", 5), ("test", 1)):
            stories = [
                json.dumps({"text": f"{text} {number} of {topic}", "topic": f"topic{topic:02}"})
                for topic in range(52)
                for number in range(count)
            ]
            path = folder / f"reuters/r52-{part}.jsonl"
            path.write_text("\n".join(stories), encoding="utf-8")
        return DataRequest(data_dir=folder, download=False)


class TestReuters(DatasetSuite):
    spec = SPECS["reuters"]

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        data = os.environ.get(TEST_DATA)
        if not data or not Path(data, "reuters/reuters.npz").is_file():
            pytest.skip(f"needs Keras' reuters.npz in {TEST_DATA}/reuters")
        return DataRequest(data_dir=Path(data), download=False)


class TestCsv(DatasetSuite):
    spec = SPECS["csv"]

    @classmethod
    def make_request(cls, folder: Path) -> DataRequest:
        return cls.write(folder, "text")

    @classmethod
    def make_changed_request(cls, folder: Path) -> DataRequest:
        return cls.write(folder, "another text")

    @staticmethod
    def write(folder: Path, text: str) -> DataRequest:
        rows = [f"{text} {number},{name}" for number in range(20) for name in ("a", "b", "c")]
        (folder / "t.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
        return DataRequest(data_dir=folder, path=folder / "t.csv", download=False)
