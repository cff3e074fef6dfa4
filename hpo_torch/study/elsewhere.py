"""What engines of one study leave for each other: where a trial is worked on, and its result.

A result travels through the database, without its epochs, which are many; who can read the other
engine's folder, on the same machine or a shared disk, takes the whole result and the weights from
there. That a folder of that name is the same one shows in the trial's attempt, which is unique.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hpo_torch.errors import OutputError
from hpo_torch.protocol.measurements import Frozen
from hpo_torch.results.atomic_files import copy_file
from hpo_torch.results.records import TrialResult, read_record
from hpo_torch.results.run_directory import RunDirectory
from hpo_torch.study.patient_storage import database_of
from hpo_torch.study.trial_marks import our_trials

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

PLACE: Final = "place"
"""User attribute of a trial of a shared study: who works on it, and in which folder."""

RESULT: Final = "result"
"""User attribute of a finished trial of a shared study: its result without epochs."""

RESULT_FILE = "result.json"


class Place(Frozen):
    """Where a trial is worked on.

    Attributes:
        host: The machine's name.
        folder: The run's, absolute.
    """

    host: str
    folder: str

    @classmethod
    def of(cls, run: RunDirectory) -> Place:
        """Describe a run of this machine."""
        return cls(host=socket.gethostname(), folder=str(run.path.resolve()))

    @property
    def run(self) -> RunDirectory:
        """The run, if it can be reached from here."""
        return RunDirectory(Path(self.folder))


def claim(study: optuna.Study, handle: optuna.Trial, run: RunDirectory) -> None:
    """Say that a trial is worked on here; where nobody shares the study, that is no question."""
    if database_of(study) is not None:
        handle.set_user_attr(PLACE, Place.of(run).model_dump())


def publish(study: optuna.Study, handle: optuna.Trial, result: TrialResult) -> None:
    """Leave a result for the other engines; before Optuna is told, which closes the trial."""
    if database_of(study) is not None:
        text = result.model_copy(update={"epochs": []}).model_dump_json()
        handle.set_user_attr(RESULT, text)


def place_elsewhere(trial: FrozenTrial, run: RunDirectory) -> Place | None:
    """Return where another engine works, or worked, on a trial; None for one of our own."""
    if PLACE not in trial.user_attrs:
        return None
    place = Place.model_validate(trial.user_attrs[PLACE])
    return None if place == Place.of(run) else place


def fetch_state(trial: FrozenTrial, run: RunDirectory) -> None:
    """Copy the training's state of an engine that is gone, if it can be reached from here.

    What it belongs to is in the file, and looked at before it is gone on from.
    """
    place = place_elsewhere(trial, run)
    if place is not None and _exists(source := place.run.training_state(trial.number)):
        copy_file(source, run.training_state(trial.number))


def fetch_results(study: optuna.Study, run: RunDirectory) -> list[TrialResult]:
    """Return all finished trials of a study, by number; others' are written into our folder.

    Raises:
        OutputError: They cannot be written.
    """
    known = {result.trial: result for result in run.read_trials()}
    for trial in our_trials(study):
        text = trial.user_attrs.get(RESULT)
        if not trial.state.is_finished() or text is None:
            continue
        result = TrialResult.model_validate_json(text)
        ours = known.get(trial.number)
        if ours is None or ours.attempt != result.attempt:
            known[trial.number] = _whole(result, place_elsewhere(trial, run))
            run.write_trial(known[trial.number])
            run.drop_checkpoints(trial.number)  # we may have begun what another engine finished
    return [known[number] for number in sorted(known)]


def fetch_winner(study: optuna.Study, winner: TrialResult, run: RunDirectory) -> Place | None:
    """Copy the winner's weights to best_model/, from the engine that trained it.

    That engine may be at work, and find a better trial at any time. Where objective and health are
    two, the study's winner may be another trial than the leader of the engine that trained it; its
    weights are in its own folder then, as those of every trial on that engine's front.

    Returns:
        Where they are if they cannot be reached from here; None if they are here now.
    """
    trial = next(trial for trial in our_trials(study) if trial.number == winner.trial)
    place = place_elsewhere(trial, run)
    if place is None:
        if not run.holds_best_model(winner) and run.weights(winner.trial).exists():
            run.keep_best_model(winner)
        return None
    if _is_of(winner, place) and _copied(place.run.weights(winner.trial), run, winner):
        run.keep_best_model(winner)
        run.drop_checkpoints(winner.trial)
        return None
    source = place.run.best_checkpoint
    if not (_is_of(winner, place) and _exists(source) and place.run.holds_best_model(winner)):
        return place
    copy_file(source, run.weights(winner.trial))
    if not place.run.holds_best_model(winner):  # a better trial's came while we copied
        run.drop_checkpoints(winner.trial)
        return place
    run.keep_best_model(winner)
    run.drop_checkpoints(winner.trial)
    return None


def _copied(source: Path, run: RunDirectory, winner: TrialResult) -> bool:
    """Copy weights from a trial's folder; False where there are none, or none any more."""
    if not _exists(source):
        return False
    try:
        copy_file(source, run.weights(winner.trial))
    except OutputError:
        if _exists(source):
            raise
        return False
    return True


def _whole(result: TrialResult, place: Place | None) -> TrialResult:
    """Return the result with its epochs, if the file that has them can be reached."""
    if place is None:
        return result
    stored = _stored(result, place)
    return result if stored is None else stored


def _is_of(result: TrialResult, place: Place) -> bool:
    return _stored(result, place) is not None


def _stored(result: TrialResult, place: Place) -> TrialResult | None:
    path = place.run.trial_dir(result.trial) / RESULT_FILE
    if not _exists(path):
        return None
    try:
        stored = read_record(path, TrialResult)
    except OutputError:  # of another version, or of something else: we have what we need
        return None
    return stored if stored.attempt == result.attempt else None


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that we may not enter
        return False
