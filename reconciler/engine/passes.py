"""One pass: take in, observe, plan, apply, write status."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from reconciler.desired.state import DesiredState
from reconciler.engine.applying import apply_plan, settle_journal
from reconciler.engine.conditions import Told, follow, site_conditions, told_by
from reconciler.engine.desire import Desire
from reconciler.engine.intake import take_in
from reconciler.engine.observer import Observer
from reconciler.engine.permits import settle_permits
from reconciler.engine.status import FORCE, STATUS, make_first_status, make_force, make_status
from reconciler.model.canonical import Json
from reconciler.observed.memo import Memo
from reconciler.planning.guidance import Guidance
from reconciler.planning.plan import Plan, make_plan
from reconciler.planning.world import SiteIdentity
from reconciler.ports import Clock
from reconciler.sites.embedded import EmbeddedSite
from reconciler.store import Store, View
from reconciler.store.events import Event

log = structlog.get_logger(__name__)
LEASE_TTL = timedelta(seconds=15)
MOST_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class PassOutcome:
    """What a pass came to: the last plan, how many actions were done, when to look again."""

    plan: Plan | None
    applied: int
    wake_at: datetime | None


class Reconciler:
    """Brings the observed side to the desired one; level-triggered (design decision 2)."""

    def __init__(
        self, store: Store, identity: SiteIdentity, clock: Clock, owner: str, stale_after: timedelta
    ) -> None:
        self._store = store
        self._identity = identity
        self._clock = clock
        self._owner = owner
        self._stale_after = stale_after
        self._site = EmbeddedSite()
        self._observer = Observer(store)
        self._memo = Memo()
        self._guided: Guidance | None = None
        self._fence = 0
        self._lease_until: datetime | None = None

    def begin(self) -> None:
        """Take the site's lease and settle what a crash left in the journal (S26)."""
        self._renew_lease()
        given_up = settle_journal(self._store, self._site, self._fence, self._clock)
        if given_up:
            log.info("interrupted plans given up", plans=given_up)

    def end(self) -> None:
        """Let another controller in at once."""
        with self._store.write() as work:
            work.lease.release(self._fence)

    def run_pass(self, desire: Desire) -> PassOutcome:
        """Decide and act until a plan is empty; without a desired state only take in."""
        self._renew_lease()
        take_in(self._store, self._fence)
        if desire.in_force is None:
            self._save_first_status(desire)
            return PassOutcome(None, 0, None)
        applied, done, wake_at = 0, MOST_ROUNDS, None
        plan: Plan | None = None
        for _ in range(MOST_ROUNDS):
            plan, done = self._decide_and_act(desire, desire.in_force)
            applied, wake_at = applied + done, plan.wake_at
            if not done:
                break
        else:
            log.error("the plan does not become empty", rounds=MOST_ROUNDS)
        if self._observer.save_checkpoint(self._fence):
            log.info("checkpoint of the fleet written")
        return PassOutcome(plan, applied, wake_at)

    def plan(self, desired: DesiredState, *, fresh: bool) -> Plan:
        """Decide without acting."""
        observed = self._observer.observe(fresh=fresh)
        return make_plan(desired, observed, self._identity, self._clock.now(), self._memo)

    def _decide_and_act(self, desire: Desire, desired: DesiredState) -> tuple[Plan, int]:
        observed = self._observer.observe(fresh=self._is_fresh(desire))
        plan = make_plan(desired, observed, self._identity, self._clock.now(), self._memo)
        enforced = plan.guidance.enforce
        if enforced and plan.actions:
            apply_plan(plan, self._store, self._site, self._fence, self._clock)
        withheld = 0 if enforced else len(plan.actions)
        told = (*self._site_conditions(plan, desire), *told_by(plan.conditions))
        with self._store.read() as view:
            conditions, events = self._follow(view, told, plan.commit)
            status = make_status(plan, desire, observed, conditions, withheld=withheld)
            guided = (self._guided or view.documents.load_guidance()) == plan.guidance
            known = view.documents.load(STATUS) == status
            before = view.documents.load(FORCE) or {}
            force = make_force(plan, before, applied=enforced and observed.fresh)
            forced = before == force
        self._guided = plan.guidance if guided else None
        if not (guided and known and forced):
            with self._store.write() as work:
                work.lease.check(self._fence)
                work.documents.save_guidance(plan.guidance)
                work.documents.save(STATUS, status)
                work.documents.save(FORCE, force)
                work.events.add(events)
        settle_permits(self._store, observed, plan.guidance, self._clock.now())
        return plan, len(plan.actions) if enforced else 0

    def tell_stalled(self, reason: str) -> None:
        """Have the status say that passes do not end; the next one that does takes it back."""
        told = self._site_conditions(None, Desire(), reason)
        with self._store.write() as work:
            status = work.documents.load(STATUS) or make_first_status(Desire(), [])
            conditions, events = self._follow(work, told, status["revision"]["applied"])
            mine = {(one["subject"], one["type"]) for one in conditions}
            others = [
                one for one in status["conditions"] if (one["subject"], one["type"]) not in mine
            ]
            stalled = {"stalled": reason, "converged": False, "conditions": [*conditions, *others]}
            work.documents.save(STATUS, {**status, **stalled})
            work.events.add([one for one in events if (one.subject, one.type) in mine])

    def _save_first_status(self, desire: Desire) -> None:
        with self._store.read() as view:
            conditions, events = self._follow(view, self._site_conditions(None, desire), "")
            status = make_first_status(desire, conditions)
            known = view.documents.load(STATUS) == status
        if not known:
            with self._store.write() as work:
                work.lease.check(self._fence)
                work.documents.save(STATUS, status)
                work.events.add(events)

    def _site_conditions(
        self, plan: Plan | None, desire: Desire, failure: str = ""
    ) -> tuple[Told, ...]:
        return site_conditions(self._identity.name, plan, desire, failure)

    def _follow(
        self, view: View, told: tuple[Told, ...], commit: str
    ) -> tuple[list[Json], list[Event]]:
        before = view.documents.load(STATUS) or {"conditions": []}
        return follow(told, before["conditions"], commit, self._clock.now())

    def _is_fresh(self, desire: Desire) -> bool:
        """Tell whether git answered recently; else nothing opens, soaks or retires (S29)."""
        return desire.read_at is not None and (
            self._clock.now() - desire.read_at <= self._stale_after
        )

    def _renew_lease(self) -> None:
        now = self._clock.now()
        if self._lease_until is None or self._lease_until - now < LEASE_TTL / 2:
            with self._store.write() as work:
                self._fence = work.lease.acquire(self._owner, LEASE_TTL, now)
            self._lease_until = now + LEASE_TTL
