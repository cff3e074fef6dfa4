from __future__ import annotations

from pathlib import Path

from hpo_torch.config.schema import DataSettings
from hpo_torch.data.requests import data_request


def test_request_holds_every_setting_that_loaders_read():
    settings = DataSettings(
        dataset="csv",
        dir="~/data",
        download=False,
        path="~/reviews.csv",
        text_column="review",
        label_column="stars",
        skip_corrupt=True,
        image_size=48,
    )
    request = data_request(settings, warn=print)
    assert request.data_dir == Path.home() / "data"
    assert request.path == Path.home() / "reviews.csv"
    assert (request.text_column, request.label_column) == ("review", "stars")
    assert (request.download, request.skip_corrupt, request.image_size) == (False, True, 48)
    assert (request.warn, request.progress) == (print, None)


def test_request_without_own_data_has_no_path():
    assert data_request(DataSettings()).path is None
