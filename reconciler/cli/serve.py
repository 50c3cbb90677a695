"""Serve agents: the process that `patchwright run` keeps alive."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import structlog

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.app.logs import configure_logs
from reconciler.app.wiring import make_depot, make_desk
from reconciler.engine.permits import PermitDesk
from reconciler.server.app import make_app
from reconciler.server.main import TlsFiles, is_loopback, serve
from reconciler.server.settings import ServerSettings
from reconciler.server.signing import Signer

log = structlog.get_logger(__name__)
_STDIN = 0


def serve_site(site: Path, ready_file: Path | None) -> int:
    """Serve until told to stop, or until the process that started this one has ended."""
    configure_logs()
    home = Home(site)
    settings = home.settings()
    store = home.open_store()
    app = make_app(
        store,
        make_depot(home),
        policy_of=make_desk(settings).policy_of,
        permit_of=PermitDesk(settings.server.poll_every).ask,
        signer=Signer.load_or_make(home.policy_key),
        clock=SystemClock(),
        settings=ServerSettings(
            site=settings.name,
            policy_lifetime=settings.server.policy_lifetime,
            enrolments_per_minute=settings.server.enrolments_per_minute,
        ),
    )
    threading.Thread(target=_end_with_parent, daemon=True).start()
    tls = None
    if settings.server.tls == "always" or not is_loopback(settings.server.host):
        tls = TlsFiles(home.certificate, home.certificate_key)

    def ready(url: str) -> None:
        log.info("serving", url=url)
        if ready_file is not None:
            _write_whole(ready_file, url)

    try:
        serve(app, host=settings.server.host, port=settings.server.port, tls=tls, on_ready=ready)
    finally:
        store.close()
    return 0


def _end_with_parent() -> None:
    """Standard input is a pipe from the parent: its end means that the parent is gone."""
    # Not through sys.stdin: its lock, held by this thread, would break the interpreter's end.
    while os.read(_STDIN, 1):
        pass
    os._exit(0)


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text)
    draft.replace(path)
