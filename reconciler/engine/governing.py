"""Whether a commit meets its policies on the catalog and the fleet that a site has (S24)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from reconciler.desired.state import DesiredState
from reconciler.engine.binding import Change, check_reviewed
from reconciler.engine.observer import Observer
from reconciler.model.codes import Code
from reconciler.model.problems import Problem
from reconciler.planning.governance import check_policies
from reconciler.planning.world import SiteIdentity
from reconciler.ports import Checkout
from reconciler.store import Store

BEYOND_COMMIT = frozenset(
    {
        Code.TOO_FEW_APPROVERS.value,
        Code.SOAK_TOO_SHORT.value,
        Code.FIRST_PHASE_ELSEWHERE.value,
        Code.WAIVER_TOO_LONG.value,
        Code.WINDOWS_OVERRIDDEN.value,
        Code.WINDOW_REQUIRED.value,
        Code.SERVICE_LEVEL_MISSED.value,
        Code.TOO_MANY_TARGETS.value,
        Code.ASSERTION_FAILED.value,
        Code.REVISION_NOT_VERIFIED.value,
        Code.PLAN_NOT_REVIEWED.value,
    }
)
"""What policies say, and signatures: it may be over without a commit, by a tag or by the fleet."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A commit that is whole, and the desired state that it would take the place of."""

    desired: DesiredState
    in_force: DesiredState | None
    checkout: Checkout


Govern = Callable[[Attempt, datetime], Iterable[Problem]]
"""Tells what fails a policy of an attempt."""


def no_policies(_: Attempt, __: datetime, /) -> Iterable[Problem]:
    """Govern nothing, as where there is no fleet."""
    return ()


def govern_by(store: Store, site: SiteIdentity) -> Govern:
    """Govern by what a site's store holds; it is read only where a policy is there at all."""

    def govern(attempt: Attempt, now: datetime, /) -> Iterable[Problem]:
        after, before = attempt.desired, attempt.in_force
        if not (after.policies or (before is not None and before.policies)):
            return ()
        # Of a large fleet this is much: it is read anew, and let go of.
        observed = Observer(store).observe(fresh=True)
        found = [*check_policies(after, observed, site, now)]
        # What a site takes first differs from nothing; whoever makes the site chooses it.
        if before is not None:
            change = Change(before, after, attempt.checkout.reviewed)
            found += check_reviewed(change, observed, site, now)
        return found

    return govern
