from __future__ import annotations

import pytest
import yaml

from hpo_torch.config.database_url import (
    check_database_url,
    hide_password,
    without_password,
)
from hpo_torch.config.load import Layer, dump_config, resolve_config
from hpo_torch.errors import InvalidValueError

GOOD = {
    "postgresql://ann:sesame@db:5432/studies": "postgresql://ann@db:5432/studies",
    "postgresql://ann:s:e%40s@db/studies?sslmode=require": (
        "postgresql://ann@db/studies?sslmode=require"
    ),
    "postgresql://ann@db/studies": "postgresql://ann@db/studies",
    "postgresql://[::1]:5432/studies?options=a%40b": "postgresql://[::1]:5432/studies?options=a%40b",
    "postgresql://": "postgresql://",
    "postgresql:///studies?host=/run/pg&password=sesame": "postgresql:///studies?host=/run/pg",
    "postgresql://ann@db/studies?sslpassword=sesame": "postgresql://ann@db/studies",
}
BAD = [
    "mysql://ann:sesame@db/studies",
    "sqlite:///sesame.db",
    "postgresql://ann:ses@ame@db/studies",
    "postgresql://ann:ses/ame@db/studies",
    "postgresql://ann:ses?ame@db/studies",
    "postgresql://ann:ses#ame@db/studies",
    "ann:sesame@db",
]


@pytest.mark.parametrize("url", GOOD)
def test_check_database_url_accepts_postgresql(url):
    check_database_url(url)


@pytest.mark.parametrize("url", BAD)
def test_check_database_url_refuses_the_rest_and_shows_no_password(url):
    with pytest.raises(InvalidValueError, match="expected a PostgreSQL database") as info:
        check_database_url(url)
    assert "ame" not in str(info.value)


@pytest.mark.parametrize(("url", "shown"), GOOD.items())
def test_without_password_keeps_everything_else(url, shown):
    assert without_password(url) == shown


@pytest.mark.parametrize("url", BAD)
def test_without_password_keeps_the_scheme_only_of_what_it_cannot_read(url):
    assert "ame" not in without_password(url)


def test_config_is_written_without_password_and_used_with_it():
    url = "postgresql://ann:sesame@db/studies"
    config = resolve_config([Layer("test", {"execution.storage": url})]).config
    assert config.execution.storage == url
    for text in (dump_config(config), config.model_dump_json(), str(config.model_dump())):
        assert "sesame" not in text
    again = yaml.safe_load(dump_config(config))["execution"]["storage"]
    assert again == "postgresql://ann@db/studies"


def test_hide_password_leaves_other_arguments_alone():
    url = "postgresql://ann:sesame@db/studies"
    assert hide_password(url) == "postgresql://ann@db/studies"
    assert hide_password(f"execution.storage={url}") == (
        "execution.storage=postgresql://ann@db/studies"
    )
    assert hide_password("--trials=4") == "--trials=4"
    assert "ame" not in hide_password("--storage=postgresql://ann:ses@ame@db/studies")
