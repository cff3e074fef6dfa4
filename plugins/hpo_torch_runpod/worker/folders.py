"""Where a worker keeps data, training states and claims: on the network volume if there is one."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hpo_torch.plugin_api import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hpo_torch.protocol.job import TrialJob

_LOGGER = logging.getLogger(__name__)

VOLUME = "HPO_TORCH_VOLUME"
"""Variable with the folder that all workers of an endpoint share."""

BUILT_IN = "HPO_TORCH_WORKER_DATA"
"""Variable with a folder of data sets that came with the image; it is only read."""

RUNPOD_VOLUME = Path("/runpod-volume")
"""Where RunPod mounts an endpoint's network volume."""

KEPT_SECONDS = 14 * 24 * 3600
"""How long the state of a trial that nobody goes on with stays on the volume."""


class Folders:
    """The folders of one worker process.

    Args:
        root: Everything that the worker writes lies in it.
        shared: Whether other workers see it, and later ones.
        built_in: Folder of data sets that is looked into first.

    Attributes:
        data: Of data sets.
        shipments: Of own data that clients sent.
        claims: Of claims; None where no other worker would see them.
    """

    def __init__(self, root: Path, *, shared: bool, built_in: Path | None = None) -> None:
        self.shared, self.built_in = shared, built_in
        self.data, self.shipments = root / "data", root / "shipments"
        self.claims = root / "claims" if shared else None
        self._work, self._weights = root / "work", root / "weights"

    @contextmanager
    def work(self, job: TrialJob) -> Iterator[Path]:
        """Yield the folder of a trial, in which an earlier attempt may have left its state.

        It is the same for all attempts at a trial, whatever job they come with. On a volume it
        stays, until `forget` or `remove_old`: the trial may go on elsewhere.
        """
        folder = self._folder(job)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
        finally:
            if not self.shared:
                shutil.rmtree(folder, ignore_errors=True)

    def forget(self, job: TrialJob) -> None:
        """Remove the folder of a trial that nobody needs to go on with."""
        folder = self._folder(job)
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.parent.rmdir()  # of the study, unless it has other trials
        except OSError:
            return

    def keep(self, path: Path, job: TrialJob) -> Path:
        """Copy a file of a trial to where it stays on the volume; returns the copy's path."""
        kept = self._weights / _safe(job.study) / f"{_safe(job.attempt)}-{path.name}"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, kept)
        return kept

    def remove_old(self) -> None:
        """Remove the folders of trials that nobody has gone on with for a long time."""
        oldest = time.time() - KEPT_SECONDS
        for folder in self._work.glob("*/*"):
            with suppress(OSError):  # another worker removes them too
                if folder.stat().st_mtime < oldest:
                    shutil.rmtree(folder)

    def _folder(self, job: TrialJob) -> Path:
        # Studies of the same name may come from several people; their trials differ in these.
        what = (job.study, job.seed, job.split_seed, job.family, job.objective, job.hyperparameters)
        digest = hashlib.sha256(repr(what).encode()).hexdigest()[:16]
        return self._work / _safe(job.study) / f"{job.trial:04d}-{digest}"


@contextmanager
def worker_folders(environment: Mapping[str, str] = os.environ) -> Iterator[Folders]:
    """Yield this worker's folders: on the volume if there is one, else in a temporary folder.

    Raises:
        UsageError: A folder that a variable names is absent.
    """
    volume = _existing(VOLUME, environment) or RUNPOD_VOLUME
    built_in = _existing(BUILT_IN, environment)
    root = volume / "hpo-torch"
    try:
        if volume.is_dir():
            root.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=root):
                pass
            yield Folders(root, shared=True, built_in=built_in)
            return
    except OSError as error:
        _LOGGER.warning("%s cannot be written, and will not be used: %s", root, error)
    with tempfile.TemporaryDirectory(prefix="hpo-torch-worker-") as temporary:
        yield Folders(Path(temporary), shared=False, built_in=built_in)


def _existing(variable: str, environment: Mapping[str, str]) -> Path | None:
    named = environment.get(variable, "").strip()
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise UsageError(f"{variable}: expected a folder, but {named} is none")
    return folder


def _safe(name: str) -> str:
    """Return a name that is one folder's or file's, whatever it holds."""
    return re.sub(r"[^\w.-]", "_", name).lstrip(".")[:100] or "_"
