"""The figures that relative objectives are relative to, frozen once per study."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo_torch.search.objectives import References

if TYPE_CHECKING:
    import optuna

    from hpo_torch.protocol.measurements import Measurements

ATTRIBUTE = "references"


def read_references(study: optuna.Study) -> References:
    """Read the study's references; empty ones before a first trial has completed."""
    return References.model_validate(study.user_attrs.get(ATTRIBUTE, {}))


def freeze_references(study: optuna.Study, measurements: Measurements) -> References:
    """Make the first completed trial's figures the study's references, for good."""
    return adopt_references(study, References.of(measurements))


def adopt_references(study: optuna.Study, references: References) -> References:
    """Make these the study's references, for good."""
    study.set_user_attr(ATTRIBUTE, references.model_dump())
    return references
