"""One HTTP request, which ends in time whatever the other side does."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.model.errors import FetchError

_HEADERS = {
    "User-Agent": "patchwright",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of the other side; `headers` may hold secrets and are never shown."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = None


GET = Asking()


class Watch:
    """Cuts the guarded connection off when its time is over.

    A timeout on the socket is not enough: it starts anew with every byte that drips in.
    """

    def __init__(self) -> None:
        self.has_cut = False
        self._lock = threading.Lock()
        self._guarded: socket.socket | None = None

    def guard(self, connected: socket.socket) -> None:
        """Watch this connection, until `release`."""
        with self._lock:
            # A handle of our own: under TLS the other thread's one must not be touched.
            self._guarded = socket.socket(fileno=os.dup(connected.fileno()))
            if self.has_cut:
                self._shut()

    def release(self) -> None:
        """Forget the connection."""
        with self._lock:
            if self._guarded is not None:
                self._guarded.close()
                self._guarded = None

    def cut(self) -> None:
        """End the connection, and every later one at once."""
        with self._lock:
            self.has_cut = True
            self._shut()

    def _shut(self) -> None:
        if self._guarded is not None:
            with suppress(OSError):
                self._guarded.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut_after(within: timedelta) -> Iterator[Watch]:
    """Yield a watch that cuts once the time is over."""
    watch = Watch()
    timer = threading.Timer(within.total_seconds(), watch.cut)
    timer.daemon = True
    timer.start()
    try:
        yield watch
    finally:
        timer.cancel()


@contextmanager
def request(
    parts: SplitResult,
    timeout: timedelta,
    proxies: Mapping[str, str],
    watch: Watch,
    asking: Asking = GET,
) -> Iterator[http.client.HTTPResponse]:
    """Yield the answer, whatever its status; raises OSError and HTTPException."""
    proxy = _proxy_for(parts, proxies)
    connection = _connection_to(parts, proxy, timeout)
    try:
        connection.connect()
        watch.guard(connection.sock)
        target = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        headers = {**_HEADERS, **asking.headers}
        if proxy is not None and parts.scheme == "http":
            target = parts._replace(fragment="").geturl()
            headers |= _credentials(proxy)
        connection.request(asking.method, target, body=asking.body, headers=headers)
        with connection.getresponse() as answer:
            yield answer
    finally:
        watch.release()
        connection.close()


def _connection_to(
    parts: SplitResult, proxy: SplitResult | None, timeout: timedelta
) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    if proxy is None:
        return kind(host, parts.port, timeout=timeout.total_seconds())
    connection = kind(proxy.hostname or "", proxy.port or 80, timeout=timeout.total_seconds())
    if parts.scheme == "https":
        connection.set_tunnel(host, parts.port or 443, headers=_credentials(proxy))
    return connection


def _proxy_for(parts: SplitResult, proxies: Mapping[str, str]) -> SplitResult | None:
    """Choose the proxy, as every program does that reads `http_proxy` and `no_proxy`."""
    address = proxies.get(parts.scheme, "")
    if not address or _is_direct(parts.hostname or "", proxies.get("no", "")):
        return None
    proxy = urlsplit(address if "://" in address else f"http://{address}")
    if proxy.scheme != "http" or not proxy.hostname:
        raise FetchError(
            f"the proxy for {parts.scheme} URLs is no http proxy",
            hint=f"set {parts.scheme}_proxy to http://HOST:PORT",
        )
    return proxy


def _is_direct(host: str, exceptions: str) -> bool:
    """Tell whether the host is named in `no_proxy`: itself, a domain above it, or `*`."""
    names = [name.strip().lower().lstrip(".") for name in exceptions.split(",")]
    return any(name and (name in {"*", host} or host.endswith(f".{name}")) for name in names)


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
