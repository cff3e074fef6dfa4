"""Real models, trained once: digits, and made-up reviews in the user's own table."""

from __future__ import annotations

import pytest
import small_models


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """A run on scikit-learn's digits; read only."""
    return small_models.digits_run(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="session")
def reviews_run(tmp_path_factory):
    """A run on 200 reviews, one of whose words tells the class; read only."""
    return small_models.reviews_run(tmp_path_factory.mktemp("reviews"))


@pytest.fixture(scope="session")
def digits(digits_run):
    from hpo_torch import load_model

    return load_model(digits_run.path)


@pytest.fixture(scope="session")
def reviews(reviews_run):
    from hpo_torch import load_model

    return load_model(reviews_run.path)


@pytest.fixture(scope="session")
def digit_data(tmp_path_factory):
    """The data set itself."""
    from hpo_torch.hooks.registry import installed_registry
    from hpo_torch.plugin_api import DataRequest

    request = DataRequest(data_dir=tmp_path_factory.mktemp("unused"))
    return installed_registry().datasets.load("digits").load(request)
