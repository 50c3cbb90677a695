"""Runs: who begins one, how long it takes, how it ends, and the restart after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.random import Generator
from pyroaring import BitMap

from reconciler.model.aims import Aim
from reconciler.model.updates import Update
from reconciler.observed.columns import NEVER, micros
from reconciler.observed.flags import bits_of_flags
from reconciler.observed.order import Flags, Ints, Ordinals, array_of, bits_of
from reconciler.simulation.behaviour import Behaviour, Floats
from reconciler.simulation.estate import Estate, RunBook
from reconciler.simulation.offers import MICROSECONDS, Offered
from reconciler.simulation.openings import Openings
from reconciler.simulation.truth import Truth

_LAST_MINUTES = 10 * 60 * MICROSECONDS
_MICROSECOND = timedelta(microseconds=1)
_REDRAWS = 8


@dataclass(frozen=True, slots=True)
class Ended:
    """Whose runs of one release ended in a tick."""

    one: Offered
    succeeded: BitMap
    failed: BitMap


class Runs:
    """All runs under way; a computer does one, of one release or of several."""

    def __init__(
        self, estate: Estate, behaviour: Behaviour, truth: Truth, chance: Generator
    ) -> None:
        self._estate = estate
        self._behaviour = behaviour
        self._truth = truth
        self._chance = chance
        self._books: dict[str, RunBook] = {}
        self._failing: dict[str, BitMap] = {}
        self._doing: dict[str, Offered] = {}
        self._restart_at: Ints = np.full(estate.size, NEVER, dtype=np.int64)
        self._restart_grace: Ints = np.zeros(estate.size, dtype=np.int64)
        self.until: Ints = np.full(estate.size, NEVER, dtype=np.int64)
        self.busy = BitMap()
        self.awaiting_restart = BitMap()

    def book(self, release: str) -> RunBook:
        """Give the runs of a release."""
        if release not in self._books:
            known = self._estate.fleet.runs_of(release)
            self._books[release] = RunBook(self._estate.size, known)
        return self._books[release]

    def begin(
        self, one: Offered, who: BitMap, now: datetime, update: Callable[[str], Update]
    ) -> None:
        """Let computers begin a run; what it will come to is drawn now."""
        ordinals = array_of(who)
        begins = np.where(self.until[ordinals] == NEVER, micros(now), self.until[ordinals])
        self._go_on(one, ordinals, begins, self._spans(ordinals), update)
        self.book(one.release).begin(who, now)
        self._publish(one.release)

    def resume(self, one: Offered, now: datetime, update: Callable[[str], Update]) -> BitMap:
        """Go on with what had begun before, restarts included; give whose runs."""
        book = self.book(one.release)
        members = BitMap(one.members)
        who = book.resume(members - self.busy)
        ordinals = array_of(who)
        began = book.began[ordinals]
        # When the site last heard of the computer, its run was not over.
        lasted = np.maximum(self._estate.contact_at[ordinals], began) - began
        self._go_on(one, ordinals, began, self._spans_beyond(ordinals, lasted), update)
        ran = members & bits_of_flags(book.ended != NEVER)
        self._want_restart(one, ran & self._truth.pending(one.offer.updates), now)
        return who

    def _go_on(
        self,
        one: Offered,
        ordinals: Ordinals,
        begins: Ints,
        spans: Ints,
        update: Callable[[str], Update],
    ) -> None:
        failed = (spans > one.runtime) | self._draw_failures(one, ordinals, update)
        self.until[ordinals] = begins + np.minimum(spans, one.runtime)
        who = bits_of(ordinals)
        self.busy |= who
        self._doing[one.release] = one
        known = self._failing.get(one.release, BitMap())
        self._failing[one.release] = (known - who) | bits_of(ordinals[failed])

    def end(self, now: datetime, restarting: frozenset[str]) -> list[Ended]:
        """Let the runs end whose time is over."""
        busy = array_of(self.busy)
        over = bits_of(busy[self.until[busy] < micros(now)])
        ended = []
        for release, one in self._doing.items() if over else ():
            failing = self._failing.get(release, BitMap())
            mine = self.book(release).end(over, self.until, failing)
            if mine:
                done = Ended(one, mine - failing, mine & failing)
                if one.offer.aim is Aim.REMOVE:
                    self._truth.remove(one.offer.updates, done.succeeded)
                else:
                    self._truth.install(one.offer.updates, done.succeeded, restarting)
                self._want_restart(one, done.succeeded, now)
                ended.append(done)
        self.until[array_of(over)] = NEVER
        self.busy -= over
        return ended

    def tell(self, contacted: BitMap) -> BitMap:
        """Tell the site what ended on those in contact; give whose."""
        told = BitMap()
        for release, book in self._books.items():
            mine = book.tell(contacted)
            if mine:
                told |= mine
                self._publish(release)
        return told

    def restart(self, now: datetime, is_on: Flags, openings: Openings) -> BitMap:
        """Restart who may: the rest of the window has to be grace and ten minutes (S4)."""
        waiting = array_of(self.awaiting_restart - self.busy)
        if not len(waiting):
            return BitMap()
        rest = openings.rest(now, "restarts")[waiting]
        fits = rest >= self._restart_grace[waiting] + _LAST_MINUTES
        may = is_on[waiting] & fits & (self._restart_at[waiting] <= micros(now))
        who = bits_of(waiting[may])
        self._truth.restart(who)
        self.awaiting_restart -= who
        return who

    def _spans(self, ordinals: Ordinals) -> Ints:
        """Draw how long runs take; a logarithm of it is normal."""
        drawn = self._chance.standard_normal(len(ordinals)) * self._behaviour.run_sigma[ordinals]
        spans: Ints = (self._behaviour.run_median[ordinals] * np.exp(drawn)).astype(np.int64)
        return spans

    def _spans_beyond(self, ordinals: Ordinals, lasted: Ints) -> Ints:
        """Draw how long runs take of which it is known how long they took at least."""
        spans = self._spans(ordinals)
        for _ in range(_REDRAWS):
            short = spans < lasted
            spans[short] = self._spans(ordinals[short])
        longest: Ints = np.maximum(spans, lasted)
        return longest

    def _draw_failures(
        self, one: Offered, ordinals: Ordinals, update: Callable[[str], Update]
    ) -> Flags:
        lasting: Floats = 1.0 - self._behaviour.failure[ordinals]
        for name in one.offer.updates:
            share = self._behaviour.update_failure(update(name))
            if share:
                mine = np.isin(ordinals, array_of(self._truth.missing(name)))
                lasting[mine] *= 1.0 - share
        drawn: Flags = self._chance.random(len(ordinals)) >= lasting
        return drawn | self._behaviour.broken[ordinals]

    def _want_restart(self, one: Offered, who: BitMap, now: datetime) -> None:
        order = one.offer.order.restart
        for rule, is_mine in (
            (order.servers, ~self._estate.has_user),
            (order.workstations, self._estate.has_user),
        ):
            if rule == "suppress":
                continue
            mine = who & bits_of_flags(is_mine)
            wanting = mine if rule == "force" else mine & self._truth.awaiting_restart
            ordinals = array_of(wanting)
            grace = order.grace // _MICROSECOND
            self._restart_at[ordinals] = micros(now) + grace
            self._restart_grace[ordinals] = grace
            self.awaiting_restart |= wanting

    def _publish(self, release: str) -> None:
        self._estate.fleet.runs[release] = self.book(release).column()
