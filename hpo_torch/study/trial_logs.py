"""A search's events, told to Lightning's loggers: TensorBoard, MLflow, W&B and others.

They hear it in the main process, on a thread of their own: it works wherever trials run, and a
slow or broken logger neither holds up a study nor ends it.
"""

from __future__ import annotations

import inspect
import queue
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from hpo_torch.protocol.events import (
    EpochFinished,
    StudyFinished,
    StudyStarted,
    TrialFinished,
    TrialStarted,
)
from hpo_torch.study.logger_kinds import logger_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from hpo_torch.config.schema import OutputSettings
    from hpo_torch.protocol.events import AnyEvent
    from hpo_torch.study.audience import Audience
    from hpo_torch.study.logger_kinds import LoggerKind, TrialLogger

CLOSING_SECONDS: Final = 30.0
"""How long the end of a search waits for loggers that are behind."""

_FIGURES: Final = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate")


@contextmanager
def trial_logs(output: OutputSettings, folder: Path, audience: Audience) -> Iterator[Audience]:
    """Yield an audience to which the configured loggers belong, if there are any.

    Args:
        output: Says which.
        folder: The run's.
        audience: Who else is told.

    Raises:
        HpoTorchError: As for `logger_kinds`.
    """
    kinds = logger_kinds(output)
    if not kinds:
        yield audience
        return
    logs = TrialLogs([Book(kind, folder.resolve()) for kind in kinds], audience.warn)
    try:
        yield replace(audience, listeners=[*audience.listeners, logs.hear])
    finally:
        logs.close()


class TrialLogs:
    """Tells several loggers what is said, on a thread.

    Args:
        books: One for each logger.
        warn: Takes one line about a logger that failed; it is left out from then on.
    """

    def __init__(self, books: Sequence[Book], warn: Callable[[str], None]) -> None:
        self._books, self._warn = list(books), warn
        self._events: queue.SimpleQueue[AnyEvent | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="trial-logs", daemon=True)
        self._thread.start()

    def hear(self, event: AnyEvent) -> None:
        """Take an event; returns at once."""
        self._events.put(event)

    def close(self, seconds: float = CLOSING_SECONDS) -> None:
        """Wait until all has been told, but not for ever."""
        self._events.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._warn(f"loggers are still busy after {seconds:.0f} s; their last entries are lost")

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            for book in list(self._books):
                self._try(book, partial(book.hear, event))
        for book in list(self._books):
            self._try(book, book.close)

    def _try(self, book: Book, tell: Callable[[], None]) -> None:
        try:
            tell()
        except Exception as error:  # a logger can fail in any way; the study has its own files
            self._books.remove(book)
            reason = (str(error).splitlines() or [""])[0] or type(error).__name__
            self._warn(f"{book.name} failed and is left out from now on: {reason}")
            book.abandon()


class Book:
    """One kind of logger, with one of them open for each trial in training.

    Args:
        kind: Makes them.
        folder: The run's, absolute.
    """

    def __init__(self, kind: LoggerKind, folder: Path) -> None:
        self.name = kind.name
        self._kind, self._folder = kind, folder
        self._prefix = ""
        self._open: dict[int, tuple[TrialLogger, dict[str, Any]]] = {}

    def hear(self, event: AnyEvent) -> None:
        """Tell the trial's logger; whatever that raises is passed on."""
        if isinstance(event, StudyStarted):
            # A confirmation is within a search, and numbers its trials from 0 as well.
            self._prefix = "" if event.purpose == "search" else f"{event.purpose}-"
        elif isinstance(event, StudyFinished):
            self.close()
            self._prefix = ""
        elif isinstance(event, TrialStarted):
            self._begin(event)
        elif isinstance(event, EpochFinished) and event.trial in self._open:
            logger, _ = self._open[event.trial]
            logger.log_metrics(epoch_figures(event), step=event.metrics.epoch)
            logger.save()
        elif isinstance(event, TrialFinished) and event.trial in self._open:
            self._end(event)

    def close(self) -> None:
        """End what no event has ended: the study was stopped."""
        for trial, (logger, _) in list(self._open.items()):
            _finish(logger, "failed")
            del self._open[trial]

    def abandon(self) -> None:
        """End what is open as far as a logger that failed can; raises nothing."""
        for logger, _ in self._open.values():
            for step in _last_steps(logger, "failed"):
                with suppress(Exception):  # that it failed was said
                    step()
        self._open.clear()

    def _begin(self, event: TrialStarted) -> None:
        if event.trial in self._open:  # another attempt at it
            return
        logger = self._kind.open(self._folder, f"{self._prefix}trial-{event.trial:04d}")
        hyperparameters = {**event.hyperparameters, "parameters": event.parameters}
        self._open[event.trial] = logger, hyperparameters
        logger.log_hyperparams(hyperparameters)

    def _end(self, event: TrialFinished) -> None:
        logger, hyperparameters = self._open[event.trial]
        figures = final_figures(event)
        if "metrics" in inspect.signature(logger.log_hyperparams).parameters:
            # TensorBoard sets hyperparameters beside what came of them.
            logger.log_hyperparams(hyperparameters, figures, event.epochs_run)
        elif figures:
            logger.log_metrics(figures, step=event.epochs_run)
        _finish(logger, "failed" if event.state == "failed" else "success")
        del self._open[event.trial]


def epoch_figures(event: EpochFinished) -> dict[str, float]:
    """Return what loggers are told of an epoch, by name; what was not measured is left out."""
    figures: dict[str, float | None] = {
        name: getattr(event.metrics, name) for name in (*_FIGURES, "seconds")
    }
    figures |= {f"health/{name}": reading.value for name, reading in event.health.items()}
    figures |= {"overall_health": event.so_far.overall_health, "score": event.score}
    return {name: value for name, value in figures.items() if value is not None}


def final_figures(event: TrialFinished) -> dict[str, float]:
    """Return what loggers are told of a trial's end, by name."""
    measured = event.measurements
    figures = {
        "final/score": event.score,
        "final/val_accuracy": measured.val_accuracy if measured else None,
        "final/val_loss": measured.val_loss if measured else None,
        "final/overall_health": measured.overall_health if measured else None,
    }
    return {name: value for name, value in figures.items() if value is not None}


def _finish(logger: TrialLogger, status: str) -> None:
    for step in _last_steps(logger, status):
        step()


def _last_steps(logger: TrialLogger, status: str) -> list[Callable[[], None]]:
    return [logger.save, partial(logger.finalize, status), partial(_finish_experiment, logger)]


def _finish_experiment(logger: TrialLogger) -> None:
    # W&B's runs go on until they are told, whatever Lightning says of them.
    finish = getattr(getattr(logger, "experiment", None), "finish", None)
    if callable(finish):
        finish()
