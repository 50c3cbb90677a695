"""Run passes for ever: at every change, at every instant that the plan names (decision 2)."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import structlog

from reconciler.engine.desire import Watch
from reconciler.engine.passes import PassOutcome, Reconciler
from reconciler.engine.workshop import Workshop
from reconciler.model.errors import LeaseLostError, ReconcilerError
from reconciler.ports import Clock
from reconciler.store import Store

log = structlog.get_logger(__name__)
_POLL = timedelta(milliseconds=200)
_AT_LEAST_EVERY = timedelta(seconds=60)
_LEASE_BEAT = timedelta(seconds=5)


class Loop:
    """The outermost loop of the engine; it ends only when it is told to or loses the lease."""

    def __init__(
        self, store: Store, reconciler: Reconciler, watch: Watch, workshop: Workshop, clock: Clock
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
        except Exception:  # one broken pass must not end the process
            log.exception("pass failed")
        return None

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
