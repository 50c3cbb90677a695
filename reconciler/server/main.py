"""Runs the management point in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from reconciler.model.errors import SettingsError
from reconciler.server.point import ManagementPoint

_BACKLOG = 2048
# Agents poll every few minutes at most; a new TLS connection costs ten times a request.
_KEEP_ALIVE_SECONDS = 330
_STOP_WITHIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The PEM files of the server's certificate chain and of its key."""

    certificate: Path
    key: Path


def serve(
    app: Starlette,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: TlsFiles | None = None,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was begun and return.

    `on_ready` gets the base URL once agents may call; port 0 takes any free one. Raises
    SettingsError for an address that cannot be used, or that needs TLS and has none.
    """
    _check_address(host, tls)
    config = _configure(app, tls)
    listener = _listen(host, port)
    scheme = "https" if tls is not None else "http"
    shown = f"[{host}]" if ":" in host else host
    url = f"{scheme}://{shown}:{listener.getsockname()[1]}"
    server = _Server(config, app.state.point, lambda: on_ready(url))
    # The server raises the signal again when it is done; that must not kill the process.
    before = {number: signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, point: ManagementPoint, on_ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._point = point
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that agents may call, once they may."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Let waiting agents go at once; else the server would wait for them."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._point.waiters.close)
        super().handle_exit(sig, frame)


def _ignore(number: int, frame: FrameType | None) -> None:
    del number, frame


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address; SettingsError where it is none."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise SettingsError(
            f"{host!r} is not an IP address of this machine", hint="0.0.0.0 stands for all"
        ) from error


def _check_address(host: str, tls: TlsFiles | None) -> None:
    if not is_loopback(host) and tls is None:
        raise SettingsError(
            f"{host} can be reached from other machines, which needs TLS",
            hint="give a certificate and its key, or listen on 127.0.0.1",
        )


def _configure(app: Starlette, tls: TlsFiles | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_STOP_WITHIN_SECONDS,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        files = "" if tls is None else f" {tls.certificate} and {tls.key}"
        raise SettingsError(f"the certificate and key{files} cannot be used: {error}") from error
    return config


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"port {port} of {host} cannot be used: {error}", hint="choose another port"
        ) from error
    # Headers and body go out in two writes; else each answer waits 40 ms for a delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
