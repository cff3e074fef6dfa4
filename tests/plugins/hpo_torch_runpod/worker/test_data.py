from __future__ import annotations

import threading

import pytest

from hpo_torch.data.requests import data_request
from hpo_torch.errors import CorruptDataError, DataNotFoundError, DownloadError
from hpo_torch.plugin_api import ImageData
from hpo_torch.testing.fake_training import fake_job
from hpo_torch_runpod.bucket import BucketError
from hpo_torch_runpod.wire import NO_DATA
from hpo_torch_runpod.worker import data as module
from hpo_torch_runpod.worker.data import StopRequested, WorkerFault, find_data
from hpo_torch_runpod.worker.folders import Folders


class Files:
    """A loader whose set is one file; fetching it takes two steps."""

    def __init__(self):
        self.fetched = []

    def prepare(self, request):
        path = request.data_dir / "file"
        if path.exists():
            return
        if not request.download:
            raise DataNotFoundError("absent")
        for step in (1, 2):
            request.progress("file", step, 2)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("fetched")
        self.fetched.append(path)

    def load(self, request):
        return (request.data_dir / "file").read_text()


@pytest.fixture
def files(monkeypatch):
    loader = Files()
    monkeypatch.setattr(module, "named_loader", lambda name: loader)
    return loader


def load(job, folders, stop=None):
    found, loader = find_data(job, None, folders, stop or threading.Event())
    return loader.load(data_request(found.data))


def test_named_set_is_fetched_once_to_the_volume(folders, files):
    assert load(fake_job(0), folders) == "fetched"
    assert load(fake_job(1), folders) == "fetched"
    assert files.fetched == [folders.data / "file"]


def test_set_that_came_with_the_image_is_not_fetched(tmp_path, files):
    (tmp_path / "file").write_text("built in")
    folders = Folders(tmp_path / "root", shared=True, built_in=tmp_path)
    assert load(fake_job(0), folders) == "built in"
    assert files.fetched == []


def test_set_that_did_not_come_with_the_image_is_fetched(tmp_path, files):
    folders = Folders(tmp_path / "root", shared=True, built_in=tmp_path)
    assert load(fake_job(0), folders) == "fetched"


def test_nothing_is_fetched_before_it_is_needed(folders, files):
    find_data(fake_job(0), None, folders, threading.Event())
    assert files.fetched == []


def test_stop_ends_a_transfer(folders, files):
    stop = threading.Event()
    stop.set()
    with pytest.raises(StopRequested):
        load(fake_job(0), folders, stop)
    assert files.fetched == []


def test_set_that_the_image_does_not_know_is_named(folders):
    job = fake_job(0)
    job = job.model_copy(update={"data": job.data.model_copy(update={"dataset": "mnits"})})
    with pytest.raises(WorkerFault, match=r"unknown dataset 'mnits'.*Build an image") as fault:
        load(job, folders)
    assert fault.value.kind == "backend"
    assert str(fault.value).startswith(NO_DATA)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DownloadError("every mirror failed."), "worker_died"),  # maybe another worker's line
        (DataNotFoundError("it has to be fetched by hand."), "backend"),
    ],
)
def test_set_that_is_nowhere_is_said_with_where_it_was_looked_for(
    folders, files, tmp_path, error, kind
):
    def fail(request):
        raise error if request.download else DataNotFoundError("absent")

    files.prepare = fail
    for built_in, words in ((tmp_path, f"is {tmp_path}"), (None, "is not set")):
        folders.built_in = built_in
        with pytest.raises(WorkerFault) as fault:
            load(fake_job(0), folders)
        assert fault.value.kind == kind
        message = str(fault.value)
        assert message.startswith(
            f"{NO_DATA}'digits' is neither in the image (HPO_TORCH_WORKER_DATA {words}) nor in "
            f"{folders.data}, and cannot be fetched from there: {error} Build it into the image"
        )
        assert "hpo-torch runpod deploy --volume ID" in message
        assert "--data-path" in message


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DownloadError("every mirror failed"), "worker_died"),
        (OSError("no space left"), "worker_died"),
        (BucketError("no keys"), "backend"),
    ],
)
def test_fault_of_the_worker_is_not_the_trials(folders, files, error, kind):
    def fail(request):
        raise error

    files.prepare = fail
    with pytest.raises(WorkerFault, match=str(error)) as fault:
        load(fake_job(0), folders)
    assert fault.value.kind == kind
    assert not isinstance(fault.value, Exception)  # train_trial would take it for the trial's


def test_damaged_data_are_the_datas_fault(folders, files):
    def fail(request):
        raise CorruptDataError("damaged")

    files.prepare = fail
    with pytest.raises(CorruptDataError):
        load(fake_job(0), folders)


def test_real_set_loads(folders):
    job = fake_job(0)
    job = job.model_copy(update={"data": job.data.model_copy(update={"dataset": "digits"})})
    assert isinstance(load(job, folders), ImageData)
