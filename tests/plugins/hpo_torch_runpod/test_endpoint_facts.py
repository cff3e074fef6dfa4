from __future__ import annotations

import pytest

from hpo_torch_runpod.endpoint_facts import EndpointFacts, our_name, read_facts, version_of
from hpo_torch_runpod.prices import table_prices


def facts(**record):
    return read_facts({"id": "ep", **record}, table_prices())


def test_everything_that_a_record_says():
    found = facts(
        name="mine",
        image="me/hpo-torch:0.1.0",
        gpu={"pools": ["ADA_24"], "count": 2},
        workers={"min": 1, "max": 5, "idleTimeout": 60},
    )
    assert found == EndpointFacts(
        endpoint="ep", name="mine", tier="ADA_24", workers_max=5, workers_min=1, idle_timeout=60.0,
        gpus=2, version="0.1.0", image="me/hpo-torch:0.1.0",
    )  # fmt: skip


def test_what_a_record_does_not_say_is_not_known():
    assert facts(gpu=None, env=None) == EndpointFacts(endpoint="ep", idle_timeout=10.0)


def test_no_workers_at_all_is_not_the_same_as_not_known():
    assert facts(workers={"min": 0, "max": 0}).workers_max == 0


def test_of_several_pools_the_dearest_counts():
    assert facts(gpu={"pools": ["AMPERE_24", "ADA_24", "NEW_POOL"]}).tier == "ADA_24"
    assert facts(gpu={"pools": ["NEW_POOL"]}).tier == ""


def test_the_environment_tells_more_than_the_tag():
    assert facts(image="x:9.9", env={"HPO_TORCH_VERSION": "0.1.0"}).version == "0.1.0"


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("me/hpo-torch:0.1.0", "0.1.0"),
        ("ghcr.io/me/hpo-torch:v1.2", "1.2"),
        ("host:5000/hpo-torch:1.2.3rc1-cu128", "1.2.3rc1"),
        ("me/hpo-torch:0.1.0@sha256:0123", "0.1.0"),
        ("me/hpo-torch:latest", ""),
        ("me/hpo-torch:a1b2c3", ""),
        ("host:5000/hpo-torch", ""),
        ("", ""),
    ],
)
def test_version_of(image, version):
    assert version_of(image) == version


def test_our_name():
    assert our_name("hpo-torch-0.1.0-ADA_48_PRO") == ("0.1.0", "ADA_48_PRO")
    assert our_name("hpo-torch-0.1.0-ADA_24 -fb") == ("0.1.0", "ADA_24")
    assert our_name("hpo-torch-experiments") is None
    assert our_name("my-hpo-torch-0.1.0-ADA_24") is None
