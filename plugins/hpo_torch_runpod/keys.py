"""What the environment says of RunPod: the account's key, an endpoint, a bucket's keys.

Keys are `SecretStr`s: neither a log nor a traceback shows them, and none is ever written to a file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from hpo_torch.plugin_api import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpo_torch.config.remote_schema import RemoteSettings

API_KEY: Final = "RUNPOD_API_KEY"
ENDPOINT_ID: Final = "RUNPOD_ENDPOINT_ID"
BUCKET_URL: Final = "BUCKET_ENDPOINT_URL"
BUCKET_ID: Final = "BUCKET_ACCESS_KEY_ID"
BUCKET_KEY: Final = "BUCKET_SECRET_ACCESS_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketKeys:
    """Where an S3 bucket is served, and who may use it.

    Attributes:
        url: Of the S3 service; None means Amazon's.
        access_key_id: Name of the key.
        secret_access_key: The key.
    """

    url: str | None
    access_key_id: str
    secret_access_key: SecretStr


def has_api_key(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether RUNPOD_API_KEY is set."""
    return bool(environment.get(API_KEY, "").strip())


def api_key(environment: Mapping[str, str] = os.environ) -> SecretStr:
    """Return the account's key, from RUNPOD_API_KEY.

    The SDK reads it from `~/.runpod/config.toml` alone; a key from there would not be the one that
    a user sees in the shell, so it is given to the SDK explicitly.

    Raises:
        UsageError: The variable is not set, or is no key.
    """
    key = environment.get(API_KEY, "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:  # an error of HTTP would quote it
        raise UsageError(
            f"RunPod: expected an API key in the environment variable {API_KEY}, got something "
            "with spaces or special characters in it. Copy the key again."
        )
    if not key:
        raise UsageError(
            f"RunPod: expected an API key in the environment variable {API_KEY}, got none. Make "
            "one at https://console.runpod.io/user/settings and export it."
        )
    return SecretStr(key)


def endpoint_id(
    settings: RemoteSettings, environment: Mapping[str, str] = os.environ
) -> str | None:
    """Return the one endpoint that settings name, or RUNPOD_ENDPOINT_ID where they name none.

    None where neither does, and where settings list endpoints by tier.
    """
    if settings.endpoint or settings.endpoints:
        return settings.endpoint
    return environment.get(ENDPOINT_ID, "").strip() or None


def bucket_keys(environment: Mapping[str, str] = os.environ) -> BucketKeys | None:
    """Return a bucket's keys, from the variables that RunPod's own SDK reads; None without them."""
    name, key = (environment.get(each, "").strip() for each in (BUCKET_ID, BUCKET_KEY))
    if not (name and key):
        return None
    url = environment.get(BUCKET_URL, "").strip() or None
    return BucketKeys(url=url, access_key_id=name, secret_access_key=SecretStr(key))
