"""The site's time on this machine, and leave to wait for it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone

from reconciler.agent.errors import StoppedError, WokenError


def read_local_clock() -> datetime:
    """Give this machine's own idea of the present instant."""
    return datetime.now(timezone.utc)


class SiteClock:
    """The site's authenticated time: the local clock, corrected by a signed instant (S1).

    Within one life of the agent it runs by the steady clock, so that nobody who steps the
    machine's clock moves it. `confirmed` tells that a policy of this life has set it.
    """

    def __init__(
        self,
        ahead: timedelta,
        local: Callable[[], datetime] = read_local_clock,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._local = local
        self._steady = steady
        self._base = local() + ahead
        self._base_at = steady()
        self.confirmed = False

    def now(self) -> datetime:
        """Give the present instant of the site."""
        return self._base + timedelta(seconds=self._steady() - self._base_at)

    def set(self, issued_at: datetime) -> timedelta:
        """Take the site's instant as now, and give how far it is ahead of the local clock."""
        self._base, self._base_at = issued_at, self._steady()
        self.confirmed = True
        return issued_at - self._local()


class Stop:
    """Notes SIGTERM and SIGINT, and ends a wait at once, but nothing else.

    Another thread may wake the main one, which ends only the waits that say so.
    """

    def __init__(self) -> None:
        self.requested = False
        self._waiting = False
        self._wakeable = False
        self._woken = False

    def listen(self) -> None:
        """Take over these signals from now on, and SIGUSR1 for ourselves."""
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGUSR1, self._note_waking)

    def wake(self) -> None:
        """End the main thread's wait, or its next one; for other threads, after `listen`."""
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    @contextmanager
    def interruptible(self, *, wakeable: bool = False) -> Iterator[None]:
        """Raise StoppedError inside as soon as a signal comes, or has come.

        A wakeable one raises WokenError as well, when somebody calls `wake` or has called it.
        """
        self._waiting, self._wakeable = True, wakeable
        try:
            if self.requested:
                raise StoppedError("asked to stop")
            if wakeable and self._woken:
                raise WokenError("woken")
            yield
        finally:
            self._waiting = self._wakeable = False
            if wakeable:
                self._woken = False

    def sleep(self, span: timedelta) -> None:
        """Wait, unless asked to stop; raises StoppedError then."""
        with self.interruptible():
            time.sleep(max(0.0, span.total_seconds()))

    def rest(self, span: timedelta) -> None:
        """Wait, unless woken; raises StoppedError when asked to stop."""
        with suppress(WokenError), self.interruptible(wakeable=True):
            time.sleep(max(0.0, span.total_seconds()))

    def _note(self, *_: object) -> None:
        self.requested = True
        if self._waiting:
            raise StoppedError("asked to stop")

    def _note_waking(self, *_: object) -> None:
        self._woken = True
        if self._wakeable:
            self._wakeable = False
            raise WokenError("woken")
