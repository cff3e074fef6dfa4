"""Where a server is, and the key that it wants."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from hpo_torch.plugin_api import InvalidValueError, UsageError

KEY_VARIABLE: Final = "HPO_TORCH_API_KEY"
API: Final = "/api/v1"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Target:
    """A server.

    Attributes:
        url: Its address, without a slash at the end; holds no secret.
        key: The API key; "" for none.
    """

    url: str
    key: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str, key: str | None) -> Target:
        """Check what the user gave.

        Raises:
            InvalidValueError: The URL is no http:// or https:// address.
            UsageError: The URL holds a password, or the key is none; neither is shown.
        """
        try:
            parts = urlsplit(url)
            fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port that is no number, half of an IPv6 address
            fits = False
        if "@" in url:
            raise UsageError(
                "the server's URL holds a name or password: expected http(s)://HOST:PORT. "
                f"A key is given by {KEY_VARIABLE} or --api-key."
            )
        if not fits or parts.query or parts.fragment:
            raise InvalidValueError(
                "URL",
                "a server's address like http://127.0.0.1:8000 or https://HOST",
                url,
                "`hpo-torch serve` prints it.",
            )
        return cls(url.rstrip("/").removesuffix(API), _checked_key(key))

    @property
    def api(self) -> str:
        """Where its routes begin."""
        return self.url + API

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine, as its address says."""
        return urlsplit(self.url).hostname in _LOOPBACK

    @property
    def key_is_readable(self) -> bool:
        """Whether the key goes over a network unencrypted."""
        return bool(self.key) and not self.loopback and self.url.startswith("http://")

    def command(self, *words: str) -> str:
        """Return a command for the user to type."""
        return shlex.join(("hpo-torch", "remote", self.url, *words))


def job_path(job: str, *parts: str) -> str:
    """Return the path of a job's route below `Target.api`; slashes within `parts` stay."""
    return "/".join(("/jobs", quote(job, safe=""), *(quote(part) for part in parts)))


def _checked_key(key: str | None) -> str:
    """Accept what can stand in a header; the message does not show it."""
    text = (key or "").strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(
            f"the API key ({KEY_VARIABLE} or --api-key) has characters that no key has: expected "
            "hpt_... as `hpo-torch serve keys add` printed it"
        )
    return text
