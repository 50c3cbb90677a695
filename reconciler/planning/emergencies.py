"""The states of an emergency, from the catalog's sync to the end of its package (S21, D4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pyroaring import BitMap

from reconciler.desired.expansion import EMERGENCY, REFERENCE, kind_and_name
from reconciler.kinds.emergency_change import EmergencyChangeSpec
from reconciler.model.emergencies import EmergencyRecord, EmergencyState, EmergencyStep
from reconciler.model.objects import ContentState
from reconciler.model.rollouts import PhaseState, Release
from reconciler.observed.columns import micros
from reconciler.observed.memory import Membership
from reconciler.planning.actions import Verb
from reconciler.planning.census import Census
from reconciler.planning.conditions import ConditionType
from reconciler.planning.coverage import not_covered
from reconciler.planning.draft import Draft
from reconciler.planning.phases import make_census
from reconciler.planning.syncing import are_read_since, told_staged
from reconciler.planning.world import RolloutView

SCAN_RELEASE = 0
"""The number under which an emergency's scans stand; releases begin with 1."""


def advance_emergencies(rollouts: Sequence[RolloutView], draft: Draft) -> None:
    """Let every emergency enter the states whose time has come, in their order (S21).

    A suspended one stays where it is, and so does every one on stale reads (S29).
    """
    for rollout in rollouts:
        if rollout.kind != EMERGENCY or rollout.is_paused or not rollout.world.observed.fresh:
            continue
        if rollout.emergency is None:
            _enter(rollout, None, EmergencyState.SYNCING, "the manifest took force", draft)
        else:
            _advance(rollout, rollout.emergency, rollouts, draft)


def remember_scanners(rollouts: Sequence[RolloutView], draft: Draft) -> None:
    """Keep whom the expedited scan is for: the reference computers, until the end (D4, step 5)."""
    for rollout in rollouts:
        record = rollout.emergency
        if record is None or not record.has_reached(EmergencyState.REFERENCE_SCAN):
            continue
        old = draft.memberships.get((rollout.name, SCAN_RELEASE, REFERENCE))
        if record.has_reached(EmergencyState.RETIRED):
            if old is not None:
                cause = rollout.cause("S21", "the emergency is over")
                draft.act(Verb.FORGET_TARGETS, old, cause)
            continue
        members = rollout.world.collections.members(rollout.phases[0].collection)
        new = Membership(rollout.name, SCAN_RELEASE, REFERENCE, members)
        if new != old:
            because = f"{len(members)} reference computer(s) scan at once"
            draft.act(Verb.SET_TARGETS, new, rollout.cause("S21", because))


def tell_emergencies(rollouts: Sequence[RolloutView], draft: Draft) -> None:
    """Say in which state each emergency is, until its end."""
    for rollout in rollouts:
        record = rollout.emergency
        if record is not None and record.state is not EmergencyState.RETIRED:
            message = f"{record.state.value}: {WAITS[record.state]}"
            draft.tell(rollout.subject, ConditionType.EMERGENCY, message)


def retire_ended(rollout: RolloutView, draft: Draft) -> None:
    """Retire the releases of an emergency that has come to its end; its record stays (S21)."""
    record = rollout.emergency
    if record is None or not record.has_reached(EmergencyState.RETIRED):
        return
    for release in draft.releases_of(rollout.name):
        if not release.retired:
            cause = rollout.cause("S21", "the emergency is over")
            draft.act(Verb.RETIRE_RELEASE, replace(release, retired=True, folded=True), cause)


def _advance(
    rollout: RolloutView, record: EmergencyRecord, rollouts: Sequence[RolloutView], draft: Draft
) -> None:
    order = list(EmergencyState)
    if record.state is order[-1]:
        return
    if record.state is EmergencyState.FOLDING:
        evidence = _is_folded(rollout, rollouts, draft)
    else:
        evidence = _ENDS[record.state](rollout, draft)
    if evidence:
        _enter(rollout, record, order[record.state.rank + 1], evidence, draft)


def _enter(
    rollout: RolloutView,
    record: EmergencyRecord | None,
    state: EmergencyState,
    evidence: str,
    draft: Draft,
) -> None:
    step = EmergencyStep(state, rollout.world.now, evidence)
    known = record or EmergencyRecord(rollout.name, ())
    entered = replace(known, steps=(*known.steps, step))
    if state is EmergencyState.STAGING:
        entered = replace(entered, content_version=rollout.world.observed.catalog.version)
    draft.act(Verb.ENTER_STATE, entered, rollout.cause("S21", evidence))


def _is_synced(rollout: RolloutView, _: Draft) -> str:
    """The catalog knows every update, and their sources were read whole since (D4, step 1)."""
    world = rollout.world
    catalog, record = world.observed.catalog, rollout.emergency
    named = rollout.group.document.spec.updates
    if record is None or any(update not in catalog.entries for update in named):
        return ""
    sources = {catalog.entries[update].update.source for update in named}
    asked = sources & world.desired.catalog_sources.keys()
    if not are_read_since(catalog, asked, record.steps[0].at):
        return ""
    return f"content version {catalog.version} holds every update"


def _is_staged(rollout: RolloutView, _: Draft) -> str:
    """Every point has confirmed the scans' content (D4, step 2)."""
    version = rollout.emergency.content_version if rollout.emergency is not None else 0
    return told_staged(_content_states(rollout, SCAN_RELEASE, version))


def _has_reference_results(rollout: RolloutView, _: Draft) -> str:
    """Enough reference computers have scanned for the updates since they were asked to (D4, 8)."""
    world, record = rollout.world, rollout.emergency
    asked_at = record.entered_at(EmergencyState.REFERENCE_SCAN) if record is not None else None
    if record is None or asked_at is None:
        return ""
    fleet, first = world.observed.fleet, rollout.phases[0]
    members = world.collections.members(first.collection)
    scanned = fleet.last_scan_at.above(micros(asked_at)) & members
    known = scanned & fleet.scan_version.at_least(record.content_version)
    asked = first.gate.min_reported if first.gate is not None else 1
    enough = min(asked, len(members))
    return f"{len(known)} reference computer(s) have scanned" if len(known) >= enough > 0 else ""


def _is_built(rollout: RolloutView, draft: Draft) -> str:
    """The package of just these updates is on its points (D4, step 8)."""
    for release in draft.releases_of(rollout.name)[-1:]:
        states = _content_states(rollout, release.number, release.version)
        if states and all(state is ContentState.DONE for state in states):
            return f"release {release.number} is on {len(states)} distribution point(s)"
    return ""


def _is_running(rollout: RolloutView, draft: Draft) -> str:
    """Somebody has run it, or is shown to have it (D4, step 11)."""
    for census in _newest_counts(rollout, draft):
        proved = census.reported & census.compliant
        if census.tried or proved:
            return f"{len(census.tried | proved)} computer(s) have answered"
    return ""


def _is_verified(rollout: RolloutView, draft: Draft) -> str:
    """Every phase has succeeded, and enough of all comply (D4, step 12)."""
    newest = _newest(rollout, draft)
    if newest is None:
        return ""
    opened = draft.phases_of(newest)
    states = [opened[phase.name].state for phase in rollout.phases if phase.name in opened]
    if len(states) < len(rollout.phases) or any(one is not PhaseState.SUCCEEDED for one in states):
        return ""
    counts = list(_newest_counts(rollout, draft))
    counted = BitMap.union(BitMap(), *(one.counted for one in counts))
    comply = BitMap.union(BitMap(), *(one.compliant & one.counted for one in counts))
    if not counted or len(comply) < _spec(rollout).retire_at * len(counted):
        return ""
    return f"{len(comply)} of {len(counted)} comply"


def _is_folded(rollout: RolloutView, rollouts: Sequence[RolloutView], draft: Draft) -> str:
    """The mainline holds the updates for everybody who had them from here (D4, step 12)."""
    if _spec(rollout).fold_into is None:
        return "it is folded into no group"
    counts = list(_newest_counts(rollout, draft))
    targeted = BitMap.union(BitMap(), *(one.target for one in counts))
    newest = _newest(rollout, draft)
    updates = newest.offered() if newest is not None else ()
    if not updates or not_covered(targeted, updates, rollouts):
        return ""
    return f"rollups hold its updates for {len(targeted)} computer(s)"


def _content_states(rollout: RolloutView, release: int, version: int) -> list[ContentState]:
    """Give the states of a release's package on its points; of none where there is none yet."""
    memory = rollout.world.observed.memory
    return [
        assignment.state
        for key, assignment in sorted(memory.assignments.items())
        if (package := memory.packages.get(key[:2])) is not None
        and (package.rollout, package.release) == (rollout.name, release)
        and package.version == version
    ]


def _spec(rollout: RolloutView) -> EmergencyChangeSpec:
    _, name = kind_and_name(rollout.name)
    return rollout.world.desired.emergency_changes[name].document.spec


def _newest(rollout: RolloutView, draft: Draft) -> Release | None:
    live = [one for one in draft.releases_of(rollout.name) if one.offered()]
    return live[-1] if live else None


def _newest_counts(rollout: RolloutView, draft: Draft) -> Sequence[Census]:
    newest = _newest(rollout, draft)
    if newest is None:
        return ()
    counts = (make_census(rollout, newest, phase, draft) for phase in rollout.phases)
    return [census for census in counts if census is not None]


_ENDS: Mapping[EmergencyState, Callable[[RolloutView, Draft], str]] = {
    EmergencyState.SYNCING: _is_synced,
    EmergencyState.STAGING: _is_staged,
    EmergencyState.REFERENCE_SCAN: _has_reference_results,
    EmergencyState.BUILDING: _is_built,
    EmergencyState.ADVERTISED: _is_running,
    EmergencyState.VERIFYING: _is_verified,
}
WAITS: Mapping[EmergencyState, str] = {
    EmergencyState.SYNCING: "the catalog is read anew and has to know every update",
    EmergencyState.STAGING: "distribution points have to hold the scans' content",
    EmergencyState.REFERENCE_SCAN: "reference computers have to scan",
    EmergencyState.BUILDING: "distribution points have to hold the package",
    EmergencyState.ADVERTISED: "nobody has run it yet",
    EmergencyState.VERIFYING: "more computers have to prove that they have it",
    EmergencyState.FOLDING: "rollups have to hold its updates for everybody",
}
