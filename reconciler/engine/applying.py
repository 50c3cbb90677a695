"""Carry out a plan: journal first, then each action with its mark (S26)."""

from __future__ import annotations

import structlog

from reconciler.model.canonical import digest_of
from reconciler.planning.plan import Plan
from reconciler.planning.render import plan_json
from reconciler.ports import Clock
from reconciler.sites.embedded import EmbeddedSite
from reconciler.store import Store

log = structlog.get_logger(__name__)


def apply_plan(plan: Plan, store: Store, site: EmbeddedSite, fence: int, clock: Clock) -> None:
    """Do every action of the plan in its order; the lease is checked with each write (S26).

    Killed anywhere, what was done is marked and what was not is found again by the next plan.
    """
    with store.write() as work:
        work.lease.check(fence)
        digest = digest_of(plan_json(plan))
        plan_id = work.journal.begin(digest, plan.commit, clock.now(), plan.actions)
    for ordinal, action in enumerate(plan.actions):
        with store.write() as work:
            work.lease.check(fence)
            site.perform(work, action)
            work.journal.mark_done(plan_id, ordinal, clock.now())
        log.info("done", verb=action.verb.value, because=action.cause.because)


def settle_journal(store: Store, site: EmbeddedSite, fence: int, clock: Clock) -> int:
    """After a crash, mark what took effect and give up the rest; give how much was given up.

    What is given up is not lost: the next plan compares both sides and decides it anew.
    """
    with store.write() as work:
        work.lease.check(fence)
        given_up = set()
        for intent in work.journal.pending():
            if site.shows(work, intent.action):
                work.journal.mark_done(intent.plan_id, intent.ordinal, clock.now())
            else:
                given_up.add(intent.plan_id)
        for plan_id in sorted(given_up):
            work.journal.abandon(plan_id, clock.now())
    return len(given_up)
