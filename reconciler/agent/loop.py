"""The agent's pass: poll, scan and run what is due, deliver; and the loop of passes."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Optional

from reconciler.agent.client import Site
from reconciler.agent.delivery import deliver
from reconciler.agent.due import next_change_at
from reconciler.agent.errors import (
    PolicyRefusedError,
    SiteUnreachableError,
    StoppedError,
    WokenError,
)
from reconciler.agent.home import Identity
from reconciler.agent.machine import Machine
from reconciler.agent.memory import Memory, clock_skew_minutes
from reconciler.agent.renewal import Renewal
from reconciler.agent.trust import read_policy, verify_policy
from reconciler.agent.work import Work
from reconciler.model.errors import ReconcilerError
from reconciler.model.policy import Offer, Policy, SignedPolicy

_LONGEST_WAIT = timedelta(seconds=55)
_BLOCKED_WAIT = timedelta(seconds=5)
_SHORTEST_WAIT = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)


class Backoff:
    """How long to wait after failures: doubled each time, with jitter, up to five minutes."""

    _first = timedelta(seconds=1)
    _longest = timedelta(minutes=5)

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._failures = 0

    def failed(self, asked: Optional[timedelta] = None) -> timedelta:
        """Give the wait after one more failure; at least what the site asked for."""
        span = min(self._first * (1 << min(self._failures, 16)), self._longest)
        self._failures += 1
        return max(span * (0.5 + self._draw() / 2), (asked or span * 0) * (1 + self._draw() / 10))

    def worked(self) -> None:
        """Begin again with the shortest wait."""
        self._failures = 0


class Agent:
    """One computer's agent, enrolled at one site."""

    def __init__(self, machine: Machine, site: Site, identity: Identity, renewal: Renewal) -> None:
        self._machine = machine
        self._journal = machine.journal
        self._site = site
        self._identity = identity
        self._work = Work(machine, self._deliver, self._is_permitted)
        self._renewal = renewal
        self._backoff = Backoff()
        self._policy = self._load_policy()

    def run_forever(self) -> None:
        """Go from pass to pass until asked to stop, and answer users."""
        with self._work.desk.open():
            try:
                self._go_on()
            except StoppedError:
                self._machine.log.info("stopped")

    def _go_on(self) -> None:
        pause = self._pass(timedelta(0))
        while not self._machine.stop.requested:
            self._rest(pause)
            # What could not be done or told must not wait while the site holds a poll.
            pause = self._pass(timedelta(0) if pause else self._wait())

    def run_once(self) -> bool:
        """Make one pass without waiting, and tell whether everything in it worked."""
        try:
            before = self._journal.memory.ended
            self._poll(timedelta(0))
            worked = self._act()
            self._deliver()
        except StoppedError:
            return False
        except ReconcilerError as error:
            self._machine.log.fault("pass failed", problem=error, hint=error.hint)
            return False
        bad = [end for end in self._journal.memory.ended if end.reason and end not in before]
        return worked and not bad and not self._journal.memory.refusal

    def scan_now(self) -> bool:
        """Scan against the last catalog slice, and tell whether that worked."""
        return self._policy is not None and self._work.scan_now(self._policy)

    def _rest(self, pause: timedelta) -> None:
        """Wait before the site is asked again; what comes due meanwhile is done all the same."""
        until = time.monotonic() + pause.total_seconds()
        while True:
            left = timedelta(seconds=until - time.monotonic())
            if left <= timedelta(0):
                return
            self._machine.stop.rest(min(left, self._wait()))
            if time.monotonic() < until:
                self._try(self._act)

    def _pass(self, wait: timedelta) -> timedelta:
        """Make one pass, and give how long to rest before the next: its failures count as one."""
        steps = (lambda: self._poll(wait), self._act, self._deliver)
        asked = [rest for rest in [self._try(step) for step in steps] if rest is not None]
        if not asked:
            self._backoff.worked()
            return timedelta(0)
        pause = self._backoff.failed(max(asked))
        self._machine.log.info("resting", pause=pause)
        return pause

    def _try(self, step: Callable[[], object]) -> Optional[timedelta]:
        """Make one step; where it did not work, give the least rest that it asks for."""
        try:
            step()
        except SiteUnreachableError as error:
            self._machine.log.warning("site not reached", problem=error)
            return error.retry_after or timedelta(0)
        except StoppedError:
            raise
        except ReconcilerError as error:
            self._machine.log.fault("step failed", problem=error, hint=error.hint)
            return _LONGEST_WAIT
        except OSError as error:
            self._machine.log.fault("step failed", problem=error)
            return _LONGEST_WAIT
        return None

    def _poll(self, wait: timedelta) -> None:
        try:
            with self._machine.stop.interruptible(wakeable=True):
                signed = self._site.fetch_policy(wait)
        except WokenError:
            self._site.close()
            return
        if signed is None:
            return
        clock = self._machine.clock
        try:
            known_now = clock.now() if clock.confirmed else None
            policy = verify_policy(signed, self._identity, self._policy, known_now)
        except PolicyRefusedError as error:
            self._site.forget_policy()
            self._journal.save(memory=replace(self._journal.memory, refusal=error.reason))
            self._work.forget_facts()
            raise SiteUnreachableError(f"its policy is refused: {error}", _LONGEST_WAIT) from error
        try:
            self._take(policy, signed)
        except ReconcilerError:
            # What could not be written down has to be asked for again.
            self._site.forget_policy()
            raise

    def _take(self, policy: Policy, signed: SignedPolicy) -> None:
        memory, clock, last = self._journal.memory, self._machine.clock, self._policy
        # The same policy once more must not turn the clock back to when it was issued.
        is_newer = last is None or policy.issued_at > last.issued_at
        ahead = clock.set(policy.issued_at) // _MICROSECOND if is_newer else memory.ahead_us
        taken = replace(
            memory,
            policy=signed,
            ahead_us=ahead,
            first_policy_at=memory.first_policy_at or clock.now(),
            refusal="",
        )
        if memory.refusal or clock_skew_minutes(taken) != clock_skew_minutes(memory):
            self._work.forget_facts()
        self._journal.save(memory=_forget_gone(taken, policy))
        if last is None or last.version != policy.version:
            offers = ",".join(offer.advertisement for offer in policy.offers) or "none"
            self._machine.log.info("policy taken", version=policy.version, offers=offers)
        self._policy = policy

    def _act(self) -> bool:
        return self._work.do(self._policy)

    def _is_permitted(self, offer: Offer) -> bool:
        """Ask for a permit; without an answer nothing starts (S19)."""
        reply = self._site.ask_permit(offer.advertisement)
        now = self._machine.clock.now()
        return reply.granted and (reply.expires_at is None or now < reply.expires_at)

    def _deliver(self) -> None:
        machine = self._machine
        deliver(machine.journal, self._identity.computer, self._site, machine.clock, machine.log)
        if machine.clock.confirmed:
            self._renewal.renew(machine.clock.now())

    def _wait(self) -> timedelta:
        """Say how long nothing comes due by itself."""
        policy = self._policy
        if policy is None:
            return _LONGEST_WAIT
        now = self._machine.clock.now()
        change = next_change_at(policy, self._journal.memory, now)
        longest = min(_BLOCKED_WAIT if self._work.is_blocked else _LONGEST_WAIT, policy.poll_every)
        span = longest if change is None else min(longest, change - now + _SHORTEST_WAIT)
        return max(_SHORTEST_WAIT, span)

    def _load_policy(self) -> Optional[Policy]:
        signed = self._journal.memory.policy
        if signed is None:
            return None
        try:
            return read_policy(signed, self._identity.public_key)
        except PolicyRefusedError as error:
            self._machine.log.warning("remembered policy dropped", reason=error.reason)
            return None


def _forget_gone(memory: Memory, policy: Policy) -> Memory:
    """Forget what was remembered of offers that are no more."""
    offered = {offer.advertisement for offer in policy.offers}
    return replace(
        memory,
        choices={name: one for name, one in memory.choices.items() if name in offered},
        waits={name: one for name, one in memory.waits.items() if name in offered},
        reminded={name: one for name, one in memory.reminded.items() if name in offered},
    )
