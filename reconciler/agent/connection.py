"""One kept-alive HTTP connection to the site, bounded in time and size."""

from __future__ import annotations

import http.client
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Optional
from urllib.parse import urlsplit

from reconciler.agent.errors import AgentError, SiteUnreachableError

TIMEOUT = timedelta(seconds=30)
_BODY_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True)
class Address:
    """Where the site listens."""

    secure: bool
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Answer:
    """A whole answer; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def parse_address(url: str) -> Address:
    """Read the site's URL: https, or http on loopback only; raises AgentError."""
    hint = "write it as https://site.example:8443"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AgentError(f"the server's URL is wrong: {error}", hint=hint) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AgentError(f"{url!r} is not the URL of a server", hint=hint)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise AgentError("the server's URL holds more than host, port and path", hint=hint)
    secure = parts.scheme == "https"
    if not secure and not _is_loopback(parts.hostname):
        raise AgentError(
            f"{parts.hostname} is not this machine, and http would show all to the network",
            hint="use https, and --ca FILE for a site with a CA of its own",
        )
    return Address(secure, parts.hostname, port or (443 if secure else 80), parts.path.rstrip("/"))


class Connection:
    """Sends requests one after the other; opens the connection anew when it was closed."""

    def __init__(self, server: str, ca: Optional[str]) -> None:
        self._address = parse_address(server)
        self._tls = _make_tls(ca) if self._address.secure else None
        self._open: Optional[http.client.HTTPConnection] = None

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: timedelta = TIMEOUT,
    ) -> Answer:
        """Give the whole answer, whatever its status; raises SiteUnreachableError."""
        answer = self.start(method, path, headers=headers, body=body, timeout=timeout)
        try:
            content = answer.read(_BODY_LIMIT + 1)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise SiteUnreachableError(f"the site's answer broke off: {error}") from error
        if len(content) > _BODY_LIMIT:
            self.close()
            raise SiteUnreachableError(f"the site's answer is larger than {_BODY_LIMIT} bytes")
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, content)

    def start(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Optional[bytes] = None,
        timeout: timedelta = TIMEOUT,
    ) -> http.client.HTTPResponse:
        """Give the answer's head; the caller reads its body, or closes the connection."""
        kept = self._open is not None
        try:
            return self._send(method, path, headers, body, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            # A kept connection may have been closed by the site while it was idle.
            if not kept or isinstance(error, TimeoutError):
                raise SiteUnreachableError(f"the site does not answer: {_tell(error)}") from error
        try:
            return self._send(method, path, headers, body, timeout)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise SiteUnreachableError(f"the site does not answer: {_tell(error)}") from error

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Optional[bytes],
        timeout: timedelta,
    ) -> http.client.HTTPResponse:
        if self._open is None:
            self._open = self._connect()
        self._open.timeout = timeout.total_seconds()
        if self._open.sock is not None:
            self._open.sock.settimeout(timeout.total_seconds())
        self._open.request(method, self._address.path + path, body=body, headers=dict(headers))
        return self._open.getresponse()

    def _connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._address.host, self._address.port)
        return http.client.HTTPSConnection(
            self._address.host, self._address.port, context=self._tls
        )


def _make_tls(ca: Optional[str]) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise AgentError(
            f"cannot use the certificates in {ca}: {error}",
            hint="--ca takes a file of PEM certificates, as the site's `init` writes it",
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _tell(error: Exception) -> str:
    return str(error) or type(error).__name__
