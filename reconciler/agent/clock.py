"""The site's time on this machine, and leave to wait for it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

from reconciler.agent.errors import StoppedError


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
    """Notes SIGTERM and SIGINT, and ends a wait at once, but nothing else."""

    def __init__(self) -> None:
        self.requested = False
        self._waiting = False

    def listen(self) -> None:
        """Take over both signals from now on."""
        signal.signal(signal.SIGTERM, self._note)
        signal.signal(signal.SIGINT, self._note)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Raise StoppedError inside as soon as a signal comes, or has come."""
        self._waiting = True
        try:
            if self.requested:
                raise StoppedError("asked to stop")
            yield
        finally:
            self._waiting = False

    def sleep(self, span: timedelta) -> None:
        """Wait, unless asked to stop; raises StoppedError then."""
        with self.interruptible():
            time.sleep(max(0.0, span.total_seconds()))

    def _note(self, *_: object) -> None:
        self.requested = True
        if self._waiting:
            raise StoppedError("asked to stop")
