"""`patchwright run`: the engine in this process, the management point in a child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import structlog

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home
from reconciler.app.logs import configure_logs
from reconciler.app.wiring import make_loop, make_reconciler

log = structlog.get_logger(__name__)
_RESTART_AFTER = timedelta(seconds=1)
_STOP_WITHIN = timedelta(seconds=15)


class ServerChild(threading.Thread):
    """Keeps one management point process alive; it ends with this process, however that ends."""

    def __init__(self, site: Path, ready_file: Path | None) -> None:
        super().__init__(name="server-child", daemon=True)
        self._command = [sys.executable, "-m", "reconciler.cli", "serve", "--site", str(site)]
        if ready_file is not None:
            self._command += ["--ready-file", str(ready_file)]
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        while not self._stopping.is_set():
            # Its standard input is our lifeline: the kernel closes it when we are gone.
            with subprocess.Popen(self._command, stdin=subprocess.PIPE) as child:
                self._child = child
                if self._stopping.is_set():
                    child.terminate()
                code = child.wait()
            if not self._stopping.is_set():
                log.error("management point ended", code=code)
                time.sleep(_RESTART_AFTER.total_seconds())

    def stop(self) -> None:
        """End the child and wait for it."""
        self._stopping.set()
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
        self.join(_STOP_WITHIN.total_seconds())


def run_site(site: Path, ready_file: Path | None) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP reads the source at once."""
    configure_logs()
    home = Home(site)
    settings = home.settings()
    clock = SystemClock()
    store = home.open_store()
    with home.control() as owner:
        reconciler = make_reconciler(settings, store, clock, owner)
        reconciler.begin()
        loop, watch, workshop = make_loop(home, settings, store, clock, reconciler)
        child = ServerChild(site, ready_file)
        _on_signals(loop.stop, watch.poke)
        threads = (watch, workshop, child)
        for thread in threads:
            thread.start()
        log.info("running", site=settings.name, pid=os.getpid())
        try:
            loop.run()
        finally:
            for thread in threads:
                thread.stop()
            reconciler.end()
    store.close()
    log.info("stopped")
    return 0


def _on_signals(stop: Callable[[], None], read_now: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop())
    signal.signal(signal.SIGINT, lambda _number, _frame: stop())
    signal.signal(signal.SIGHUP, lambda _number, _frame: read_now())
