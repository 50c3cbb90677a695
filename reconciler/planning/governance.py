"""What policies demand that a catalog and a fleet show (S24)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pyroaring import BitMap

from reconciler.desired.policy_checks import check_scopes
from reconciler.desired.state import DesiredState
from reconciler.model.codes import Code
from reconciler.model.problems import Problem
from reconciler.observed.catalog import Catalog
from reconciler.observed.memo import Memo
from reconciler.observed.state import ObservedState
from reconciler.planning.assertions import asks_assertions
from reconciler.planning.daily_limits import limiting
from reconciler.planning.plan import decide, make_world
from reconciler.planning.policy_reach import policy_reaches
from reconciler.planning.service_levels import check_service_levels
from reconciler.planning.severity_scopes import severity_scopes
from reconciler.planning.world import RolloutView, SiteIdentity, World


def check_policies(
    state: DesiredState, observed: ObservedState, site: SiteIdentity, now: datetime
) -> tuple[Problem, ...]:
    """Tell, in order, what fails a policy on a site's catalog and fleet; the state is linked."""
    by_catalog = check_by_catalog(state, observed.catalog, now)
    return tuple(sorted((*by_catalog, *check_by_fleet(state, observed, site, now))))


def check_by_catalog(state: DesiredState, catalog: Catalog, now: datetime) -> Iterator[Problem]:
    """Tell what fails a policy as far as a catalog shows; the state has to be linked."""
    yield from check_service_levels(state, catalog, now)
    yield from check_scopes(state, state.rollouts, severity_scopes(state, catalog, now), now)


def check_by_fleet(
    state: DesiredState, observed: ObservedState, site: SiteIdentity, now: datetime
) -> Iterator[Problem]:
    """Tell what fails a policy as far as a fleet shows; the state has to be linked."""
    yield from _assertions(state, observed, site, now)
    specs = [placed.document.spec for placed in state.policies.values()]
    if not any(spec.require_window or spec.max_newly_targeted_per_day for spec in specs):
        return
    world = make_world(state, observed, site, now, Memo())
    for rollout in world.rollouts(()):
        yield from _windows(world, rollout)
        yield from _sizes(world, rollout)


def _assertions(
    state: DesiredState, observed: ObservedState, site: SiteIdentity, now: datetime
) -> Iterator[Problem]:
    """The plan that is judged is the whole one, with all that it would open."""
    if not asks_assertions(state):
        return
    for failed in decide(state, observed, site, now).failed:
        at = state.policies[failed.policy].locate(("spec", "assertions", failed.number))
        hint = "look at the plan as JSON: patchwright plan -o json"
        yield Problem(at, Code.ASSERTION_FAILED.value, str(failed), hint)


def _windows(world: World, rollout: RolloutView) -> Iterator[Problem]:
    """Every targeted computer has to be in a collection that declares windows."""
    for reach in policy_reaches(world):
        if not reach.spec.require_window or not reach.concerns(rollout.name):
            continue
        for number, phase in enumerate(rollout.phases):
            members = world.collections.members(phase.collection)
            without = len(reach.within(world, members) - _with_windows(world))
            if without:
                message = (
                    f'{without} computer(s) of collection "{phase.collection}" are in none that'
                    f' declares windows, and policy "{reach.policy}" asks for one'
                )
                at = rollout.placed.locate(("spec", "phases", number, "collection"))
                hint = "put them into a collection with maintenanceWindows"
                yield Problem(at, Code.WINDOW_REQUIRED.value, message, hint)


def _with_windows(world: World) -> BitMap:
    """Give whoever is in a collection that declares windows; the word `always` declares none."""
    declaring = (
        world.collections.members(name)
        for name, placed in world.desired.collections.items()
        if isinstance(placed.document.spec.maintenance_windows, tuple)
    )
    return BitMap(BitMap.union(BitMap(), *declaring))


def _sizes(world: World, rollout: RolloutView) -> Iterator[Problem]:
    """A phase whose computers are more than a day allows would never open."""
    for reach, most in limiting(rollout):
        earlier = BitMap()
        for number, phase in enumerate(rollout.phases):
            members = world.collections.members(phase.collection)
            count = len(reach.within(world, members - earlier))
            earlier |= members
            if count > most:
                message = (
                    f'phase "{phase.name}" targets {count} computers at once, and policy'
                    f' "{reach.policy}" allows {most} in a day'
                )
                at = rollout.placed.locate(("spec", "phases", number, "collection"))
                hint = "make several phases of it, as by shards"
                yield Problem(at, Code.TOO_MANY_TARGETS.value, message, hint)
