"""Releases in phases as a plan leaves them, those that are only authorized yet included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.expansion import EMERGENCY
from reconciler.kinds.phase import Phase
from reconciler.model.aims import Aim
from reconciler.model.computers import CLASS_FACT, MachineClass
from reconciler.model.orders import RunOrder
from reconciler.model.rollouts import PhaseRecord, PhaseState, Release
from reconciler.model.updates import UpdateState
from reconciler.observed.memory import PhaseKey
from reconciler.planning.draft import Draft
from reconciler.planning.orders import order_of
from reconciler.planning.own_deadlines import Terms, terms_of
from reconciler.planning.plan import Decisions
from reconciler.planning.releases import additions
from reconciler.planning.restart_needs import needs_restart
from reconciler.planning.targets import form_targets
from reconciler.planning.updates import released
from reconciler.planning.verdicts import Verdict
from reconciler.planning.world import RolloutView

_SUPPRESS = "suppress"
_WITH_USER = (MachineClass.WORKSTATION, MachineClass.PORTABLE)


@dataclass(frozen=True)
class Stage:
    """One live release in one phase, and whom it is for.

    `record` is nothing where it has not opened; a release that is not `is_cut` holds what waits
    for the next one.
    """

    rollout: RolloutView
    release: Release
    phase: Phase
    record: PhaseRecord | None
    target: FrozenBitMap
    is_cut: bool
    is_halted: bool

    @property
    def key(self) -> PhaseKey:
        """Rollout, release, phase."""
        return self.release.rollout, self.release.number, self.phase.name

    @property
    def is_held(self) -> bool:
        """Whether its offer starts nowhere for now."""
        return self.is_halted or self.rollout.is_paused

    @property
    def state(self) -> str:
        """The state of the release in the phase, in a word."""
        if not self.is_cut:
            return "waiting"
        return self.record.state.value if self.record is not None else PhaseState.PENDING.value

    @property
    def terms(self) -> Terms | None:
        """What its deadlines follow from; nothing without a deadline, or before it opened."""
        if self.record is None:
            return None
        time_basis = self.rollout.placed.document.spec.time_basis
        return terms_of(self.phase, time_basis, self.record.opened_at)

    @cached_property
    def order(self) -> RunOrder:
        """How its runs are done."""
        return order_of(
            self.rollout.placed.document.spec,
            self.phase,
            emergency=self.rollout.kind == EMERGENCY,
            override_windows=self.rollout.overrides_windows,
        )

    @cached_property
    def installs(self) -> FrozenBitMap:
        """The targeted computers that are known to have something to do for it."""
        verdict, waived = self._judged
        return FrozenBitMap(verdict.non_compliant - waived)

    @cached_property
    def unknown(self) -> FrozenBitMap:
        """The targeted computers of which no scan tells whether they have (S10)."""
        verdict, waived = self._judged
        return FrozenBitMap(verdict.unknown - waived)

    @cached_property
    def _judged(self) -> tuple[Verdict, FrozenBitMap]:
        evidence = self.rollout.world.evidence
        return evidence.judge_phase(self.key, self.target, self.release, self.rollout.aim)

    def concerned(self, update: str) -> FrozenBitMap:
        """Give the targeted computers on which an update is to be installed, or removed."""
        world = self.rollout.world
        fleet = world.observed.fleet
        states = (
            (UpdateState.INSTALLED, UpdateState.PENDING_RESTART)
            if self.rollout.aim is Aim.REMOVE
            else (UpdateState.MISSING,)
        )
        found = BitMap.union(BitMap(), *(fleet.in_state(state, update) for state in states))
        waiver = world.waivers.get(update)
        return self.installs & (found - waiver.waived if waiver is not None else found)

    @cached_property
    def restarting(self) -> tuple[FrozenBitMap, FrozenBitMap]:
        """Give who restarts for it, and who would have to but is told not to (by class)."""
        world = self.rollout.world
        entries = world.observed.catalog.entries
        needing = [
            self.concerned(update)
            for update in self.release.ids
            if update in entries and needs_restart(entries[update].update)
        ]
        who = FrozenBitMap.union(FrozenBitMap(), *needing)
        column = world.observed.fleet.fact(CLASS_FACT)
        told = [column.having(one.value) for one in _WITH_USER] if column is not None else []
        workstations = who & FrozenBitMap.union(FrozenBitMap(), *told)
        rules = self.order.restart
        suppressed = FrozenBitMap()
        if rules.servers == _SUPPRESS:
            suppressed |= who - workstations
        if rules.workstations == _SUPPRESS:
            suppressed |= workstations
        return who - suppressed, suppressed


def stages_of(decisions: Decisions) -> Mapping[PhaseKey, Stage]:
    """Give every live release in every phase, by rollout, number and order of the list."""
    return {
        stage.key: stage
        for rollout in decisions.rollouts
        if not rollout.has_ended
        for stage in _stages(rollout, decisions.draft)
    }


def _stages(rollout: RolloutView, draft: Draft) -> Iterator[Stage]:
    for release in draft.live_releases(rollout.name):
        yield from _of_release(rollout, release, draft, is_cut=True)
    waiting = additions(rollout, draft)
    if waiting:
        known = draft.releases_of(rollout.name)
        number = max((one.number for one in known), default=0) + 1
        ahead = Release(
            rollout.name,
            number,
            0,
            released(rollout.authorized, rollout.world.observed.catalog),
            rollout.world.now,
        )
        yield from _of_release(rollout, ahead, draft, is_cut=False)


def _of_release(
    rollout: RolloutView, release: Release, draft: Draft, *, is_cut: bool
) -> Iterator[Stage]:
    targets, records = form_targets(rollout, release, draft), draft.phases_of(release)
    halted = any(record.state is PhaseState.HALTED for record in records.values())
    for phase in rollout.phases:
        record = records.get(phase.name)
        if record is None or not record.retired:
            target = targets[phase.name]
            yield Stage(rollout, release, phase, record, target, is_cut, halted)
