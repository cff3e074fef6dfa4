"""A real S3 server on loopback (moto's), with one bucket, and keys that alone may use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

BUCKET = "hpo-torch-tests"
_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class S3Server:
    """Serves while the context lasts.

    Attributes:
        url: Of the service.
        access_key_id: Of the one user who may use the bucket.
        secret_access_key: Likewise.
    """

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer  # takes seconds

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.url = self.access_key_id = self.secret_access_key = ""

    def __enter__(self) -> Self:
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self.access_key_id, self.secret_access_key = self._make_user()
        self.client().create_bucket(Bucket=BUCKET)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._control("reset-auth", "inf")
        self._control("reset", "")  # what moto holds is the process's, not this server's
        self._server.stop()

    @property
    def root(self) -> str:
        """Where a run's files belong."""
        return f"s3://{BUCKET}/some/prefix"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that client and workers read."""
        return {
            "BUCKET_ENDPOINT_URL": self.url,
            "BUCKET_ACCESS_KEY_ID": self.access_key_id,
            "BUCKET_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def client(self, service: str = "s3") -> Any:
        """Return a boto3 client of the user's."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key_id or "setup",
            aws_secret_access_key=self.secret_access_key or "setup",
        )

    def objects(self) -> list[str]:
        """Return the names of all objects."""
        return [
            each["Key"] for each in self.client().list_objects(Bucket=BUCKET).get("Contents", ())
        ]

    def _make_user(self) -> tuple[str, str]:
        iam = self.client("iam")
        iam.create_user(UserName="tests")
        iam.put_user_policy(UserName="tests", PolicyName="all", PolicyDocument=json.dumps(_ALL))
        made = iam.create_access_key(UserName="tests")["AccessKey"]
        self._control("reset-auth", "0")  # from here on it checks who asks
        return made["AccessKeyId"], made["SecretAccessKey"]

    def _control(self, what: str, value: str) -> None:
        import requests

        answer = requests.post(f"{self.url}/moto-api/{what}", data=value, timeout=10)
        answer.raise_for_status()
