"""A trial beside its repetition: whether the figures are equal, and why they may not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo_torch.protocol.measurements import EpochMetrics, Frozen
from hpo_torch.results.environment import Environment  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpo_torch.results.records import TrialResult

# Times differ every time; what training computes does not have to.
COMPUTED = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")
UNEXPLAINED = (
    "nothing that is known of the two trainings differs; the data's files, or how busy threads "
    "divide their sums, may"
)


class Circumstances(Frozen):
    """What a training's figures depend on besides its job.

    Attributes:
        device: As its worker named it; None where it is not known.
        precision: Of its arithmetic; None where it is not known.
        jobs: Trials at once, which divide the CPU's threads.
        environment: Machine and versions; None where it is not known.
    """

    device: str | None
    precision: str | None
    jobs: int
    environment: Environment | None


class EpochPair(Frozen):
    """One epoch of both trainings."""

    before: EpochMetrics
    after: EpochMetrics

    @property
    def equal(self) -> bool:
        """Whether all that was computed is equal, bit for bit."""
        return all(getattr(self.before, name) == getattr(self.after, name) for name in COMPUTED)


class Comparison(Frozen):
    """comparison.json of a trial that was trained again.

    Attributes:
        trial: Its number in the run.
        seeds: Before and now.
        states: Before and now.
        scores: Before and now; of an objective that times something never quite equal.
        epochs: Every epoch that both trained.
        equal: Whether these are equal, bit for bit; None where there is none to compare.
        weights_equal: The same of the kept weights; None where the run does not have them.
        reasons: Why they may differ, one line each; none where nothing does.
    """

    trial: int
    seeds: tuple[int, int]
    states: tuple[str, str]
    scores: tuple[float | None, float | None]
    epochs: list[EpochPair]
    equal: bool | None
    weights_equal: bool | None
    reasons: list[str]


def compare(
    before: TrialResult,
    after: TrialResult,
    then: Circumstances,
    now: Circumstances,
    weights_equal: bool | None,
) -> Comparison:
    """Compare a trial with its repetition.

    A trial that was pruned or failed has fewer epochs than its repetition; those are compared. Of
    two completed ones the number of epochs and the kept one must be equal as well.

    Args:
        before: How the trial ended in its run.
        after: How its repetition ended.
        then: What the first depended on.
        now: What the repetition depended on.
        weights_equal: Of their kept weights; None where there are none to compare.
    """
    pairs = [
        EpochPair(before=one, after=other)
        for one, other in zip(before.epochs, after.epochs, strict=False)
    ]
    equal = all(pair.equal for pair in pairs) if pairs else None
    if equal and before.state == after.state == "complete":
        lengths = len(before.epochs) == len(after.epochs)
        equal = lengths and before.kept_epoch == after.kept_epoch
    same = equal is not False and weights_equal is not False
    return Comparison(
        trial=before.trial,
        seeds=(before.seed, after.seed),
        states=(before.state, after.state),
        scores=(before.score, after.score),
        epochs=pairs,
        equal=equal,
        weights_equal=weights_equal,
        reasons=[] if same else why_different(before, after, then, now),
    )


def why_different(
    before: TrialResult, after: TrialResult, then: Circumstances, now: Circumstances
) -> list[str]:
    """Name every difference that may explain other figures; one line each, never none."""
    reasons = [*_of_jobs(before, after), *_of_circumstances(then, now)]
    if now.device is not None and not now.device.lower().startswith("cpu"):
        reasons.append(f"{now.device}: some of its operations add up in another order every time")
    return reasons or [UNEXPLAINED]


def _of_jobs(before: TrialResult, after: TrialResult) -> Iterator[str]:
    yield from _differing("seed", before.seed, after.seed)
    for name, value in before.hyperparameters.items():
        yield from _differing(name, value, after.hyperparameters.get(name))
    yield from _differing("parts of a batch", before.accumulate, after.accumulate)


def _of_circumstances(then: Circumstances, now: Circumstances) -> Iterator[str]:
    yield from _differing("device", then.device, now.device)
    yield from _differing("precision", then.precision, now.precision)
    yield from _differing("trials at once, which divide the CPU's threads", then.jobs, now.jobs)
    if then.environment is None or now.environment is None:
        yield "the machine and the versions that trained it are not known"
        return
    for name in ("cpu", "cores", "system", "python"):
        yield from _differing(name, getattr(then.environment, name), getattr(now.environment, name))
    packages = dict.fromkeys([*then.environment.packages, *now.environment.packages])
    for name in packages:
        yield from _differing(
            name, then.environment.packages.get(name), now.environment.packages.get(name)
        )


def _differing(name: str, before: Any, after: Any) -> Iterator[str]:
    if before != after:
        yield f"{name}: {_text(before)} then, {_text(after)} now"


def _text(value: Any) -> str:
    return "not known" if value is None else str(value)
