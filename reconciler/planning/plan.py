"""The plan: one pure function of both sides and the instant (S25)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from reconciler.desired.expansion import expand
from reconciler.desired.state import DesiredState
from reconciler.model.drills import DrillRecord
from reconciler.model.emergencies import EmergencyRecord
from reconciler.model.rollouts import PhaseState
from reconciler.model.times import later
from reconciler.observed.memo import Memo
from reconciler.observed.state import ObservedState
from reconciler.planning.actions import DROPS, Action, Verb
from reconciler.planning.approving import note_approvals
from reconciler.planning.assertions import FailedAssertion, asks_assertions, failed_assertions
from reconciler.planning.budgets import budget_domains, tell_exhausted
from reconciler.planning.clocks import clock_skews
from reconciler.planning.cloned import tell_cloned
from reconciler.planning.collections import Collections
from reconciler.planning.conditions import Condition, ConditionType
from reconciler.planning.counts import PhaseCount, count_phases
from reconciler.planning.custom import custom_targets, detect_classes, tell_unable
from reconciler.planning.draft import Draft
from reconciler.planning.drills import live_runs
from reconciler.planning.facts import tell_missing_facts
from reconciler.planning.freezes import freeze_windows, tell_freezes
from reconciler.planning.guidance import BudgetDomain, Guidance
from reconciler.planning.objects import ObjectDraft, diff_objects
from reconciler.planning.probing import probe_classes
from reconciler.planning.prune_guard import PruneGuard
from reconciler.planning.pruning import spend_grant, tell_withheld, withheld
from reconciler.planning.readvertising import readvertise
from reconciler.planning.removals import tell_installed_again
from reconciler.planning.renames import carry_over
from reconciler.planning.render import plan_json
from reconciler.planning.rolls import forget_rolls, keep_rolls
from reconciler.planning.scanning import recently_scanned, scan_classes
from reconciler.planning.settling import forget_ended, settle
from reconciler.planning.updates import severity_conditions, unknown_updates
from reconciler.planning.verdicts import Evidence
from reconciler.planning.waivers import waived_updates, waiver_ends
from reconciler.planning.windows import window_classes
from reconciler.planning.world import RolloutView, SiteIdentity, World


@dataclass(frozen=True, slots=True)
class Plan:
    """All decisions of one pass, in order; the same input gives an equal plan.

    `now` may be later than what was asked for (S1). `wake_at` is the next instant at which time
    alone may change the plan. `actions` is empty when both sides agree (S26).
    """

    commit: str
    now: datetime
    actions: tuple[Action, ...]
    conditions: tuple[Condition, ...]
    counts: tuple[PhaseCount, ...]
    emergencies: tuple[EmergencyRecord, ...]
    drills: tuple[DrillRecord, ...]
    guidance: Guidance
    wake_at: datetime | None

    @property
    def converged(self) -> bool:
        """Whether nothing is left to do and everybody targeted complies."""
        blocked = any(one.type is ConditionType.PRUNE_BLOCKED for one in self.conditions)
        return not (self.actions or blocked) and all(
            count.state is PhaseState.SUCCEEDED and count.compliant + count.waived == count.target
            for count in self.counts
        )


@dataclass(frozen=True, slots=True)
class Decisions:
    """A plan with all that it was made from, for who has to explain it.

    `rollouts` and `draft` are as they were when nothing changed any more. `failed` are the
    assertions that are not true of the plan with all its openings.
    """

    plan: Plan
    world: World
    rollouts: Sequence[RolloutView]
    draft: Draft
    failed: tuple[FailedAssertion, ...] = ()


def make_plan(
    desired: DesiredState,
    observed: ObservedState,
    site: SiteIdentity,
    now: datetime,
    memo: Memo | None = None,
) -> Plan:
    """Compare both sides and decide everything there is to do (S25).

    Who plans again and again passes the same memo each time: that changes no plan.
    """
    return decide(desired, observed, site, now, memo).plan


def decide(
    desired: DesiredState,
    observed: ObservedState,
    site: SiteIdentity,
    now: datetime,
    memo: Memo | None = None,
) -> Decisions:
    """Make the plan, and keep what it was made from.

    A plan that opens a phase and fails an assertion of a policy is made again without openings:
    what protects computers, as a halt or a retirement, is never withheld (S24).
    """
    observed, moves = carry_over(desired, observed)
    world = make_world(desired, observed, site, now, memo or Memo())
    approving = note_approvals(world)
    world = replace(world, approved=approving.approved)
    moves = [*moves, *approving.actions]
    made = _decide(world, moves, now)
    if not asks_assertions(desired):
        return made
    failed = failed_assertions(desired, plan_json(made.plan))
    if failed and any(action.verb is Verb.OPEN_PHASE for action in made.plan.actions):
        barring = tuple(sorted({one.policy for one in failed}))
        made = _decide(replace(world, barring=barring), moves, now)
    told = {one.condition() for one in failed}
    conditions = tuple(sorted({*made.plan.conditions, *told}))
    return replace(made, plan=replace(made.plan, conditions=conditions), failed=failed)


def _decide(world: World, moves: Sequence[Action], now: datetime) -> Decisions:
    observed, site = world.observed, world.site
    draft = Draft(observed.memory)
    draft.actions += moves
    # What is forgotten must not decide any more, or the next plan would find more to do (S26).
    forget_ended(world, draft)
    rollouts = settle(world, draft)
    keep_rolls(world, draft)
    forget_rolls(world, draft)
    tell_missing_facts(world, rollouts, draft)
    spend_grant(world, draft)
    tell_withheld(world, draft)
    _tell_clock(world, now, draft)
    for moment in waiver_ends(world.desired):
        draft.wake_at(moment)
    readvertise(world, draft)
    tell_installed_again(rollouts, draft)
    domains = budget_domains(world, rollouts, draft)
    tell_exhausted(world, domains, draft)
    guidance, no_windows = _guidance(world, domains)
    tell_freezes(world, guidance.windows, draft)
    objects = ObjectDraft(world, draft)
    for rollout in rollouts:
        objects.derive(rollout)
    _tell_content(world, rollouts, draft)
    for drill, run in live_runs(world, draft):
        objects.derive_drill(drill, run)
    draft.actions += diff_objects(world, [*objects.wanted, *withheld(world)])
    conditions = {
        *draft.conditions(),
        *no_windows,
        *clock_skews(observed.fleet, site.name),
        *_catalog_conditions(world),
        *tell_cloned(world),
        *world.collections.conditions(),
    }
    plan = Plan(
        commit=world.desired.commit,
        now=world.now,
        actions=tuple(sorted(draft.actions, key=_is_not_retirement)),
        conditions=tuple(sorted(conditions)),
        counts=tuple(count_phases(rollouts, draft)),
        emergencies=tuple(draft.emergencies[key] for key in sorted(draft.emergencies)),
        drills=tuple(draft.drills[key] for key in sorted(draft.drills)),
        guidance=guidance,
        wake_at=draft.next_wake(world.now),
    )
    return Decisions(plan, world, rollouts, draft)


def make_world(
    desired: DesiredState, observed: ObservedState, site: SiteIdentity, now: datetime, memo: Memo
) -> World:
    """Prepare what all steps share; a plan never runs behind the newest transition (S1)."""
    moment = later(now, observed.latest_transition)
    memo.begin(observed.fleet, moment, desired, observed.catalog.entries)
    desired = memo.value("expanded", (), partial(expand, desired))
    collections = Collections(desired, observed, site.name, memo)
    recent = recently_scanned(desired, collections, memo)
    waivers = waived_updates(desired, collections, moment)
    waived = {update: one.waived for update, one in waivers.items()}
    custom = custom_targets(desired, collections)
    evidence = Evidence(observed.catalog, recent, memo, waived, custom)
    guard = PruneGuard(desired, observed)
    return World(desired, observed, site, moment, collections, evidence, memo, guard, waivers)


def _guidance(
    world: World, domains: tuple[BudgetDomain, ...]
) -> tuple[Guidance, tuple[Condition, ...]]:
    """Give windows and scans by class; a site observes until its manifest says enforce (L5)."""
    desired, collections, memo = world.desired, world.collections, world.memo
    site = desired.sites.get(world.site.name)
    enforce = site is not None and site.document.spec.mode == "enforce"
    windows, found = window_classes(desired, collections, memo, world.site.name, world.now)
    if not enforce:
        message = "the site observes: nothing is installed until its manifest says mode: enforce"
        observing = Condition(f"Site/{world.site.name}", ConditionType.OBSERVING, message)
        found = (*found, observing)
    scans = scan_classes(desired, collections, memo)
    probes = probe_classes(desired, memo.fleet, collections)
    windows = freeze_windows(world, windows)
    detections = detect_classes(desired, world.evidence.custom, memo)
    found = (*found, *tell_unable(desired, world.evidence.custom, memo))
    return Guidance(enforce, windows, scans, domains, world.waivers, probes, detections), found


def _tell_clock(world: World, asked: datetime, draft: Draft) -> None:
    if world.now > asked:
        message = "the clock is behind the newest recorded transition"
        draft.tell(f"Site/{world.site.name}", ConditionType.CLOCK_BEHIND, message)


def _tell_content(world: World, rollouts: Sequence[RolloutView], draft: Draft) -> None:
    """Say which captures do not work; nothing starts without its content (S18)."""
    memory, named = world.observed.memory, {rollout.name: rollout for rollout in rollouts}
    for assignment in memory.assignments.values():
        package = memory.packages.get((assignment.package, assignment.version))
        if assignment.problem and package is not None and package.rollout in named:
            subject = f"{named[package.rollout].subject}/{package.release}"
            draft.tell(subject, ConditionType.CONTENT_MISSING, assignment.problem)


def _catalog_conditions(world: World) -> Iterable[Condition]:
    """Say what could not be read of sources (S29), and which named updates are unknown (S9)."""
    for name, freshness in world.observed.catalog.sources.items():
        subject = f"CatalogSource/{name}"
        if freshness.problem:
            yield Condition(subject, ConditionType.CATALOG_STALE, freshness.problem)
        if freshness.set_aside:
            yield Condition(subject, ConditionType.RECORDS_SET_ASIDE, freshness.set_aside)
    for name in world.desired.update_groups:
        yield from world.memo.value(
            ("group conditions", name), world.ripe(name), partial(_group_conditions, world, name)
        )


def _group_conditions(world: World, name: str) -> tuple[Condition, ...]:
    spec = world.desired.update_groups[name].document.spec
    catalog = world.observed.catalog
    return (
        *unknown_updates(name, spec, catalog),
        *severity_conditions(name, spec, catalog, world.now),
    )


def _is_not_retirement(action: Action) -> bool:
    return action.verb not in DROPS
