"""The URL of an S3 bucket, as settings name it."""

from __future__ import annotations

import re

_URL = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?")


def bucket_url(url: str) -> str:
    """Return a bucket's URL as it is.

    Raises:
        ValueError: It is none; pydantic makes a message of it.
    """
    if not _URL.fullmatch(url):
        raise ValueError("a bucket of S3, s3://NAME or s3://NAME/PREFIX")
    return url
