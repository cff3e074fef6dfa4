"""The conformance suite of health metrics: subclass it and run pytest.

class TestMyMetric(HealthSuite):
    @classmethod
    def make_metric(cls):
        return MyMetric()
"""

# ruff: noqa: D102 - the name of a test says what it tests

from __future__ import annotations

import copy
import gc
import json
import math
import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from hpo_torch.protocol.measurements import HealthReading
from hpo_torch.testing.health_cases import Case, Family, make_case
from hpo_torch.testing.traces import (
    changed,
    flags_of,
    hooks_of,
    random_state_now,
    settings_now,
    tensors_of,
    tensors_of_probe,
)

if TYPE_CHECKING:
    from hpo_torch.health.metric import HealthMetric, Probe, TrainingRecord

_FAMILIES: tuple[Family, ...] = ("cnn", "lstm")
_SEED = 7


class HealthSuite:
    """What every health metric must do, tested through `observe` and `score` alone.

    Whether higher is healthier cannot be tested here: the metric's own tests have to show it on
    networks that are known to be broken.
    """

    @classmethod
    def make_metric(cls) -> HealthMetric:
        """Return a fresh instance, as the target of its `HealthMetricSpec` does."""
        raise NotImplementedError

    @pytest.fixture(params=_FAMILIES)
    def case(self, request: pytest.FixtureRequest) -> Case:
        """Give a test a small network that has trained for 24 steps, a CNN and an LSTM."""
        return make_case(request.param)

    def observe(self, metric: HealthMetric, probe: Probe, seed: int = _SEED) -> Any:
        """Observe as a trial does: isolated, and what comes back as JSON reads it."""
        from hpo_torch.health.probe import isolated

        with isolated(probe.network, seed):
            observed = metric.observe(probe)
        return json.loads(json.dumps(observed, allow_nan=False))

    def read(self, metric: HealthMetric, record: TrainingRecord) -> HealthReading:
        """Score, and check that the reading keeps its contract."""
        reading = metric.score(record)
        assert isinstance(reading, HealthReading)
        assert reading.value is None or 0.0 <= reading.value <= 1.0
        assert (reading.value is None) <= bool(reading.reason), "None needs a reason"
        json.dumps(reading.details, allow_nan=False)
        for key in ("alerts", "alarms"):
            assert all(isinstance(text, str) for text in reading.details.get(key, []))
        return reading

    def reading(self, case: Case, epochs: int = 1) -> HealthReading:
        """Observe the network as it is once an epoch, and score."""
        metric = self.make_metric()
        seen = [self.observe(metric, case.probe(number)) for number in range(1, epochs + 1)]
        return self.read(metric, case.record(seen))

    def test_reads_a_value_or_says_why_not(self, case: Case) -> None:
        self.reading(case, epochs=3)

    def test_same_seed_reads_the_same(self, case: Case) -> None:
        assert self.reading(case) == self.reading(case)

    def test_observing_leaves_no_trace(self, case: Case) -> None:
        probe = case.probe()
        network = probe.network.eval()
        kept, shown = tensors_of(network), tensors_of_probe(probe)
        before = flags_of(network), hooks_of(network), settings_now()
        self.make_metric().observe(probe)
        assert changed(kept, tensors_of(network)) == []
        assert changed(shown, tensors_of_probe(probe)) == []
        assert (flags_of(network), hooks_of(network), settings_now()) == before

    def test_scoring_draws_no_random_numbers(self, case: Case) -> None:
        metric = self.make_metric()
        record = case.record([self.observe(metric, case.probe())])
        before = random_state_now()
        metric.score(record)
        assert random_state_now() == before

    def test_scoring_leaves_the_record_as_it_is(self, case: Case) -> None:
        metric = self.make_metric()
        record = case.record([self.observe(metric, case.probe())])
        before = copy.deepcopy(record)
        metric.score(record)
        assert record == before

    @pytest.mark.parametrize("family", _FAMILIES)
    def test_keeps_neither_network_nor_tensors(self, family: Family) -> None:
        metric = self.make_metric()
        kept = self._observed_and_gone(metric, family)
        gc.collect()
        assert [name for name, reference in kept.items() if reference() is not None] == []

    def _observed_and_gone(
        self, metric: HealthMetric, family: Family
    ) -> dict[str, weakref.ref[Any]]:
        case = make_case(family)
        probe = case.probe()
        self.read(metric, case.record([self.observe(metric, probe)]))
        kept: dict[str, Any] = {"network": case.network, "inputs": probe.inputs}
        kept |= dict(case.network.named_parameters())
        return {name: weakref.ref(each) for name, each in kept.items()}

    def test_no_state_of_its_own(self, case: Case) -> None:
        """A trial may go on elsewhere: each epoch may be another instance's."""
        whole = self.reading(case, epochs=3)
        seen = [self.observe(self.make_metric(), case.probe(number)) for number in (1, 2, 3)]
        assert self.read(self.make_metric(), case.record(seen)) == whole

    def test_score_may_be_asked_again(self, case: Case) -> None:
        metric = self.make_metric()
        record = case.record([self.observe(metric, case.probe())])
        assert self.read(metric, record) == self.read(metric, record)

    def test_in_place_activations_read_the_same(self) -> None:
        inplace, apart = make_case("cnn"), make_case("cnn", inplace=False)
        apart.network.load_state_dict(inplace.network.state_dict())
        assert _alike(self.reading(inplace), self.reading(apart))

    @pytest.mark.parametrize("family", _FAMILIES)
    def test_compiled_network_reads_the_same(self, family: Family) -> None:
        import torch

        from hpo_torch.health.probe import make_probe

        case = make_case(family)
        plain = self.reading(case)
        compiled: Any = torch.compile(case.network, backend="eager")
        with torch.no_grad():
            compiled(case.inputs)
        shown = case.probe()
        metric = self.make_metric()
        size = len(shown.gradient_inputs)
        probe = replace(
            make_probe(compiled, shown.inputs, shown.labels, gradient_size=size, epoch=1),
            validation=shown.validation,
            baseline_accuracy=shown.baseline_accuracy,
        )
        assert _alike(self.read(metric, case.record([self.observe(metric, probe)])), plain)

    def test_network_that_computes_in_half_precision_is_read(self, case: Case) -> None:
        import torch

        class Half(torch.nn.Module):
            """Answers in bfloat16, as parts of networks under mixed precision do."""

            def __init__(self, inner: torch.nn.Module) -> None:
                super().__init__()
                self.inner = inner

            def forward(self, inputs: torch.Tensor) -> Any:
                # Not every CPU computes LSTMs in bfloat16; there, only the answers are.
                with torch.autocast(
                    "cpu", dtype=torch.bfloat16, enabled=inputs.is_floating_point()
                ):
                    return self.inner(inputs).bfloat16()

        case.network = Half(case.network).eval()
        self.reading(case)

    def test_diverged_network_is_read(self, case: Case) -> None:
        import torch

        with torch.no_grad():
            for parameter in case.network.parameters():
                parameter.fill_(math.nan)
        self.reading(case)

    def test_records_that_are_not_finite_are_read(self, case: Case) -> None:
        metric = self.make_metric()
        seen = [self.observe(metric, case.probe())]
        bad = [math.nan, math.inf]
        ratios = {name: bad + ratios for name, ratios in case.update_ratios.items()}
        record = case.record(
            seen,
            step_losses=case.step_losses + bad,
            gradient_norms=bad + case.gradient_norms,
            update_ratios=ratios,
        )
        self.read(metric, record)

    def test_empty_records_are_read(self, case: Case) -> None:
        metric = self.make_metric()
        seen = [self.observe(metric, case.probe())]
        empty = {"step_losses": [], "gradient_norms": [], "update_ratios": {}, "skill": 0.0}
        self.read(metric, case.record(seen, **empty))

    @pytest.mark.parametrize("missing", [(0,), (1,), (2,), (0, 1, 2)])
    def test_epochs_that_could_not_be_observed_are_borne(
        self, case: Case, missing: tuple[int, ...]
    ) -> None:
        """`observe` may have failed at any epoch: what came of it is None."""
        metric = self.make_metric()
        seen = [self.observe(metric, case.probe(number)) for number in (1, 2, 3)]
        for index in missing:
            seen[index] = None
        for kept in (0, 1, 2):
            self.read(metric, case.record(seen, kept_epoch=kept))

    def test_without_validation_it_reads_a_value_or_says_why_not(self, case: Case) -> None:
        metric = self.make_metric()
        seen = [self.observe(metric, case.probe(validated=False))]
        self.read(metric, case.record(seen))

    def test_one_example_is_enough_not_to_fail(self, case: Case) -> None:
        case.inputs, case.labels = case.inputs[:1], case.labels[:1]
        self.reading(case)


def _alike(one: HealthReading, other: HealthReading) -> bool:
    """Whether values are equal but for rounding."""
    if one.value is None or other.value is None:
        return one.value is other.value
    return math.isclose(one.value, other.value, rel_tol=1e-5, abs_tol=1e-6)
