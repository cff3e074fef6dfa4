"""Gates against web pages that would use the browser of somebody who can reach the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from hpo_torch_server.gates import Gate
from hpo_torch_server.problems import Problem

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import Receive

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class HostGate(Gate):
    """Refuses requests for a host that this server is not.

    A page can point its own host name at 127.0.0.1 (DNS rebinding); the browser then takes this
    server for the page's own. On loopback, where no key may be needed, only known names count.
    """

    async def admit(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """Raises Problem: 403."""
        known = {name.lower() for name in self.settings.hosts}
        if self.settings.loopback:
            known |= {*_LOOPBACK_NAMES, self.settings.host.strip("[]").lower()}
        given = connection.headers.get("host", "")
        if known and _name(given) not in known:
            detail = (
                f"expected a request for {' or '.join(sorted(known))}, got one for "
                f"{given[:100]!r}; `hpo-torch serve --allow-host NAME` allows more"
            )
            raise Problem(403, "", detail, "foreign-host")
        return receive


class OriginGate(Gate):
    """Refuses what changes something, and WebSockets, where a foreign page has sent it.

    Browsers say which page sends (Origin); other clients send none. CORS does not cover this: it
    keeps a page from reading answers, not from sending, and not from opening WebSockets.
    """

    async def admit(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """Raises Problem: 403."""
        origin = connection.headers.get("origin")
        if origin is None or connection.scope.get("method") in _SAFE:
            return receive
        own = connection.headers.get("host", "").lower()
        # The scheme is not compared: a proxy may have taken TLS off.
        if origin.partition("://")[2].lower() == own or origin.lower() in self.settings.cors:
            return receive
        detail = (
            f"expected a request of this server's own pages, got one of {origin[:100]!r}; "
            "`hpo-torch serve --cors ORIGIN` allows others"
        )
        raise Problem(403, "", detail, "foreign-origin")


def _name(host: str) -> str | None:
    """Return a Host header's name without its port, in lower case; None of what is none."""
    try:
        parts = urlsplit(f"//{host}")
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None
