"""The suite passes a right metric, and fails a wrong one in the test that is about it."""

from __future__ import annotations

import inspect
import random
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.testing.health_cases import make_case
from hpo_torch.testing.health_suite import HealthSuite

THIRD_PARTY = Path(__file__).parents[1] / "assets" / "third_party_plugin"


class Right:
    """The share of right answers."""

    def observe(self, probe: Any) -> Any:
        with torch.no_grad():
            return {"right": (probe.network(probe.inputs).argmax(1) == probe.labels).sum().item()}

    def score(self, record: Any) -> Any:
        kept = record.observations[record.kept_epoch]
        if kept is None:
            return HealthReading(reason="not observed")
        return HealthReading(value=kept["right"] / 96)


class TestRight(HealthSuite):
    @classmethod
    def make_metric(cls) -> Any:
        return Right()


class TestThirdParty(HealthSuite):
    """The metric of the plugin in tests/assets, which is not installed here."""

    @pytest.fixture(autouse=True)
    def _can_be_imported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(str(THIRD_PARTY))

    @classmethod
    def make_metric(cls) -> Any:
        return import_module("hpo_torch_example.bias_smallness").BiasSmallness()


class NoReason(Right):
    def score(self, record: Any) -> Any:
        return HealthReading()


class OutOfBounds(Right):
    def score(self, record: Any) -> Any:
        return HealthReading.model_construct(value=2.0, reason=None, details={})


class NoJson(Right):
    def observe(self, probe: Any) -> Any:
        return {"tensor": probe.inputs}


class DetailsNotFinite(Right):
    def score(self, record: Any) -> Any:
        return HealthReading(value=1.0, details={"a": float("nan")})


class AlarmNoSentence(Right):
    def score(self, record: Any) -> Any:
        return HealthReading(value=1.0, details={"alarms": [1]})


class ByChance(Right):
    def observe(self, probe: Any) -> Any:
        return {"right": random.SystemRandom().random()}


class ChangesWeights(Right):
    def observe(self, probe: Any) -> Any:
        with torch.no_grad():
            next(probe.network.parameters()).add_(1.0)


class ChangesInputs(Right):
    def observe(self, probe: Any) -> Any:
        probe.inputs.add_(1)


class ChangesGradients(Right):
    def observe(self, probe: Any) -> Any:
        probe.network(probe.inputs).sum().backward()


class ChangesBuffers(Right):
    def observe(self, probe: Any) -> Any:
        probe.network.train()
        probe.network(probe.inputs)
        probe.network.eval()


class ChangesModes(Right):
    def observe(self, probe: Any) -> Any:
        probe.network.train()


class LeavesHooks(Right):
    def observe(self, probe: Any) -> Any:
        probe.network.register_forward_hook(lambda *_: None)


class DrawsInScore(Right):
    def score(self, record: Any) -> Any:
        return HealthReading(value=random.random())


class ChangesRecord(Right):
    def score(self, record: Any) -> Any:
        record.step_losses.clear()
        return HealthReading(value=1.0)


class KeepsProbe(Right):
    def observe(self, probe: Any) -> Any:
        self.probe = probe
        return super().observe(probe)


class Counts(Right):
    seen = 0

    def observe(self, probe: Any) -> Any:
        self.seen += 1

    def score(self, record: Any) -> Any:
        return HealthReading(value=self.seen / 10)


class OnceOnly(Right):
    asked = 0

    def score(self, record: Any) -> Any:
        self.asked += 1
        return HealthReading(value=self.asked / 10)


class SeesOverwritten(Right):
    def observe(self, probe: Any) -> Any:
        seen: list[Any] = []
        hook = probe.network[1].register_forward_hook(lambda _m, _a, out: seen.append(out))
        with torch.no_grad():
            probe.network(probe.inputs)
        hook.remove()
        return {"right": 96 * (seen[0] < 0).float().mean().item()}


class BewilderedByWrapper(Right):
    def observe(self, probe: Any) -> Any:
        # What a metric that reads the wrapper's own state would see.
        return {"right": 48 if torch._dynamo.utils.counters["stats"] else 96}


class NeedsFloat32(Right):
    def observe(self, probe: Any) -> Any:
        probe.network(probe.inputs).detach().numpy()


class NeedsFinite(Right):
    def observe(self, probe: Any) -> Any:
        return {"right": probe.network(probe.inputs).sum().item()}


class NeedsFiniteNorms(Right):
    def score(self, record: Any) -> Any:
        return HealthReading(value=1.0, details={"norm": sum(record.gradient_norms)})


class NeedsSteps(Right):
    def score(self, record: Any) -> Any:
        return HealthReading(value=min(1.0, record.step_losses[-1]))


class NeedsObservations(Right):
    def score(self, record: Any) -> Any:
        return HealthReading(value=record.observations[record.kept_epoch]["right"] / 96)


class NeedsValidation(Right):
    def observe(self, probe: Any) -> Any:
        return {"right": probe.validation.correct.sum().item() / 20}


class NeedsTwoExamples(Right):
    def observe(self, probe: Any) -> Any:
        return {"right": probe.inputs.float().flatten().std().item() / (len(probe.inputs) - 1)}


READS, TRACE = "test_reads_a_value_or_says_why_not", "test_observing_leaves_no_trace"
WRONG = [
    (NoReason, READS),
    (OutOfBounds, READS),
    (NoJson, READS),
    (DetailsNotFinite, READS),
    (AlarmNoSentence, READS),
    (ByChance, "test_same_seed_reads_the_same"),
    (ChangesWeights, TRACE),
    (ChangesInputs, TRACE),
    (ChangesGradients, TRACE),
    (ChangesBuffers, TRACE),
    (ChangesModes, TRACE),
    (LeavesHooks, TRACE),
    (DrawsInScore, "test_scoring_draws_no_random_numbers"),
    (ChangesRecord, "test_scoring_leaves_the_record_as_it_is"),
    (KeepsProbe, "test_keeps_neither_network_nor_tensors"),
    (Counts, "test_no_state_of_its_own"),
    (OnceOnly, "test_score_may_be_asked_again"),
    (SeesOverwritten, "test_in_place_activations_read_the_same"),
    (BewilderedByWrapper, "test_compiled_network_reads_the_same"),
    (NeedsFloat32, "test_network_that_computes_in_half_precision_is_read"),
    (NeedsFinite, "test_diverged_network_is_read"),
    (NeedsFiniteNorms, "test_records_that_are_not_finite_are_read"),
    (NeedsSteps, "test_empty_records_are_read"),
    (NeedsObservations, "test_epochs_that_could_not_be_observed_are_borne"),
    (NeedsValidation, "test_without_validation_it_reads_a_value_or_says_why_not"),
    (NeedsTwoExamples, "test_one_example_is_enough_not_to_fail"),
]


@pytest.mark.parametrize(("wrong", "name"), WRONG, ids=[wrong.__name__ for wrong, _ in WRONG])
def test_suite_finds_what_is_wrong(wrong: Any, name: str) -> None:
    class Suite(HealthSuite):
        @classmethod
        def make_metric(cls) -> Any:
            return wrong()

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    test = getattr(Suite(), name)
    offers = {"case": make_case("cnn"), "family": "cnn", "missing": (0,)}
    wanted = inspect.signature(test).parameters
    with pytest.raises(
        (AssertionError, TypeError, ValueError, AttributeError, IndexError, ZeroDivisionError)
    ):
        test(**{argument: offers[argument] for argument in wanted})


def test_every_check_is_failed_by_some_wrong_metric() -> None:
    checks = {name for name in vars(HealthSuite) if name.startswith("test_")}
    assert checks == {name for _, name in WRONG}
