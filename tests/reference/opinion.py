"""The second opinion: all rules in one slow pass over plain objects."""

from dataclasses import dataclass, field

from tests.reference import adverts as offering
from tests.reference.conditions import conditions, may_be_told
from tests.reference.contents import clear, note_orders
from tests.reference.deadlines import note_contacts, note_passed
from tests.reference.gates import Count, count, try_gate
from tests.reference.halts import lift_relieved, resume, try_halt
from tests.reference.holds import Rolls
from tests.reference.opening import try_opening
from tests.reference.releases import cut, retire, take_out
from tests.reference.remembered import RolloutMemory
from tests.reference.sight import Sight
from tests.reference.standalones import fold
from tests.reference.targets import form_targets
from tests.reference.views import Judge, View, view_of
from tests.reference.waivers import waived_pairs

_MOST_ROUNDS = 100


@dataclass
class Opinion:
    """What the reference thinks of one instant."""

    judge: Judge
    views: list[View]
    members: dict[str, set[str]]
    adverts: set[offering.Advert]
    counts: dict[tuple[str, int, str], Count]
    conditions: set[tuple[str, str]]
    optional: set[tuple[str, str]]


@dataclass
class SecondOpinion:
    """What is remembered, and how it goes on from one instant to the next."""

    rollouts: dict[str, RolloutMemory] = field(default_factory=dict)
    rolls: Rolls = field(default_factory=Rolls)

    def think(self, sight: Sight) -> Opinion:
        """Carry all rules out at an instant (S25)."""
        members, protected = self.rolls.evaluate(sight)
        waived, ended = waived_pairs(sight, lambda name: protected[name])
        judge = Judge(
            sight, members, protected, lambda name, update: (name, update) in waived, ended
        )
        views = self._views(sight)
        for view in views:
            forget_phases(sight, view)
            resume(judge, view)
        for _ in range(_MOST_ROUNDS):
            if not settle(judge, views):
                break
        else:
            raise AssertionError("the plan does not come to an end")
        for view in views:
            note_contacts(judge, view)
            note_passed(judge, view)
            note_orders(view, orders_of(sight, view), sight.now)
            clear(view, fresh=sight.fresh)
        counts = {
            (view.name, number, phase): count(
                judge, view, view.memory.releases[number], view.phase_named(phase), stand
            )
            for view in views
            for (number, phase), stand in view.memory.stands.items()
            if stand.listed and not stand.retired and not view.memory.releases[number].retired
        }
        made = {advert for view in views for advert in offering.adverts(view)}
        said = conditions(judge, views, counts)
        said |= {(f"Collection/{name}", "Held") for name in self.rolls.held}
        optional = may_be_told(judge, views, said)
        return Opinion(judge, views, members, made, counts, said, optional)

    def _views(self, sight: Sight) -> list[View]:
        """Gather the rollouts; one that left git is forgotten (S16, S29)."""
        known = sight.desired.rollouts
        if sight.fresh:
            self.rollouts = {name: self.rollouts[name] for name in known if name in self.rollouts}
        for name in known:
            self.rollouts.setdefault(name, RolloutMemory())
        return [view_of(sight, name, self.rollouts[name]) for name in sorted(known)]


def orders_of(sight: Sight, view: View) -> list[tuple[str, str]]:
    """Give phase and token of each order to run once more (S16)."""
    specs = [placed.document.spec for placed in sight.desired.readvertises.values()]
    return [(one.phase, one.token) for one in specs if one.rollout == view.name]


def forget_phases(sight: Sight, view: View) -> None:
    """End the phases that left the list, unless a read failed; a halt stays (S13, S15, S29)."""
    listed, stands = {phase.name for phase in view.spec.phases}, view.memory.stands
    for (_, phase), stand in stands.items():
        stand.listed = phase in listed
    if sight.fresh:
        view.memory.stands = {
            key: one for key, one in stands.items() if one.listed or one.state == "halted"
        }


def settle(judge: Judge, views: list[View]) -> bool:
    """Do one round of a plan; tells whether anything changed (S13)."""
    changed = False
    for view in views:
        changed |= take_out(judge, view)
        changed |= cut(judge, view)
        for release in view.memory.live():
            changed |= form_targets(judge, view, release)
        for (number, _), stand in view.memory.stands.items():
            changed |= lift_relieved(judge, view.memory.releases[number], stand)
        forget_phases(judge.sight, view)
    for view in views:
        for release in view.memory.live():
            for name, stand in view.memory.stands_of(release.number).items():
                changed |= try_halt(judge, view, release, view.phase_named(name), stand)
    for view in views:
        for release in view.memory.live():
            changed |= pass_phases(judge, views, view, release)
        for release in view.memory.live():
            changed |= retire(judge, view, release)
    return changed | fold(judge, views)


def pass_phases(judge, views, view, release) -> bool:
    """Judge gates and open phases, in list order (S13)."""
    changed = False
    for phase in view.spec.phases:
        stand = view.memory.stands_of(release.number).get(phase.name)
        if stand is not None:
            changed |= try_gate(judge, view, release, phase, stand)
        elif try_opening(judge, views, view, release, phase):
            form_targets(judge, view, release)
            changed = True
    return changed
