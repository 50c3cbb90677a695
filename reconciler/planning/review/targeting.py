"""Who is targeted newly and no longer, with which updates, and what leaves for good."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pyroaring import BitMap, FrozenBitMap

from reconciler.kinds.phase import Phase
from reconciler.model.aims import Aim
from reconciler.model.policy import Windows
from reconciler.model.rollouts import Release
from reconciler.model.times import render_duration, render_instant
from reconciler.model.updates import Update
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import Membership, PhaseKey, key_of
from reconciler.planning.actions import Action, Verb
from reconciler.planning.guidance import Guidance
from reconciler.planning.plan import Decisions
from reconciler.planning.render import describe
from reconciler.planning.restart_needs import needs_restart
from reconciler.planning.review.form import (
    MOST_NAMED,
    Fate,
    Retirement,
    StageChange,
    Terms,
    Totals,
    UpdateChange,
)
from reconciler.planning.review.stages import Stage

Stages = Mapping[PhaseKey, Stage]
_NOBODY = FrozenBitMap()
_RETIREMENTS = frozenset(
    {
        Verb.RETIRE_ADVERTISEMENT,
        Verb.RETIRE_PROGRAM,
        Verb.UNASSIGN_CONTENT,
        Verb.RETIRE_PACKAGE,
        Verb.RETIRE_PHASE,
        Verb.RETIRE_RELEASE,
    }
)


@dataclass(frozen=True, slots=True)
class Sides:
    """The decisions without the change and with it, over one fleet.

    `before` has the names of today, where the change renames something.
    """

    base: Decisions
    head: Decisions
    before: Stages
    after: Stages

    @property
    def fleet(self) -> Fleet:
        """The fleet of both."""
        return self.head.world.observed.fleet


def stage_changes(sides: Sides) -> Iterator[StageChange]:
    """Tell of every release in every phase for which the change makes a difference."""
    for key in _ordered(sides):
        old, new = sides.before.get(key), sides.after.get(key)
        change = _stage_change(sides.fleet, key, old, new)
        is_same_set = old is not None and new is not None and old.release.ids == new.release.ids
        if not is_same_set or change.newly or change.no_longer or change.before != change.after:
            yield change


def _ordered(sides: Sides) -> list[PhaseKey]:
    """Put phases in the order of their rollout; what is gone comes last."""
    places = {key: number for number, key in enumerate([*sides.before, *sides.after])}
    return sorted(places, key=lambda key: (key[0], key[1], places[key]))


def _stage_change(fleet: Fleet, key: PhaseKey, old: Stage | None, new: Stage | None) -> StageChange:
    before = old.target if old is not None else _NOBODY
    after = new.target if new is not None else _NOBODY
    newly, gone = after - before, before - after
    installs = (new.installs if new else _NOBODY) - (old.installs if old else _NOBODY)
    fate = Fate.CHANGED
    if old is None or new is None:
        fate = Fate.ADDED if old is None else Fate.REMOVED
    stage = new or old
    return StageChange(
        *key,
        fate=fate,
        is_cut=stage is not None and stage.is_cut,
        target=len(after),
        newly=len(newly),
        no_longer=len(gone),
        installs=len(installs),
        unknown=len(new.unknown) if new is not None else 0,
        newly_named=named(fleet, newly),
        no_longer_named=named(fleet, gone),
        before=_terms(old) if old is not None else None,
        after=_terms(new) if new is not None else None,
    )


def named(fleet: Fleet, who: FrozenBitMap | BitMap) -> tuple[str, ...]:
    """Give the first names, by name where all fit, else of the computers enrolled first."""
    return tuple(sorted(fleet.names[one] for one in list(who[:MOST_NAMED])))


def _terms(stage: Stage) -> Terms:
    phase, order = stage.phase, stage.order
    return Terms(
        state=stage.state,
        held=stage.is_held,
        opens=_opens(phase),
        deadline=_deadline(phase),
        grace=render_duration(phase.grace),
        spread=render_duration(phase.spread),
        restart=(order.restart.servers, order.restart.workstations),
        override_windows=order.override_windows,
    )


def _opens(phase: Phase) -> str:
    opens = phase.opens
    if opens.at is not None:
        return f"at {render_instant(opens.at)}"
    if opens.not_before is not None:
        return f"after previous, not before {render_instant(opens.not_before)}"
    return "after previous"


def _deadline(phase: Phase) -> str:
    due = phase.deadline
    if isinstance(due, timedelta):
        return render_duration(due)
    return render_instant(due) if due is not None else ""


def update_changes(sides: Sides) -> Iterator[UpdateChange]:
    """Tell what each rollout offers newly and no longer, the worst first."""
    found: list[UpdateChange] = []
    for rollout in sorted({key[0] for key in (*sides.before, *sides.after)}):
        old, new = (_offered(stages, rollout) for stages in (sides.before, sides.after))
        for fate, ids, stages in (
            (Fate.ADDED, new.keys() - old.keys(), new),
            (Fate.REMOVED, old.keys() - new.keys(), old),
        ):
            found += [_update_change(fate, rollout, stages[one], one[0]) for one in ids]
    yield from sorted(found, key=_by_weight)


def _by_weight(one: UpdateChange) -> tuple[str, str, int, int, str]:
    return one.rollout, one.fate.value, -one.severity, -one.needed, one.id


def _offered(stages: Stages, rollout: str) -> dict[tuple[str, int], list[Stage]]:
    """Give where each update, in its revision, is offered."""
    found: dict[tuple[str, int], list[Stage]] = {}
    for key, stage in stages.items():
        if key[0] == rollout:
            for update in stage.release.offered():
                found.setdefault((update.id, update.revision), []).append(stage)
    return found


def _update_change(fate: Fate, rollout: str, stages: list[Stage], identity: str) -> UpdateChange:
    view = stages[0].rollout
    entry = view.world.observed.catalog.entries.get(identity)
    update = entry.update if entry is not None else _unknown(identity)
    removes = view.aim is Aim.REMOVE
    concerned = BitMap.union(BitMap(), *(stage.concerned(identity) for stage in stages))
    return UpdateChange(
        fate=fate,
        rollout=rollout,
        id=identity,
        title=update.title,
        product=update.product,
        version=update.version,
        severity=update.severity,
        cves=update.cves,
        irreversible=not (removes or update.removable),
        needs_restart=not removes and needs_restart(update),
        needed=len(concerned),
    )


def _unknown(identity: str) -> Update:
    """Stand for an update that the catalog has lost; its release still holds it (S29)."""
    return Update(identity, "", identity, "", (), "", ())


def retirements(sides: Sides) -> Iterator[Retirement]:
    """Tell what retires with the change and not without it, in the order of the plan (S22)."""
    planned = {_identity(action) for action in sides.base.plan.actions}
    for action in sides.head.plan.actions:
        if action.verb in _RETIREMENTS and _identity(action) not in planned:
            yield Retirement(
                verb=action.verb.value,
                what=describe(action.record),
                computers=_concerned(sides, action),
                rule=action.cause.rule,
                because=action.cause.because,
            )


def _identity(action: Action) -> tuple[str, str, tuple[str | int, ...]]:
    return action.verb.value, type(action.record).__name__, key_of(action.record)


def _concerned(sides: Sides, action: Action) -> int:
    """Count the computers to which what retires was offered."""
    record, memory = action.record, sides.head.world.observed.memory
    rollout, release = getattr(record, "rollout", None), getattr(record, "release", None)
    if isinstance(record, Release):
        release = record.number
    phase = getattr(record, "phase", None)
    memberships: Iterable[Membership] = memory.memberships.values()
    found = [
        one.members
        for one in memberships
        if (one.rollout, one.release) == (rollout, release) and phase in {None, one.phase}
    ]
    return len(FrozenBitMap.union(_NOBODY, *found))


def totals(sides: Sides) -> Totals:
    """Count every computer once, whatever number of releases and phases it is in."""
    old, new = sides.before.values(), sides.after.values()
    targeted = [_union(one.target for one in stages) for stages in (old, new)]
    installing = [_union(one.installs for one in stages) for stages in (old, new)]
    restarting = [_union(one.restarting[0] for one in stages) for stages in (old, new)]
    suppressed = [_union(one.restarting[1] for one in stages) for stages in (old, new)]
    return Totals(
        newly_targeted=len(targeted[1] - targeted[0]),
        no_longer_targeted=len(targeted[0] - targeted[1]),
        installs=len(installing[1] - installing[0]),
        restarts=len(restarting[1] - restarting[0]),
        restarts_suppressed=len(suppressed[1] - suppressed[0] - restarting[1]),
        other_windows=_other_windows(sides),
    )


def _union(sets: Iterable[FrozenBitMap]) -> FrozenBitMap:
    return FrozenBitMap.union(_NOBODY, *sets)


def _other_windows(sides: Sides) -> int:
    """Count those who may be changed at other times, within the days that plans look ahead."""
    before, after = (_by_windows(one.plan.guidance) for one in (sides.base, sides.head))
    kept = [before[windows] & members for windows, members in after.items() if windows in before]
    return len(_union(after.values()) - _union(kept))


def _by_windows(guidance: Guidance) -> dict[tuple[Windows, Windows | None], FrozenBitMap]:
    found: defaultdict[tuple[Windows, Windows | None], BitMap] = defaultdict(BitMap)
    for one in guidance.windows:
        found[one.windows, one.emergency] |= one.members
    return {windows: FrozenBitMap(members) for windows, members in found.items()}
