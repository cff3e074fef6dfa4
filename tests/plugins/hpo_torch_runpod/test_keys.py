from __future__ import annotations

import pytest

from hpo_torch.config.remote_schema import RemoteSettings
from hpo_torch.plugin_api import UsageError
from hpo_torch_runpod.keys import api_key, bucket_keys, endpoint_id, has_api_key

KEY = "rpa_SECRETSECRET"


def test_a_key_is_read_and_never_shown():
    key = api_key({"RUNPOD_API_KEY": f" {KEY}\n"})
    assert key.get_secret_value() == KEY
    assert KEY not in f"{key} {key!r}"
    assert has_api_key({"RUNPOD_API_KEY": KEY})


@pytest.mark.parametrize("environment", [{}, {"RUNPOD_API_KEY": "  "}])
def test_without_a_key_the_message_says_where_to_get_one(environment):
    assert not has_api_key(environment)
    with pytest.raises(UsageError, match=r"RUNPOD_API_KEY, got none.*console\.runpod\.io"):
        api_key(environment)


@pytest.mark.parametrize("key", [f"{KEY} {KEY}", f"{KEY}\n{KEY}", "rpa_…"])
def test_what_cannot_be_a_key_is_refused_without_quoting_it(key):
    with pytest.raises(UsageError, match="spaces or special characters") as told:
        api_key({"RUNPOD_API_KEY": key})
    assert key not in str(told.value)


def test_the_endpoint_of_the_settings_comes_before_the_environments():
    environment = {"RUNPOD_ENDPOINT_ID": "other"}
    assert endpoint_id(RemoteSettings(endpoint="mine"), environment) == "mine"
    assert endpoint_id(RemoteSettings(), environment) == "other"
    assert endpoint_id(RemoteSettings(endpoints={"ADA_24": "listed"}), environment) is None
    assert endpoint_id(RemoteSettings(), {}) is None


def test_a_buckets_keys_are_complete_or_absent():
    both = {"BUCKET_ACCESS_KEY_ID": "id", "BUCKET_SECRET_ACCESS_KEY": KEY}
    assert bucket_keys({"BUCKET_ACCESS_KEY_ID": "id"}) is None
    keys = bucket_keys(both)
    assert (keys.url, keys.access_key_id) == (None, "id")
    assert KEY not in repr(keys)
    assert bucket_keys({**both, "BUCKET_ENDPOINT_URL": "https://s3"}).url == "https://s3"
