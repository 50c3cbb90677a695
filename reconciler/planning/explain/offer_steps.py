"""Whether git offers an update to a computer, and how far the offer has come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.objects import Advertisement
from reconciler.model.reasons import PhaseReason, Reason
from reconciler.model.rollouts import Passage, Release
from reconciler.observed.memory import PhaseKey
from reconciler.planning.actions import Cause
from reconciler.planning.explain.case import Case, cause_of
from reconciler.planning.explain.chain import Step
from reconciler.planning.explain.start_steps import start_steps
from reconciler.planning.halts import halted_phases
from reconciler.planning.phases import counts_as_passed, make_census, opening_bars
from reconciler.planning.policy import (
    blocked_updates,
    hidden_updates,
    is_urgent,
    ready_content,
)
from reconciler.planning.targets import form_targets
from reconciler.planning.updates import exclusion
from reconciler.planning.world import RolloutView


@dataclass(frozen=True, slots=True)
class Way:
    """One way on which the update may come to the computer: a rollout and a release of it."""

    case: Case
    update: str
    rollout: RolloutView
    release: Release | None

    @property
    def name(self) -> str:
        """The way as people know it."""
        number = f"/{self.release.number}" if self.release is not None else ""
        return f"{self.rollout.subject}{number}"


def ways(case: Case, update: str) -> Iterator[Way]:
    """Give every way, by rollout; the newest release that holds the update first."""
    for rollout in case.rollouts:
        releases = reversed(case.decisions.draft.releases_of(rollout.name))
        holding = [one for one in releases if any(it.id == update for it in one.offered())]
        live = [one for one in holding if not one.retired]
        for release in live or holding[:1]:
            yield Way(case, update, rollout, release)
        if not holding:
            yield Way(case, update, rollout, None)


def offer_steps(way: Way) -> Iterator[Step]:
    """Ask in turn: group, authorization, release, target, phase, content, offer, start."""
    yield from _authorization_steps(way)
    if way.release is None:
        told = "no release of the rollout holds it yet"
        yield Step("release", told, Reason.NOT_RELEASED, rule=way.rollout.cause("S12", told))
        return
    yield from _phase_steps(way, way.release)


def _authorization_steps(way: Way) -> Iterator[Step]:
    rollout, update = way.rollout, way.update
    world = way.case.world
    group = rollout.group
    rule = cause_of(group, ("spec",), "S9", "the group's updates")
    if update not in world.group_members(group.name, rollout.folded.get(group.name, frozenset())):
        told = f"it is not in group {group.name}"
        yield Step("group", told, Reason.NOT_IN_GROUP, rule=rule)
    yield Step("group", f"it is in group {group.name}", rule=rule)
    yield from _exclusions(way)
    if update in rollout.awaiting:
        told = f"it came after the approval of {rollout.authorization.name}, which it needs anew"
        yield Step("authorization", told, Reason.NOT_APPROVED, rule=_authorizes(way))
    if update not in rollout.authorized:
        told = "the catalog knows no files of it"
        yield Step("authorization", told, Reason.NO_FILES)
    authorization = rollout.authorization
    name = f"authorization {authorization.name}"
    if rollout.is_early:
        rule = cause_of(authorization, ("spec", "from"), "S8", "when it begins")
        told = f"{name} has not begun"
        yield Step(
            "authorization", told, Reason.NOT_YET_IN_FORCE, rule=rule, until=rollout.begins_at
        )
    if rollout.has_ended:
        rule = cause_of(authorization, ("spec", "until"), "S8", "when it ends")
        yield Step("authorization", f"{name} has ended", Reason.ENDED, rollout.ends_at, rule)
    yield Step("authorization", f"{name} is in force", rule=_authorizes(way))
    suspension = rollout.suspension
    if suspension is not None:
        told = f"suspended by {suspension.by}: {suspension.reason}"
        yield Step(
            "suspension", told, Reason.SUSPENDED, rule=_suspends(way), until=suspension.until
        )


def _authorizes(way: Way) -> Cause:
    return cause_of(way.rollout.authorization, ("spec",), "S8", "what is authorized")


def _suspends(way: Way) -> Cause:
    rollout, now = way.rollout, way.case.now
    for placed in (rollout.placed, rollout.authorization, rollout.group):
        found = placed.document.spec.suspend
        if found is not None and found.is_in_force(now):
            return cause_of(placed, ("spec", "suspend"), "S8", found.reason)
    return rollout.cause("S8", "it is suspended")


def _exclusions(way: Way) -> Iterator[Step]:
    """Say who took the update out by name, or that its source withdrew it (S8)."""
    world, update, authorization = way.case.world, way.update, way.rollout.authorization
    if exclusion(world.desired, authorization.name)(update):
        for placed in world.desired.rejections.values():
            spec = placed.document.spec
            if update in spec.updates:
                told = f"rejected by {spec.by}: {spec.reason}"
                rule = cause_of(placed, ("spec", "updates"), "S8", told)
                yield Step("authorization", told, Reason.REJECTED, rule=rule)
        part = "except" if update in authorization.document.spec.except_ else "only"
        told = f"authorization {authorization.name} leaves it out by {part}"
        rule = cause_of(authorization, ("spec", part), "S8", told)
        yield Step("authorization", told, Reason.EXCEPTED, rule=rule)
    if world.observed.catalog.entries[update].withdrawn:
        yield Step("authorization", "its source withdrew it", Reason.WITHDRAWN)


def _phase_steps(way: Way, release: Release) -> Iterator[Step]:
    rollout, draft = way.rollout, way.case.decisions.draft
    told = f"release {release.number} holds it"
    yield Step("release", told, at=release.cut_at, rule=rollout.cause("S12", told))
    if release.retired:
        told = f"release {release.number} is retired"
        yield Step("release", told, Reason.RELEASE_RETIRED, rule=rollout.cause("S12", told))
    targets = form_targets(rollout, release, draft)
    ordinal = way.case.computer.ordinal
    phase = next((name for name, target in targets.items() if ordinal in target), None)
    if phase is None:
        told = "it is in no phase's collection"
        yield Step("target", told, Reason.NOT_TARGETED, rule=rollout.cause("S12a", told))
        return
    told = f"phase {phase} targets it"
    yield Step("target", told, rule=rollout.cause("S12a", told, phase=phase))
    key = (rollout.name, release.number, phase)
    yield from _opening_steps(way, release, key)
    yield from _advertisement_steps(way, key)


def _opening_steps(way: Way, release: Release, key: PhaseKey) -> Iterator[Step]:
    rollout, draft = way.rollout, way.case.decisions.draft
    memory = way.case.world.observed.memory
    record = draft.phases.get(key)
    if record is None:
        yield _shut(way, release, key)
        return
    rule = rollout.cause("S13", "the phase is open", phase=key[2])
    if record.passage is Passage.SKIPPED:
        yield Step("phase", "resume skipped the phase", Reason.SKIPPED, record.succeeded_at, rule)
    if record.retired:
        told = "newer releases hold what it offered there"
        yield Step("phase", told, Reason.RELEASE_RETIRED, rule=rule)
    known = memory.memberships.get(key)
    is_member = known is not None and way.case.computer.ordinal in known.members
    if key not in memory.phases or not is_member:
        told = "the plan opens it for the computer, and no pass has done so yet"
        yield Step("phase", told, Reason.NOT_APPLIED, rule=rule)
    yield Step("phase", f"it is {record.state.value}", at=record.opened_at, rule=rule)


def _shut(way: Way, release: Release, key: PhaseKey) -> Step:
    rollout, draft = way.rollout, way.case.decisions.draft
    number = [phase.name for phase in rollout.phases].index(key[2])
    phase = rollout.phases[number]
    before = rollout.phases[:number]
    passed = all(counts_as_passed(make_census(rollout, release, one, draft)) for one in before)
    bar = next(opening_bars(rollout, release, phase, draft, passed=passed), None)
    until = (
        {
            PhaseReason.NOT_BEFORE: phase.opens.not_before,
            PhaseReason.OPENS_AT: phase.opens.at,
        }.get(bar)
        if bar
        else None
    )
    because = bar.value if bar else PhaseReason.NOT_APPLIED.value
    told = f"it has not opened: {because}; see `patchwright explain rollout {rollout.name}`"
    rule = rollout.cause("S13", told, phase=phase.name)
    return Step("phase", told, Reason.PHASE_NOT_OPEN, rule=rule, until=until)


def _advertisement_steps(way: Way, key: PhaseKey) -> Iterator[Step]:
    case, update, rollout = way.case, way.update, way.rollout
    memory = case.world.observed.memory
    rule = rollout.cause("S16", "the phase advertises it", phase=key[2])
    offers = memory.advertisements.values()
    made = next(
        (it for it in offers if (it.rollout, it.release, it.phase) == key and update in it.updates),
        None,
    )
    if made is None:
        told = "the plan advertises it, and no pass has done so yet"
        yield Step("advertisement", told, Reason.NOT_APPLIED, rule=rule)
        return
    yield Step("advertisement", f"advertised as {made.id}", at=made.available_at, rule=rule)
    if ready_content(memory, made) is None:
        yield Step("content", _problem(way, made), Reason.CONTENT_MISSING)
    yield Step("content", "a distribution point holds it")
    if not is_urgent(made) and update in hidden_updates(memory, case.computer.ordinal):
        told = "an emergency offers it to the computer in place of this rollout"
        yield Step("offer", told, Reason.OTHER_OFFER)
    yield from _policy_steps(way, made, key)


def _policy_steps(way: Way, made: Advertisement, key: PhaseKey) -> Iterator[Step]:
    case, memory = way.case, way.case.world.observed.memory
    offer = next((one for one in case.policy.offers if one.advertisement == made.id), None)
    if offer is None or way.update not in {one.id for one in offer.updates}:
        if way.update in blocked_updates(memory, memory.memberships[key], case.computer.ordinal):
            told = "it came after another release halted on the update"
            yield Step("offer", told, Reason.HALTED_ELSEWHERE)
        told = "another update of the release replaces it here"
        yield Step("offer", told, Reason.SUPERSEDED)
        return
    yield Step("offer", "the computer's policy offers it")
    if offer.held:
        yield _held(way)
    yield from start_steps(case, offer, way.update)


def _held(way: Way) -> Step:
    draft, rollout = way.case.decisions.draft, way.rollout
    halted = halted_phases(way.release, draft) if way.release is not None else []
    if halted:
        record = halted[0]
        told = f"phase {record.phase} halted: too many runs failed"
        rule = rollout.cause("S15", told, phase=record.phase)
        return Step("hold", told, Reason.HALTED, record.halted_at, rule)
    told = "its advertisement is held; `patchwright status` says why"
    return Step("hold", told, Reason.HELD, rule=rollout.cause("S16", told))


def _problem(way: Way, made: Advertisement) -> str:
    assignments = way.case.world.observed.memory.assignments
    problems = (
        one.problem
        for key, one in sorted(assignments.items())
        if key[:2] == (made.package, made.version) and one.problem
    )
    return next(problems, "no distribution point holds its files yet")
