"""The health metrics that hpo-torch brings along; light, nothing is imported until used."""

from __future__ import annotations

from hpo_torch.plugin_api import HealthMetricSpec, hookimpl


@hookimpl
def register_health_metrics() -> list[HealthMetricSpec]:
    # The weights are a judgement, not evidence: they lean on the two metrics that show divergence.
    return [
        HealthMetricSpec(
            name="neuron_utilization",
            target="hpo_torch_health.neuron_utilization:NeuronUtilization",
            summary="share of units that respond to at least one probe example",
            default_weight=0.20,
        ),
        HealthMetricSpec(
            name="training_stability",
            target="hpo_torch_health.training_stability:TrainingStability",
            summary="straight descent of the loss, without spikes, and kept to the end",
            default_weight=0.30,
        ),
        HealthMetricSpec(
            name="gradient_health",
            target="hpo_torch_health.gradient_health:GradientHealth",
            summary="gradients that neither vanish nor explode across depth, finite and steady",
            default_weight=0.20,
        ),
        HealthMetricSpec(
            name="parameter_efficiency",
            target="hpo_torch_health.parameter_efficiency:ParameterEfficiency",
            summary="skill for few trainable parameters",
            default_weight=0.10,
        ),
    ]
