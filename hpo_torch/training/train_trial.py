"""Train one trial: the one function that does, the same on every backend."""

from __future__ import annotations

import logging
import math
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lightning.pytorch import Trainer

from hpo_torch.data.load import load_prepared
from hpo_torch.health.monitor import Baseline, HealthMonitor
from hpo_torch.health.score import resolve_weights
from hpo_torch.hooks.registry import installed_registry
from hpo_torch.models.size import count_configuration, count_parameters
from hpo_torch.protocol.events import EpochFinished, TrainingFinished, TrialStarted
from hpo_torch.search.families import search_space
from hpo_torch.search.objectives import find_objective
from hpo_torch.training.artefacts import write_checkpoint
from hpo_torch.training.checkpoint_io import AtomicCheckpointIO
from hpo_torch.training.checkpoints import StateFile
from hpo_torch.training.costs import inference_seconds, step_memory_bytes
from hpo_torch.training.devices import Placement, resolve_placement
from hpo_torch.training.failures import failure_kind
from hpo_torch.training.lightning_module import Classifier
from hpo_torch.training.reporter import EpochReporter, TrialFacts
from hpo_torch.training.room import give_room_back
from hpo_torch.training.seeding import seed_everything

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from lightning.pytorch import Callback

    from hpo_torch.data.prepared import PreparedData
    from hpo_torch.data.spec import DatasetLoader
    from hpo_torch.protocol.events import BackendEvent
    from hpo_torch.protocol.job import TrialJob
    from hpo_torch.training.checkpoints import StoredState

# Lightning announces devices and finished epochs for every trial; the study's events say more.
logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)


def train_trial(
    job: TrialJob,
    emit: Callable[[BackendEvent], None],
    stop: threading.Event,
    *,
    worker: str,
    loader: DatasetLoader | None = None,
) -> None:
    """Train a trial and emit all its events, the last being its one `TrainingFinished`.

    Where an earlier attempt has left its state in `job.output_dir`, training goes on from it, and
    ends as if it had never been interrupted. A state that cannot be used is logged, and the trial
    starts anew: it then reports every epoch again, those of `job.known_epochs` too.

    Args:
        job: What to train.
        emit: Called with each event, in order.
        stop: When set, the trial ends at its next step.
        worker: Name of the worker for the events.
        loader: Loads the data, prepared; None means the one that is registered for their name.
    """
    try:
        finished = _Trial(job, emit, stop, worker).run(loader)
    except Exception as error:  # whatever a trial raises ends that trial, never the study
        finished = TrainingFinished(
            trial=job.trial,
            attempt=job.attempt,
            outcome="failed",
            failure_kind=failure_kind(error),
            message=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
        )
    emit(finished)
    give_room_back(device_cache=finished.outcome == "failed")


class _Trial:
    """One trial's objects, in the order in which they come to be."""

    def __init__(
        self,
        job: TrialJob,
        emit: Callable[[BackendEvent], None],
        stop: threading.Event,
        worker: str,
    ) -> None:
        self.job, self.emit, self.stop, self.worker = job, emit, stop, worker
        self.objective = find_objective(job.objective)

    def run(self, loader: DatasetLoader | None) -> TrainingFinished:
        job = self.job
        placement = resolve_placement(job.device, job.training.precision)
        loader = loader or installed_registry().datasets.load(job.data.dataset)
        source = load_prepared(loader, job.data, job.split_seed, placement.device)
        prepared = source.for_trial(job.hyperparameters)
        seed_everything(job.seed)
        module = self._module(prepared)
        facts = self._facts(module, prepared, placement)
        state = StateFile(job, prepared.fingerprint, placement.device)
        monitor = self._monitor(prepared)
        reporter = EpochReporter(job, self.emit, monitor, self.objective, facts, state)
        stored = state.find()
        self._announce(facts, placement, stored)
        trainer = self._trainer(placement, [state, monitor, reporter])
        data = prepared.data_module(job.hyperparameters, job.seed)
        path = stored.path if stored else None
        with quiet_lightning():
            # Lightning restores weights, optimiser, schedule and callbacks. No pickled code: what
            # `state.find` accepts are tensors and plain values.
            trainer.fit(module, datamodule=data, ckpt_path=path, weights_only=True)
        return self._finish(trainer, module, reporter, prepared)

    def _module(self, prepared: PreparedData) -> Classifier:
        module = Classifier(
            self.job.family,
            self.job.hyperparameters,
            prepared.input_spec,
            prepared.class_names,
        )
        module.stop_signal, module.accumulate = self.stop, self.job.accumulate
        return module

    def _facts(
        self, module: Classifier, prepared: PreparedData, placement: Placement
    ) -> TrialFacts:
        batch_size = self.job.hyperparameters["batch_size"]
        batch = prepared.sample(math.ceil(batch_size / self.job.accumulate))
        network = module.network.to(placement.device)
        with placement.autocast():
            memory = step_memory_bytes(network, self.job.hyperparameters, *batch)
        return TrialFacts(
            parameters=count_parameters(network),
            memory_bytes=memory,
            baseline=prepared.majority_share,
            epochs=self.job.hyperparameters["epochs"],
        )

    def _monitor(self, prepared: PreparedData) -> HealthMonitor:
        registered = installed_registry().health_metrics
        settings, family = self.job.health, self.job.family
        default = search_space(family, prepared.input_shape, prepared.train_size, 1, 1).defaults({})
        reference = count_configuration(family, default, prepared.input_shape, prepared.num_classes)
        weights = resolve_weights(list(registered), settings)
        measured = [spec.name for spec in registered if weights[spec.name] or not spec.opt_in]
        return HealthMonitor(
            {name: registered.load(name)() for name in measured},
            settings,
            weights,
            prepared.sample(settings.probe_size, self.job.split_seed),
            Baseline(accuracy=prepared.majority_share, parameters=reference),
            seed=self.job.seed,
            validation_probe=prepared.sample(
                settings.probe_size, self.job.split_seed, part="validation"
            ),
        )

    def _announce(
        self, facts: TrialFacts, placement: Placement, stored: StoredState | None
    ) -> None:
        self.emit(
            TrialStarted(
                trial=self.job.trial,
                attempt=self.job.attempt,
                worker=self.worker,
                device=placement.describe(),
                precision=placement.precision,
                hyperparameters=self.job.hyperparameters,
                parameters=facts.parameters,
                epochs=facts.epochs,
                epochs_done=stored.epochs if stored else 0,
            )
        )
        for event in stored.events if stored else ():
            epoch = event.metrics.epoch if isinstance(event, EpochFinished) else event.epoch
            # Stored, but the process died before the study had heard of it.
            if epoch > self.job.known_epochs:
                self.emit(event.model_copy(update={"attempt": self.job.attempt}))

    def _trainer(self, placement: Placement, callbacks: list[Callback]) -> Trainer:
        values = self.job.hyperparameters
        return Trainer(
            max_epochs=values["epochs"],
            accelerator=placement.accelerator,
            devices=placement.devices,
            precision=placement.lightning_precision,
            gradient_clip_val=values.get("gradient_clip_norm"),
            callbacks=callbacks,
            plugins=[AtomicCheckpointIO()],
            # The study keeps its own log, checkpoints and progress; each would cost every step.
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )

    def _finish(
        self,
        trainer: Trainer,
        module: Classifier,
        reporter: EpochReporter,
        prepared: PreparedData,
    ) -> TrainingFinished:
        words = {"trial": self.job.trial, "attempt": self.job.attempt}
        if reporter.divergence is not None:
            return TrainingFinished(
                **words,
                outcome="failed",
                failure_kind="diverged",
                measurements=reporter.measurements(),
                message=reporter.divergence,
            )
        if module.interrupted or reporter.kept.metrics is None:
            return TrainingFinished(
                **words, outcome="stopped", measurements=reporter.measurements()
            )
        # The probe ran on the trainer's device; what is timed and saved is the kept network.
        reporter.kept.restore(module.network)
        network = module.network.to(prepared.device)
        seconds = inference_seconds(network, prepared.sample(32)[0])
        if self.job.output_dir is not None:
            write_checkpoint(Path(self.job.output_dir), trainer)
        return TrainingFinished(
            **words,
            outcome="completed",
            measurements=reporter.measurements(seconds),
            kept_epoch=reporter.kept.metrics.epoch,
            message=reporter.hopeless or "",
        )


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence remarks of Lightning's that do not apply here."""
    with warnings.catch_warnings():
        # Data are tensors in memory: worker processes would only add copies.
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        # Lightning 2.6 with torch 2.14: between those two.
        warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")
        # A small set may have fewer batches than Lightning's logging interval; nothing is logged.
        warnings.filterwarnings("ignore", ".*is smaller than the logging interval.*")
        yield
