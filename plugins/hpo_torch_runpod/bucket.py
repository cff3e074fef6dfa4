"""An S3 bucket between client and workers: for what is too large to travel with a job.

Both sides use their own keys, from their own environment; neither ever sends them to the other.
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from hpo_torch.plugin_api import CorruptDataError, OutputError
from hpo_torch_runpod.keys import BUCKET_ID, BUCKET_KEY, BUCKET_URL, bucket_keys
from hpo_torch_runpod.wire import StoredArtefact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hpo_torch_runpod.keys import BucketKeys

_PART_BYTES = 16_000_000  # of a transfer in several parts; one that breaks is repeated alone
_SECONDS_TO_CONNECT, _SECONDS_TO_READ = 10, 60
_TRIES = 5  # of one request, by botocore; with growing pauses
_DOWNLOADS = 3  # of a file that arrives damaged
_DENIED: Final = frozenset(
    {"403", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
)
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})


class BucketError(OutputError):
    """A bucket cannot be read or written; no message of it holds a key.

    It is an error of the place, not of a trial that meets it: the trial can be trained elsewhere.
    """


class Place(NamedTuple):
    """Where an object is, or where objects begin: "s3://bucket/key"."""

    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Read "s3://bucket" or "s3://bucket/key".

        Raises:
            BucketError: It is something else.
        """
        bucket, _, key = url.removeprefix("s3://").partition("/")
        if not url.startswith("s3://") or not bucket:
            raise BucketError(f"expected a bucket as s3://bucket/prefix, got {url!r}")
        return cls(bucket, key.strip("/"))


def data_url(root: str, sha256: str) -> str:
    """Return where data with this hash belong below `root` ("s3://bucket/prefix")."""
    return f"{root.rstrip('/')}/hpo-torch/data/{sha256}"


def weights_url(root: str, run: str, attempt: str) -> str:
    """Return where an attempt's weights belong below `root`."""
    return f"{root.rstrip('/')}/hpo-torch/weights/{run}/{attempt}/model.ckpt"


class Bucket:
    """The objects of an S3 service.

    Transfers are repeated by botocore, with growing pauses; what still fails is a `BucketError`.

    Args:
        keys: Where the service is, and who asks.
    """

    def __init__(self, keys: BucketKeys) -> None:
        self._service = keys.url or "Amazon S3"
        self._client = _client(keys)

    @classmethod
    def from_environment(cls) -> Self:
        """Use the keys of this machine's environment; raises BucketError without any."""
        keys = bucket_keys()
        if keys is None:
            raise BucketError(
                f"a bucket needs {BUCKET_ID} and {BUCKET_KEY} in the environment, and {BUCKET_URL} "
                "unless it is Amazon's; on workers they belong into the endpoint's template"
            )
        return cls(keys)

    def check(self, url: str) -> None:
        """Check that the bucket of `url` is there and lets us in.

        Raises:
            BucketError: There is none, it is not ours, or the service does not answer.
        """
        bucket = Place.of(url).bucket
        with self._clear_errors("use", f"s3://{bucket}"):
            self._client.head_bucket(Bucket=bucket)

    def size_of(self, url: str) -> int | None:
        """Return an object's size in bytes; None where there is none."""
        from botocore.exceptions import ClientError

        place = Place.of(url)
        with self._clear_errors("look for", url):
            try:
                found = self._client.head_object(Bucket=place.bucket, Key=place.key)
            except ClientError as error:
                if _code(error) not in _ABSENT:
                    raise
                self.check(url)  # the answer to a HEAD has no body that says what is absent
                return None
        return int(found["ContentLength"])

    def put_file(self, path: Path, url: str) -> None:
        """Upload a file, in several parts at once if it is large.

        Raises:
            BucketError: It failed, or the object that is there now has another size.
        """
        from boto3.s3.transfer import TransferConfig

        place = Place.of(url)
        parts = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES)
        with self._clear_errors("upload to", url), path.open("rb") as file:
            self._client.upload_fileobj(file, place.bucket, place.key, Config=parts)
        size, arrived = path.stat().st_size, self.size_of(url)
        if arrived != size:
            raise BucketError(f"{url}: uploaded {size:,} bytes, but the service has {arrived}")

    def get_file(self, url: str, path: Path, sha256: str) -> None:
        """Download an object to `path`, which then holds exactly what `sha256` is the hash of.

        The file is complete or absent, whoever else writes it at the same time. What arrives
        damaged is thrown away and fetched anew.

        Raises:
            BucketError: There is no such object, or the transfer failed.
            CorruptDataError: What the bucket holds is something else.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            for _ in range(_DOWNLOADS):
                found = self._download(url, part)
                if found == sha256:
                    part.replace(path)
                    return
        finally:
            part.unlink(missing_ok=True)
        raise CorruptDataError(
            f"{url}: expected sha256:{sha256}, got sha256:{found} {_DOWNLOADS} times. Remove the "
            "object and run again: it is uploaded anew."
        )

    def _download(self, url: str, path: Path) -> str:
        place = Place.of(url)
        with self._clear_errors("download", url), path.open("wb") as file:
            self._client.download_fileobj(place.bucket, place.key, file)
        return _sha256(path)

    @contextmanager
    def _clear_errors(self, action: str, url: str) -> Iterator[None]:
        """Say what a service's error means; not as its cause: a traceback would quote requests."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            yield
        except ClientError as error:
            raise BucketError(
                f"cannot {action} {url}: {self._meaning(_code(error), url)}"
            ) from None
        except (HTTPClientError, BotoCoreError, Boto3Error) as error:
            raise BucketError(
                f"cannot {action} {url}: {self._service} does not answer as a bucket should "
                f"({type(error).__name__}). Check {BUCKET_URL} and the network."
            ) from None

    def _meaning(self, code: str, url: str) -> str:
        bucket = Place.of(url).bucket
        if code in _DENIED:
            return (
                f"{self._service} denies access to '{bucket}' ({code}). Check {BUCKET_ID}, "
                f"{BUCKET_KEY} and the bucket's permissions."
            )
        if code == "NoSuchBucket" or (code in _ABSENT and not Place.of(url).key):
            return f"{self._service} has no bucket '{bucket}'. Make it, or name another (--bucket)."
        if code in _ABSENT:
            return f"it is not there ({code}), or {self._service} has no bucket '{bucket}'"
        return f"{self._service} answered {code}"


def store_weights(bucket: Bucket, path: Path, root: str, run: str, attempt: str) -> StoredArtefact:
    """Upload an attempt's weights, on the worker, and return the line that says where they are.

    Args:
        bucket: The worker's.
        path: Of model.ckpt.
        root: "s3://bucket/prefix".
        run: The study's name.
        attempt: The attempt's id.

    Raises:
        BucketError: They cannot be uploaded.
    """
    url = weights_url(root, run, attempt)
    bucket.put_file(path, url)
    return StoredArtefact(
        attempt=attempt, name=path.name, sha256=_sha256(path), size=path.stat().st_size, url=url
    )


def fetch_weights(bucket: Bucket, stored: StoredArtefact, path: Path) -> None:
    """Download what `store_weights` uploaded, on the client; see `Bucket.get_file`."""
    bucket.get_file(stored.url, path, stored.sha256)


def _client(keys: BucketKeys) -> Any:
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=keys.url,
        region_name=_region(keys.url),
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key.get_secret_value(),
        config=Config(
            connect_timeout=_SECONDS_TO_CONNECT,
            read_timeout=_SECONDS_TO_READ,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            # Services other than Amazon's know neither its host names for buckets, nor the
            # checksums that botocore adds by default; everything is verified by SHA-256 here.
            s3={"addressing_style": "path" if keys.url else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _region(url: str | None) -> str | None:
    """Return the region that a service's URL names; None leaves it to AWS_DEFAULT_REGION."""
    host = (url or "").partition("://")[2].partition("/")[0]
    if ".s3." in f".{host}":  # s3.eu-central-003.backblazeb2.com
        return f".{host}".partition(".s3.")[2].partition(".")[0]
    if host.endswith(".digitaloceanspaces.com"):
        return host.removesuffix(".digitaloceanspaces.com").rpartition(".")[2]
    return None


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "an error without a code"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
