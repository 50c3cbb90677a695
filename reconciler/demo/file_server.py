"""Serves a directory over HTTP on loopback, as a mirror does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import BinaryIO


@contextmanager
def serve(path: Path, *, port: int = 0) -> Iterator[str]:
    """Yield the base URL, without a slash at its end; port 0 takes any free one."""
    handler = partial(_QuietHandler, directory=str(path))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _QuietHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Header and body go out in two writes; else each answer waits for a delayed ACK.
    disable_nagle_algorithm = True
    timeout = 60

    def send_head(self) -> BytesIO | BinaryIO | None:
        # Its "not modified" counts whole seconds, and a suite may change twice within one.
        del self.headers["If-Modified-Since"]
        return super().send_head()

    def log_message(self, *_: object) -> None:
        """Keep the terminal for the demonstration."""
