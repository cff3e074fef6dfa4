"""The health metrics and objectives that hpo-torch brings along; nothing is imported until used."""

from __future__ import annotations

from typing import Any

from hpo_torch.plugin_api import HealthMetricSpec, ObjectiveSpec, hookimpl


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
        HealthMetricSpec(
            name="generalization",
            target="hpo_torch_health.generalization:Generalization",
            summary="accuracy kept on examples that were not trained on",
            default_weight=0.10,
        ),
        HealthMetricSpec(
            name="calibration",
            target="hpo_torch_health.calibration:Calibration",
            summary="as often right as it says it is, over the validation part",
            default_weight=0.10,
        ),
        *_unweighted(),
    ]


def _unweighted() -> list[HealthMetricSpec]:
    """Not in the score unless its user says so; robustness not even measured, for its cost."""
    summaries = {
        "robustness:Robustness": "skill kept on mildly damaged validation examples",
        "update_ratios:UpdateRatios": "steps that move the weights, but not by too much",
        "weight_distributions:WeightDistributions": "finite weights and biases, and how they lie",
        "dormancy:Dormancy": "units that are not far less active than the rest of their layer",
        "gate_saturation:GateSaturation": "LSTM gates that are not stuck shut or open",
        "rank:Rank": "directions that the last features use, of those that the classes need",
        "gradient_noise_scale:GradientNoiseScale": "the batch size beyond which little is gained",
        # Parts of the original system's health, for the health preset `original`.
        "convergence_quality:ConvergenceQuality": "validation accuracy: high, risen, calm at last",
        "accuracy_consistency:AccuracyConsistency": "validation accuracy that varies little",
    }
    return [
        HealthMetricSpec(
            name=target.partition(":")[0],
            target=f"hpo_torch_health.{target}",
            summary=summary,
            default_weight=0.0,
            opt_in=target.startswith("robustness"),
        )
        for target, summary in summaries.items()
    ]


@hookimpl
def register_objectives() -> list[ObjectiveSpec]:
    return [
        _objective(
            "val_accuracy",
            "validation accuracy of the best epoch",
            early_stopping_metric="val_accuracy",
            is_accuracy=True,
        ),
        _objective(
            "accuracy",
            "validation accuracy of the last epoch",
            early_stopping_metric="val_accuracy",
            keeps="last",
            is_accuracy=True,
        ),
        _objective("training_time", "skill for little training time", relative=True),
        _objective("parameter_efficiency", "skill from few parameters"),
        _objective("memory_efficiency", "skill for little memory in training", relative=True),
        _objective("inference_speed", "skill for fast predictions", relative=True),
        _objective("overall_health", "all health metrics, combined", health_only=True),
        _objective("neuron_utilization", "share of units that do something", health_only=True),
        _objective("training_stability", "loss falls steadily and stays down", health_only=True),
        _objective(
            "gradient_health", "gradients reach every layer, and are finite", health_only=True
        ),
    ]


def _objective(name: str, summary: str, **facts: Any) -> ObjectiveSpec:
    target = f"hpo_torch_health.objectives:{name}"
    return ObjectiveSpec(name=name, target=target, summary=summary, **facts)
