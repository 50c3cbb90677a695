"""Run passes for ever: at every change, at every instant that the plan names (decision 2)."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from reconciler.desired.state import DesiredState
from reconciler.engine.desire import Desire
from reconciler.engine.passes import PassOutcome, Reconciler
from reconciler.model.errors import LeaseLostError, ReconcilerError, StoreError
from reconciler.ports import Clock
from reconciler.store import Store

log = structlog.get_logger(__name__)
_POLL = timedelta(milliseconds=200)
_AT_LEAST_EVERY = timedelta(seconds=60)
_LEASE_BEAT = timedelta(seconds=5)


class Wishes(Protocol):
    """Knows what is desired."""

    @property
    def desire(self) -> Desire:
        """The newest word."""


class Follower(Protocol):
    """Works by the desired state."""

    def follow(self, desired: DesiredState | None, /) -> None:
        """Take the desired state that is in force."""


class Loop:
    """The outermost loop of the engine; it ends only when it is told to or loses the lease."""

    def __init__(
        self, store: Store, reconciler: Reconciler, watch: Wishes, workshop: Follower, clock: Clock
    ) -> None:
        self._store = store
        self._reconciler = reconciler
        self._watch = watch
        self._workshop = workshop
        self._clock = clock
        self._woken = threading.Event()
        self._stopping = False

    def wake(self) -> None:
        """Have a pass run soon; safe from any thread, but not from signal handlers."""
        self._woken.set()

    def stop(self) -> None:
        """End after the pass that is under way; safe from any thread and from signal handlers."""
        # No event: a signal may come while this very thread holds the lock of the event.
        self._stopping = True

    def run(self) -> None:
        """Run until stopped."""
        while not self._stopping:
            self._woken.clear()
            seen = self._store.change()
            outcome = self._pass()
            self._wait(seen, outcome)

    def _pass(self) -> PassOutcome | None:
        desire = self._watch.desire
        self._workshop.follow(desire.in_force)
        try:
            return self._reconciler.run_pass(desire)
        except LeaseLostError:
            raise
        except ReconcilerError as error:
            log.error("pass not finished", reason=str(error))  # noqa: TRY400  # expected, no trace
            self._tell_stalled(str(error))
        except Exception as error:  # one broken pass must not end the process
            log.exception("pass failed")
            self._tell_stalled(f"{type(error).__name__}: {error}")
        return None

    def _tell_stalled(self, reason: str) -> None:
        # Where the store itself is the trouble, the log has to do.
        with suppress(StoreError):
            self._reconciler.tell_stalled(reason)

    def _wait(self, seen_change: int, outcome: PassOutcome | None) -> None:
        """Wait for a wake, a change in the store, the plan's instant, or the lease's beat."""
        until = self._until(outcome)
        while not self._stopping and self._clock.now() < until:
            if self._woken.wait(_POLL.total_seconds()):
                return
            if self._store.change() != seen_change:
                return

    def _until(self, outcome: PassOutcome | None) -> datetime:
        now = self._clock.now()
        latest = now + min(_AT_LEAST_EVERY, _LEASE_BEAT)
        if outcome is not None and outcome.wake_at is not None:
            return min(latest, max(outcome.wake_at, now))
        return latest
