from __future__ import annotations

import inspect

import pytest
import torch

from hpo_torch_runpod.worker import main


@pytest.fixture
def started(monkeypatch):
    """What the SDK is given: configurations of workers, and fitness checks."""
    given = {"start": [], "register_fitness_check": []}
    for name, calls in given.items():
        monkeypatch.setattr(main.runpod.serverless, name, calls.append)
    return given


def test_worker_streams_and_sends_all_chunks_again_at_the_end(started, monkeypatch, tmp_path):
    monkeypatch.setenv("HPO_TORCH_VOLUME", str(tmp_path))
    main.main()
    (config,) = started["start"]
    assert inspect.isasyncgenfunction(config["handler"])
    assert config["return_aggregate_stream"] is True
    assert started["register_fitness_check"] == []


def test_worker_with_a_rented_card_checks_it_first(started, monkeypatch):
    monkeypatch.setenv("RUNPOD_GPU_COUNT", "1")
    main.main()
    assert started["register_fitness_check"] == [main.check_cuda]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_card_that_torch_cannot_use_is_unfit():
    with pytest.raises(RuntimeError, match="torch finds no CUDA device"):
        main.check_cuda()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_card_that_computes_is_fit():
    main.check_cuda()
