"""One rollout with all that governs it, and one judge for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.kinds.phase import Gate, Phase
from reconciler.kinds.rollout import RolloutSpec
from reconciler.kinds.update_group import UpdateGroupSpec
from reconciler.model.computers import Computer
from tests.reference.remembered import Release, RolloutMemory, Stand
from tests.reference.sight import Sight
from tests.reference.updates import authorized_updates, force_of, is_suspended
from tests.reference.verdicts import Waived, is_stale, stale_after, verdict


@dataclass
class View:
    """A rollout, what it offers, and what is remembered of it.

    `standing` is what is authorized whenever that is in force; `force` is `early`, `in force`
    or `ended`.
    """

    name: str
    spec: RolloutSpec
    group: UpdateGroupSpec
    standing: dict[str, int]
    force: str
    suspended: bool
    memory: RolloutMemory

    @property
    def paused(self) -> bool:
        """Whether nothing opens and no gate passes (S8)."""
        return self.suspended or self.force != "in force"

    @property
    def keeps_superseded(self) -> bool:
        """Whether the group offers what another update replaces, too."""
        return self.group.superseded == "include"

    def gate(self, phase: Phase) -> Gate:
        """Give a phase's gate; only the last may have none, and it has the defaults then."""
        return phase.gate or Gate()

    def phase_named(self, name: str) -> Phase:
        """Give the phase of a name."""
        return next(one for one in self.spec.phases if one.name == name)


def view_of(sight: Sight, name: str, memory: RolloutMemory) -> View:
    """Gather what governs a rollout."""
    spec = merged_spec(sight, name)
    authorization = sight.desired.authorizations[spec.authorization].document.spec
    group = sight.desired.update_groups[authorization.group].document.spec
    return View(
        name=name,
        spec=spec,
        group=group,
        standing=authorized_updates(sight, spec.authorization),
        force=force_of(sight, spec.authorization),
        suspended=is_suspended(sight.now, spec.suspend, authorization.suspend, group.suspend),
        memory=memory,
    )


def merged_spec(sight: Sight, name: str) -> RolloutSpec:
    """Give a rollout's spec with its strategy's fields where it writes none itself."""
    spec = sight.desired.rollouts[name].document.spec
    strategy = spec.strategy
    while strategy is not None:
        below = sight.desired.rollout_strategies[strategy].document.spec
        taken = {
            field: getattr(below, field)
            for field in below.model_fields_set
            if field not in spec.model_fields_set
        }
        strategy = below.strategy
        spec = spec.model_copy(update=taken)
    return spec


@dataclass
class Judge:
    """What every computer is, at one instant: its collections, waivers and verdicts."""

    sight: Sight
    members: Mapping[str, set[str]]
    protected: Mapping[str, set[str]]
    waived: Waived
    waivers_ended: Mapping[tuple[str, str], datetime]

    def computer(self, name: str) -> Computer:
        """Give a computer by name."""
        return self.sight.computers[name]

    def stale(self, computer: Computer) -> timedelta:
        """Give how long a computer's scan counts."""
        return stale_after(self.sight, computer, self.members)

    def verdict(self, view: View, release: Release, name: str) -> str:
        """Name a computer's verdict for what is left of a release (S10)."""
        computer = self.computer(name)
        if is_stale(self.sight, computer, self.stale(computer)):
            return "unknown"
        updates, keep = release.left(), view.keeps_superseded
        return verdict(self.sight, computer, updates, self.waived, keep=keep)

    def is_waived(self, release: Release, name: str) -> bool:
        """Tell whether one update is waived and all others are known not to apply (S11)."""
        computer, updates = self.computer(name), release.left()
        rest = {one: at for one, at in updates.items() if not self.waived(name, one)}
        if len(rest) == len(updates):
            return False
        if not rest:
            return True
        if is_stale(self.sight, computer, self.stale(computer)):
            return False
        knows = verdict(self.sight, computer, rest, lambda *_: False, keep=True)
        return knows != "unknown" and not any(one in computer.states for one in rest)


def silent(judge: Judge, gate: Gate, computer: Computer) -> bool:
    """Tell whether a computer is unreachable: no contact for `unreachableAfter` (S14)."""
    if gate.unreachable_after is None:
        return False
    contact = computer.last_contact_at
    return contact is None or judge.sight.now - contact >= gate.unreachable_after


def run_of(view: View, release: Release, computer: Computer):
    """Give the last run of a release on a computer, if there is one."""
    return computer.runs.get(f"{view.name}/{release.number}")


def is_under_way(run) -> bool:
    """Tell whether a run began and did not end."""
    return run.ended_at is None or run.ended_at < run.began_at


def is_lost(judge: Judge, view: View, release: Release, gate: Gate, computer: Computer) -> bool:
    """Tell whether it fell silent after a run began that did not end or was not scanned (S14)."""
    run = run_of(view, release, computer)
    if run is None or not silent(judge, gate, computer):
        return False
    scanned = computer.last_scan_at
    return is_under_way(run) or scanned is None or scanned <= run.ended_at


def has_evidence(view: View, release: Release, stand: Stand, computer: Computer) -> bool:
    """Tell whether a scan or a run of the release ended after the opening (S14)."""
    return any(moment > stand.opened_at for moment in moments_of_evidence(view, release, computer))


def moments_of_evidence(view: View, release: Release, computer: Computer) -> list[datetime]:
    """Give when the last scan and the last run of a release ended (S14)."""
    run = run_of(view, release, computer)
    moments = [computer.last_scan_at, run.ended_at if run is not None else None]
    return [moment for moment in moments if moment is not None]
