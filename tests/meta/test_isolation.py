"""What tests/conftest.py promises to every test."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

import pytest


def test_home_is_empty_and_below_pytests_folder(tmp_path: Path):
    assert list(Path.home().iterdir()) == []
    assert tmp_path.parent in Path.home().parents


def test_settings_from_outside_are_gone():
    ours = {name for name in os.environ if name.startswith("HPO_TORCH_")}
    assert ours <= {"HPO_TORCH_TEST_DATA"}


def test_random_numbers_repeat():
    assert random.random() == random.Random(0).random()


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80), ("example.org", 80)])
def test_network_is_out_of_reach_even_for_code_that_catches_errors(address: tuple[str, int]):
    def reach() -> None:
        try:
            socket.create_connection(address, timeout=1)
        except Exception:
            return

    with pytest.raises(pytest.fail.Exception, match="reached for the network"):
        reach()


def test_loopback_is_within_reach():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname(), timeout=5)
        assert client.getpeername() == server.getsockname()
        client.close()
