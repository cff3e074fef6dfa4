"""What a search's event log says of its pace: part of throughput.py, and of start_up.py.

A trial's first events are timed by its worker, its last one by the study, all by this machine's
clock and to a millisecond. An epoch begins with its first step; it ends where its event is made,
before the training's state is stored.
"""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench_report import Paired, markdown, middle_and_range

from hpo_torch.protocol.events import EpochFinished, StudyStarted, TrialFinished, TrialStarted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hpo_torch.protocol.events import AnyEvent, Event

Figures = dict[str, Any]

WHICH = ("one", "more")  # a round's searches, by their workers


@dataclass
class Trial:
    """What the log says of a trial.

    Attributes:
        started: Of its last attempt.
        epochs: Of that attempt, in order.
        finished: None while it trains.
    """

    started: TrialStarted
    epochs: list[EpochFinished] = field(default_factory=list)
    finished: TrialFinished | None = None

    @property
    def first_step(self) -> float | None:
        """When the first epoch began; None where none has ended."""
        if not self.epochs:
            return None
        return moment(self.epochs[0]) - epoch_seconds(self.epochs[0])

    @property
    def training_seconds(self) -> float:
        """Of all epochs: training, validation and health."""
        return sum(epoch_seconds(event) for event in self.epochs)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Seconds in one worker from one trial's last epoch to the next one's first step.

    Attributes:
        worker: Its name.
        before, after: The trials' numbers.
        closing: From the last epoch to the trial's end: the training's state and the weights are
            stored, the kept network is timed, results are written and Optuna is told. None where
            no epoch ended.
        handing_over: From there to the start of the next one: a configuration is asked for and
            sent, and the worker takes up the data and builds the network and what reads its health.
        setting_up: From there to the first step: Lightning's trainer. None where no epoch ended.
    """

    worker: str
    before: int
    after: int
    closing: float | None
    handing_over: float
    setting_up: float | None

    @property
    def between(self) -> float | None:
        """From the end of the one to the first step of the next one."""
        return None if self.setting_up is None else self.handing_over + self.setting_up

    @property
    def untrained(self) -> float | None:
        """From the last epoch of the one to the first step of the next one."""
        if self.between is None or self.closing is None:
            return None
        return self.closing + self.between


@dataclass
class Search:
    """What the log says of a search.

    Attributes:
        begun: When the study began, seconds since 1970; 0 of an empty log.
        trials: By number, in the order of their start.
    """

    begun: float = 0.0
    trials: dict[int, Trial] = field(default_factory=dict)

    @property
    def finished(self) -> list[TrialFinished]:
        """The ends of trials, in order."""
        ends = [trial.finished for trial in self.trials.values() if trial.finished is not None]
        return sorted(ends, key=moment)

    @property
    def first_start(self) -> float:
        """When the first trial started, seconds since 1970."""
        return min(moment(trial.started) for trial in self.trials.values())

    @property
    def configurations(self) -> dict[int, dict[str, Any]]:
        """What each trial trained."""
        return {number: trial.started.hyperparameters for number, trial in self.trials.items()}

    def by_worker(self) -> dict[str, list[tuple[int, Trial]]]:
        """Return the trials of each worker, in order."""
        found: dict[str, list[tuple[int, Trial]]] = {}
        for number, trial in sorted(self.trials.items(), key=lambda each: moment(each[1].started)):
            found.setdefault(trial.started.worker, []).append((number, trial))
        return found


def moment(event: Event) -> float:
    """Return when an event happened, seconds since 1970."""
    return datetime.fromisoformat(event.time).timestamp()


def epoch_seconds(event: EpochFinished) -> float:
    """Return how long an epoch took: training, validation and health."""
    return event.metrics.seconds + event.metrics.health_seconds


def read_search(events: Sequence[AnyEvent]) -> Search:
    """Read a log's events; a trial that was started again counts from its last start."""
    search = Search()
    for event in events:
        if isinstance(event, StudyStarted):
            search.begun = moment(event)
        elif isinstance(event, TrialStarted):
            search.trials[event.trial] = Trial(event)
        elif isinstance(event, EpochFinished):
            search.trials[event.trial].epochs.append(event)
        elif isinstance(event, TrialFinished) and event.trial in search.trials:
            search.trials[event.trial].finished = event
    return search


def gaps(search: Search) -> list[Gap]:
    """Return what passes between the trials of each worker."""
    found = []
    for worker, trials in search.by_worker().items():
        for (before, first), (after, second) in pairwise(trials):
            if first.finished is None:
                continue
            end, start, step = moment(first.finished), moment(second.started), second.first_step
            found.append(
                Gap(
                    worker=worker,
                    before=before,
                    after=after,
                    closing=end - moment(first.epochs[-1]) if first.epochs else None,
                    handing_over=start - end,
                    setting_up=None if step is None else step - start,
                )
            )
    return found


def beside_training(search: Search) -> list[float]:
    """Return for each trial the seconds that the study counts for it beside those of its epochs.

    The first one of each worker is left out: it waits for the worker's imports.
    """
    later = [trial for trials in search.by_worker().values() for _, trial in trials[1:]]
    return [
        trial.finished.seconds - trial.training_seconds
        for trial in later
        if trial.finished is not None
    ]


def pace(search: Search, begin: float, end: float) -> Figures:
    """Return the figures of a search whose process ran from `begin` to `end`, seconds since 1970.

    Raises:
        ValueError: No trial has ended.
    """
    finished = search.finished
    if not finished:
        raise ValueError("no trial has ended")
    first, last = search.first_start, moment(finished[-1])
    firsts = [moment(trial.epochs[0]) for trial in search.trials.values() if trial.epochs]
    between = gaps(search)
    return {
        "states": dict(Counter(event.state for event in finished)),
        "epochs": sum(len(trial.epochs) for trial in search.trials.values()),
        "trials_by_worker": {name: len(each) for name, each in search.by_worker().items()},
        "trials_a_minute": 60 * len(finished) / (last - first),
        "training_seconds": sum(trial.training_seconds for trial in search.trials.values()),
        "wall_seconds": end - begin,
        "to_study_seconds": search.begun - begin,
        "to_first_trial_seconds": first - begin,
        "to_first_epoch_seconds": min(firsts) - begin if firsts else None,
        "trials_seconds": last - first,
        "after_last_trial_seconds": end - last,
        "gaps": [asdict(gap) for gap in between],
        "closing_seconds": _known(gap.closing for gap in between),
        "between_seconds": _known(gap.between for gap in between),
        "untrained_seconds": _known(gap.untrained for gap in between),
        "beside_training_seconds": beside_training(search),
    }


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


# (name, digits behind the point, what to show of one search's figures)
ROWS: tuple[tuple[str, int, Callable[[Figures], float]], ...] = (
    ("trials a minute", 1, lambda each: each["trials_a_minute"]),
    ("seconds in all", 1, lambda each: each["wall_seconds"]),
    ("... to the study's begin", 2, lambda each: each["to_study_seconds"]),
    ("... to the first trial's start", 2, lambda each: each["to_first_trial_seconds"]),
    ("... from there to the last trial's end", 1, lambda each: each["trials_seconds"]),
    ("... from there on", 2, lambda each: each["after_last_trial_seconds"]),
    ("training, all workers together, s", 1, lambda each: each["training_seconds"]),
    ("CPU of workers, s", 1, lambda each: each["workers_cpu_seconds"]),
    ("CPU of the program, s", 1, lambda each: each["program_cpu_seconds"]),
)
# (name, figure): of these every search has one value for each gap or trial
MANY = (
    ("a trial's end: last epoch to its last event, s", "closing_seconds"),
    ("between two trials: last event to the next first step, s", "between_seconds"),
    ("both: last epoch to the next first step, s", "untrained_seconds"),
    ("a trial beside its epochs, by the study's clock, s", "beside_training_seconds"),
)


def table(rounds: Sequence[dict[str, Figures]]) -> str:
    """Return a Markdown table: what each search measured, and the ratios of a round's two.

    Args:
        rounds: Figures by "one" and "more", each round's.
    """
    header = ["median of rounds (range)", "1 worker", "more workers", "more / 1"]
    return markdown(header, [*(_row(rounds, *row) for row in ROWS), *_many(rounds)])


def _row(
    rounds: Sequence[dict[str, Figures]], name: str, digits: int, show: Callable[[Figures], float]
) -> list[str]:
    one, more = ([show(each[which]) for each in rounds] for which in WHICH)
    texts = [middle_and_range(values, digits) for values in (one, more)]
    # What was too short for its clock has no ratio.
    return [name, *texts, middle_and_range(Paired(more, one).ratios) if all(one) else "-"]


def _many(rounds: Sequence[dict[str, Figures]]) -> list[list[str]]:
    """Return rows of all values of all rounds together, which are no pairs."""
    rows = []
    for name, figure in MANY:
        texts = [
            middle_and_range([value for each in rounds for value in each[which][figure]], 3)
            for which in WHICH
        ]
        rows.append([name, *texts, "-"])
    return rows


def speed_up(rounds: Sequence[dict[str, Figures]]) -> Paired:
    """Return trials a minute with more workers, and with one."""
    one, more = ([each[which]["trials_a_minute"] for each in rounds] for which in WHICH)
    return Paired(more, one)


def median_of(rounds: Sequence[dict[str, Figures]], which: str, figure: str) -> float | None:
    """Return the median of all values of all rounds' searches; None where there are none.

    Args:
        rounds: As of `table`.
        which: "one" or "more".
        figure: One that has a value for each gap or trial.
    """
    values = [value for each in rounds for value in each[which][figure]]
    return statistics.median(values) if values else None
