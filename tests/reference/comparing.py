"""Both opinions side by side."""

from collections.abc import Hashable, Iterable
from typing import Any

from reconciler.model.objects import Advertisement
from reconciler.model.rollouts import PhaseState
from reconciler.planning.actions import Verb
from reconciler.planning.plan import Plan
from tests.reference.adverts import OwnOffer, own_offers
from tests.reference.budgets import Domain, all_domains
from tests.reference.contents import packages, shelve
from tests.reference.events import Event, Stage
from tests.reference.freezes import frozen_spans, without
from tests.reference.halts import failed_and_reported
from tests.reference.opinion import Opinion, SecondOpinion
from tests.reference.sight import Sight
from tests.reference.windows import merged, openings
from tests.worlds import load_desired

Facts = dict[Hashable, Any]
RETIRING = (
    Verb.RETIRE_ADVERTISEMENT,
    Verb.RETIRE_PROGRAM,
    Verb.UNASSIGN_CONTENT,
    Verb.RETIRE_PACKAGE,
)
TOLD = {
    "NothingToOffer",
    "Ended",
    "Suspended",
    "ReleaseWaiting",
    "Regressed",
    "Halted",
    "HaltedElsewhere",
    "EmptyTarget",
    "TooManyUnreachable",
    "AwaitingRestarts",
    "GateMissed",
    "Overdue",
    "NoWindow",
    "NoWindowAhead",
    "BadTimezone",
    "FactMissing",
    "UnknownComputer",
    "UnknownUpdate",
    "SeverityMissing",
    "Held",
}


def sight_of(stage: Stage) -> Sight:
    """Give what the reference sees of a stage."""
    world = stage.world
    return Sight(
        desired=load_desired(*world.manifests),
        computers=world.computers,
        entries=world.entries,
        now=world.now,
        entered=stage.entered,
        fresh=world.fresh,
    )


class Pair:
    """The planner and the reference, before the same events."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.second = SecondOpinion()
        self.plan: Plan | None = None
        self.compared = 0

    def happen(self, happenings: Iterable[Event]) -> None:
        """Have things happen; a site plans whenever its last plan asked for it."""
        world = self.stage.world
        for one in happenings:
            begin = world.now
            one.happen(self.stage)
            end = world.now
            while self.plan is not None and self.plan.wake_at is not None:
                wake_at = self.plan.wake_at
                if not begin < wake_at < end:
                    break
                world.now = begin = wake_at
                self.agree()
            world.now = end

    def agree(self) -> None:
        """Have both plan, carry the plan out, and compare."""
        stage = self.stage
        opinion = self.second.think(sight_of(stage))
        self.plan = stage.world.step()
        if stage.captures:
            stage.world.capture()
            for view in opinion.views:
                shelve(view)
        stage.world.fresh = True
        found = differences(stage, self.plan, opinion)
        assert not found, told(stage, found)
        self.compared += 1


def differences(stage: Stage, plan: Plan, opinion: Opinion) -> list[str]:
    """Say where the two differ, in order of what follows from what."""
    found = []
    for part, (planned, slow) in both_sides(stage, plan, opinion).items():
        fast = planned
        if part in {"adverts", "offers"} and not opinion.judge.sight.fresh:
            fast = {key: planned[key] for key in planned if key in slow}  # nothing retires (S29)
        for key in sorted({*fast, *slow}, key=str):
            one, other = fast.get(key), slow.get(key)
            if one != other:
                found.append(f"{part} of {key}: the plan says {one}, the reference {other}")
    return found


def both_sides(stage: Stage, plan: Plan, opinion: Opinion) -> dict[str, tuple[Facts, Facts]]:
    """Give each part as both see it."""
    return {
        "members": _members(stage, opinion),
        "releases": (_releases(stage), _thought_releases(opinion)),
        "states": (_states(stage), _thought_states(opinion)),
        "targets": (_targets(stage), _thought_targets(opinion)),
        "blocked": (_blocked(stage), _thought_blocked(opinion)),
        "counts": (_counts(plan), _thought_counts(opinion)),
        "soaks": (_soaks(stage), _thought_soaks(opinion)),
        "packages": (_packages(stage, opinion), _names(opinion)),
        "objects": (_order_of_objects(stage, plan), {}),
        "adverts": (_adverts(stage), _thought_adverts(opinion)),
        "conditions": _conditions(plan, opinion),
        "offers": _offers_alike(_offers(stage, plan), opinion, _thought_offers(stage, opinion)),
        "windows": _windows(stage, plan, opinion),
        "budgets": _budgets(stage, plan, opinion),
    }


def _members(stage: Stage, opinion: Opinion) -> tuple[Facts, Facts]:
    fast: Facts = {}
    slow: Facts = {}
    for (name,), roll in stage.world.memory.rolls.items():
        if name in opinion.members:
            fast[name] = sorted(stage.world.names(roll.members))
            slow[name] = sorted(opinion.members[name])
    return fast, slow


def _releases(stage: Stage) -> Facts:
    return {
        key: (
            {(one.id, one.revision) for one in release.offered()},
            release.cut_at,
            release.retired,
        )
        for key, release in stage.world.memory.releases.items()
        if ("Rollout", key[0]) in stage.documents
    }


def _thought_releases(opinion: Opinion) -> Facts:
    return {
        (view.name, number): (set(release.left().items()), release.cut_at, release.retired)
        for view in opinion.views
        for number, release in view.memory.releases.items()
    }


def _states(stage: Stage) -> Facts:
    return {
        key: (one.state.value, one.opened_at, one.passage and one.passage.value)
        for key, one in stage.world.memory.phases.items()
        if _is_live(stage, key)
    }


def _is_live(stage: Stage, key: tuple[str, int, str]) -> bool:
    memory = stage.world.memory
    if ("Rollout", key[0]) not in stage.documents:
        return False
    listed = stage.documents["Rollout", key[0]]["phases"]
    if key not in memory.phases:
        return True
    return (
        key[2] in {one["name"] for one in listed}
        and not memory.phases[key].retired
        and not memory.releases[key[:2]].retired
    )


def _stands(opinion: Opinion):
    for view in opinion.views:
        for (number, phase), stand in view.memory.stands.items():
            is_over = stand.retired or not stand.listed
            if not is_over and not view.memory.releases[number].retired:
                yield view, (view.name, number, phase), stand


def _thought_states(opinion: Opinion) -> Facts:
    return {
        key: (stand.state, stand.opened_at, stand.passage or None)
        for _, key, stand in _stands(opinion)
    }


def _targets(stage: Stage) -> Facts:
    memory = stage.world.memory
    names: Facts = {}
    for key, one in memory.memberships.items():
        if key in memory.phases and _is_live(stage, key):
            names[key] = sorted(stage.world.names(one.members))
    return names


def _thought_targets(opinion: Opinion) -> Facts:
    return {key: sorted(stand.members) for _, key, stand in _stands(opinion)}


def _blocked(stage: Stage) -> Facts:
    return {
        key: set(one.blocked)
        for key, one in stage.world.memory.phases.items()
        if one.state is PhaseState.HALTED and _is_live(stage, key)
    }


def _thought_blocked(opinion: Opinion) -> Facts:
    return {key: stand.blocked for _, key, stand in _stands(opinion) if stand.state == "halted"}


def _counts(plan: Plan) -> Facts:
    return {
        (one.rollout, one.release, one.phase): {
            "target": one.target,
            "compliant": one.compliant,
            "missing": one.missing,
            "unknown": one.unknown,
            "restart": one.pending_restart,
            "failed": one.failed,
            "unreachable": one.unreachable,
            "reported": one.reported,
        }
        for one in plan.counts
        if one.state is not PhaseState.PENDING
    }


def _thought_counts(opinion: Opinion) -> Facts:
    found: Facts = {}
    for view, key, stand in _stands(opinion):
        if view.force == "ended":
            continue
        one, phase = opinion.counts[key], view.phase_named(key[2])
        release = view.memory.releases[key[1]]
        failed, _ = failed_and_reported(opinion.judge, view, release, phase, stand)
        found[key] = {
            "target": len(one.target),
            "compliant": len(one.verdicts["compliant"]),
            "missing": len(one.verdicts["missing"]),
            "unknown": len(one.verdicts["unknown"]),
            "restart": len(one.verdicts["restart"]),
            "failed": len(failed),
            "unreachable": len(one.unreachable),
            "reported": len(one.reported),
        }
    return found


def _soaks(stage: Stage) -> Facts:
    return {
        key: one.soak_since
        for key, one in stage.world.memory.phases.items()
        if one.state is PhaseState.OPEN and _is_live(stage, key)
    }


def _thought_soaks(opinion: Opinion) -> Facts:
    return {key: stand.soak_since for _, key, stand in _stands(opinion) if stand.state == "open"}


def _packages(stage: Stage, opinion: Opinion) -> Facts:
    """Give whose package each release has; versions of one rise with its releases (S20)."""
    known = stage.world.memory.packages.values()
    names = _names(opinion)
    alike: Facts = {(one.rollout, one.release): one.name.partition("/")[0] for one in known}
    if not opinion.judge.sight.fresh:
        return {key: alike[key] for key in alike if key in names}  # nothing retires (S29)
    for name, rollout in {(one.name, one.rollout) for one in known}:
        own = [one for one in known if one.name == name]
        mine = sorted((one.release, one.version) for one in own if one.rollout == rollout)
        versions = [version for _, version in mine]
        if versions != sorted(set(versions)) or len({one.id for one in own}) != 1:
            alike[name, rollout] = versions
    return alike


def _names(opinion: Opinion) -> Facts:
    return {key: name for view in opinion.views for key, name in packages(view).items()}


def _order_of_objects(stage: Stage, plan: Plan) -> Facts:
    """Give what refers to nothing, and what was retired before what refers to it (S22)."""
    memory = stage.world.memory
    places = {key[:2] for key in memory.packages}
    dangling = [
        one.id for one in memory.advertisements.values() if _program(one) not in memory.programs
    ]
    dangling += [
        one.name for one in memory.programs.values() if (one.package, one.version) not in places
    ]
    dangling += [
        one.package
        for one in memory.assignments.values()
        if (one.package, one.version) not in places
    ]
    retired = [RETIRING.index(one.verb) for one in plan.actions if one.verb in RETIRING]
    found: Facts = dict.fromkeys(dangling, "dangles")
    return found if retired == sorted(retired) else {**found, "retired": retired}


def _program(one: Advertisement) -> tuple[str, int, str]:
    return one.package, one.version, one.program


def _adverts(stage: Stage) -> Facts:
    return {
        (one.rollout, one.release, one.phase): (
            set(one.updates),
            one.available_at,
            one.mandatory_at,
            one.held,
            one.rerun_at,
        )
        for one in stage.world.memory.advertisements.values()
        if _is_live(stage, (one.rollout, one.release, one.phase))
    }


def _thought_adverts(opinion: Opinion) -> Facts:
    return {
        (one.rollout, one.release, one.phase): (
            set(one.updates),
            one.available_at,
            one.mandatory_at,
            one.held,
            one.rerun_at,
        )
        for one in opinion.adverts
    }


def _conditions(plan: Plan, opinion: Opinion) -> tuple[Facts, Facts]:
    told = {(one.subject, one.type.value) for one in plan.conditions}
    said = {
        one
        for one in told - opinion.optional
        if one[1] in TOLD and (one[1] != "FactMissing" or one[0].startswith("Collection/"))
    }
    return dict.fromkeys(said, True), dict.fromkeys(opinion.conditions - opinion.optional, True)


def _offers(stage: Stage, plan: Plan) -> Facts:
    found: Facts = {}
    for name, computer in stage.world.computers.items():
        if computer.retired:
            continue
        for one in stage.world.policy(name, plan).offers:
            offer = OwnOffer(
                one.rollout,
                one.release,
                one.phase,
                frozenset((update.id, update.not_before) for update in one.updates),
                one.mandatory_at,
                one.held,
            )
            if _is_live(stage, (one.rollout, one.release, one.phase)):
                found[name, one.rollout, one.release, one.phase] = offer
    return found


def _offers_alike(planned: Facts, opinion: Opinion, thought: Facts) -> tuple[Facts, Facts]:
    """Give both, without deadlines where a commit changed what they follow from.

    Who joined when is remembered only as far as it can move a deadline (decision 105).
    """
    unsure = {
        (view.name, number)
        for view in opinion.views
        for number, release in view.memory.releases.items()
        if release.renegotiated
    }

    def sure(offers: Facts) -> Facts:
        return {
            key: one.undated() if key[1:3] in unsure else one  # type: ignore[index]
            for key, one in offers.items()
        }

    return sure(planned), sure(thought)


def _thought_offers(stage: Stage, opinion: Opinion) -> Facts:
    return {
        (name, one.rollout, one.release, one.phase): one
        for name, computer in stage.world.computers.items()
        if not computer.retired
        for one in own_offers(opinion.judge, opinion.views, name)
    }


def _windows(stage: Stage, plan: Plan, opinion: Opinion) -> tuple[Facts, Facts]:
    fast: Facts = {}
    slow: Facts = {}
    sight, members, protected = opinion.judge.sight, opinion.members, opinion.judge.protected
    for name, computer in stage.world.computers.items():
        if computer.retired:
            continue
        told = stage.world.policy(name, plan).windows
        span = (plan.now, told.until)
        for purpose, spans in (("updates", told.updates), ("restarts", told.restarts)):
            always = told.always and not told.frozen
            fast[name, purpose] = [span] if always else _clipped(spans, span)
            found = openings(sight, computer, members, purpose, span)
            slow[name, purpose] = without(found, frozen_spans(sight, computer, protected, span))
    return fast, slow


def _budgets(stage: Stage, plan: Plan, opinion: Opinion) -> tuple[Facts, Facts]:
    fast: Facts = {
        Domain(frozenset(stage.world.names(one.members)), one.limit, one.phase): True
        for one in plan.guidance.budgets
        if one.members and (one.phase is None or _is_live(stage, one.phase))
    }
    return fast, dict.fromkeys(all_domains(opinion.judge, opinion.views), True)


def _clipped(spans, span):
    cut = [(max(begin, span[0]), min(end, span[1])) for begin, end in spans]
    return merged([(begin, end) for begin, end in cut if begin < end])


def told(stage: Stage, found: list[str]) -> str:
    """Show the differences, and the world in which they were found."""
    return "\n".join(["", *found, "", *stage.world.manifests])
