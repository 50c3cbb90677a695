"""What the language says that a plan has to tell."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from reconciler.kinds.maintenance_window import MaintenanceWindow
from reconciler.kinds.phase import Phase
from reconciler.model.computers import Computer
from tests.reference.collections import facts_used
from tests.reference.deadlines import first_deadline
from tests.reference.gates import Count, too_many_unreachable
from tests.reference.halts import blocking
from tests.reference.opening import before, standing_of
from tests.reference.releases import additions, is_waiting
from tests.reference.remembered import Release, Stand
from tests.reference.sight import SITE, Sight
from tests.reference.updates import lacks_severity
from tests.reference.views import Judge, View
from tests.reference.windows import known_zone, local_zone, occurrences, windows_of

Said = tuple[str, str]
"""Subject and type of a condition."""
Counts = Mapping[tuple[str, int, str], Count]


def may_be_told(judge: Judge, views: list[View], said: set[Said]) -> set[Said]:
    """Give what is true and may be told or not: who regressed and keeps no phase closed."""
    found = set[Said]()
    for view, release, phase in opened(views):
        if not keeps_closed(judge, view, release, phase):
            found.add((f"Rollout/{view.name}/{release.number}/{phase.name}", "Regressed"))
    return found & said


def keeps_closed(judge: Judge, view: View, release: Release, phase: Phase) -> bool:
    """Tell whether a phase, by having regressed, is the first to keep a later one closed (S13)."""
    if view.paused or not all(
        standing_of(judge, view, release, one) == "passed" for one in before(view, phase)
    ):
        return False
    return any(
        phase in before(view, one)
        and one.opens.at is None
        and (release.number, one.name) not in view.memory.stands
        for one in view.spec.phases
    )


def opened(views: list[View]) -> Iterator[tuple[View, Release, Phase]]:
    """Give the opened phases of live releases, also those from which the release retired."""
    for view in views:
        for release in view.memory.live():
            for phase in view.spec.phases:
                if (release.number, phase.name) in view.memory.stands:
                    yield view, release, phase


def conditions(judge: Judge, views: list[View], counts: Counts) -> set[Said]:
    """Give all that is true (S30)."""
    found = {*_of_site(judge), *_of_collections(judge.sight), *_of_groups(judge.sight)}
    found |= _regressed(judge, views) | _halted(views)
    for view in views:
        found |= {(f"Rollout/{view.name}", one) for one in _of_rollout(judge, view)}
        for release in view.memory.live():
            subject = f"Rollout/{view.name}/{release.number}"
            blocked = blocking(views, view, release.number).keys() & release.left().keys()
            if blocked:
                found.add((subject, "HaltedElsewhere"))
        for (rollout, number, phase), one in counts.items():
            if rollout == view.name:
                told = _of_phase(judge, view, number, phase, one)
                found |= {(f"Rollout/{rollout}/{number}/{phase}", name) for name in told}
    return found


def _regressed(judge: Judge, views: list[View]) -> set[Said]:
    return {
        (f"Rollout/{view.name}/{release.number}/{phase.name}", "Regressed")
        for view, release, phase in opened(views)
        if standing_of(judge, view, release, phase) == "regressed"
    }


def _halted(views: list[View]) -> set[Said]:
    return {
        (f"Rollout/{view.name}/{number}/{phase}", "Halted")
        for view in views
        for (number, phase), stand in view.memory.stands.items()
        if stand.state == "halted" and not view.memory.releases[number].retired
    }


def _of_rollout(judge: Judge, view: View) -> Iterator[str]:
    if view.force == "ended":
        yield "Ended"
    elif view.force == "early" or not view.standing:
        yield "NothingToOffer"
    if view.suspended:
        yield "Suspended"
    if view.memory.releases and additions(view) and not view.paused and is_waiting(judge, view):
        yield "ReleaseWaiting"


def _of_phase(judge: Judge, view: View, number: int, name: str, found: Count) -> Iterator[str]:
    stand = view.memory.stands[number, name]
    phase = view.phase_named(name)
    gate, now = view.gate(phase), judge.sight.now
    if stand.state != "open":
        return
    if found.target == found.waived and not gate.allow_empty:
        yield "EmptyTarget"
    if too_many_unreachable(view, phase, found):
        yield "TooManyUnreachable"
    if gate.pending_restart == "wait" and found.verdicts["restart"] & found.counted:
        yield "AwaitingRestarts"
    passing = found.passing(gate.pending_restart)
    if (
        is_past_deadline(judge, view, phase, stand)
        and found.counted
        and found.reported == found.counted
        and len(passing) < gate.success * len(found.counted)
    ):
        yield "GateMissed"
    if gate.within is not None and now - stand.opened_at >= gate.within:
        yield "Overdue"


def is_past_deadline(judge: Judge, view: View, phase: Phase, stand: Stand) -> bool:
    """Tell whether the deadline of all who were there at the opening is past, with the spread."""
    ends = [
        first_deadline(judge.sight, view, phase, stand, judge.computer(name))
        for name in stand.members
    ]
    return all(one is not None and one + phase.spread <= judge.sight.now for one in ends)


def _of_collections(sight: Sight) -> Iterator[Said]:
    for name, placed in sight.desired.collections.items():
        spec = placed.document.spec
        used = set(facts_used(spec.query)) if spec.query is not None else set()
        if any(fact not in one.facts for fact in used for one in sight.enrolled()):
            yield f"Collection/{name}", "FactMissing"
        if names_unknown(sight, spec.computers):
            yield f"Collection/{name}", "UnknownComputer"
    for name, waiver in sight.desired.waivers.items():
        if names_unknown(sight, waiver.document.spec.computers):
            yield f"Waiver/{name}", "UnknownComputer"


def names_unknown(sight: Sight, written: tuple[str, ...]) -> bool:
    """Tell whether a name is no enrolled computer's (S6)."""
    names = {one.name for one in sight.enrolled()}
    return not set(written) <= names | {f"{SITE}/{one}" for one in names}


def _of_groups(sight: Sight) -> Iterator[Said]:
    for name, placed in sight.desired.update_groups.items():
        spec = placed.document.spec
        if not set(spec.updates) <= sight.entries.keys():
            yield f"UpdateGroup/{name}", "UnknownUpdate"
        if spec.query is not None and lacks_severity(sight, spec.query):
            yield f"UpdateGroup/{name}", "SeverityMissing"


def _of_site(judge: Judge) -> Iterator[Said]:
    sight = judge.sight
    found = {one.name: windows_of(sight, one, judge.members, "updates") for one in sight.enrolled()}
    if "never" in found.values():
        yield f"Site/{SITE}", "NoWindow"
    for one in sight.enrolled():
        windows = found[one.name]
        if not isinstance(windows, str) and not _is_any_ahead(sight, one, windows):
            yield f"Site/{SITE}", "NoWindowAhead"
        zone = one.facts.get("timezone")
        if zone is not None and known_zone(zone) is None:
            yield f"Site/{SITE}", "BadTimezone"


def _is_any_ahead(sight: Sight, computer: Computer, windows: list[MaintenanceWindow]) -> bool:
    for window in windows:
        zone = local_zone(sight, computer) if window.timezone == "local" else None
        zone = zone or known_zone(window.timezone)
        assert zone is not None
        if any(occurrences(window, zone, sight.now, sight.now + timedelta(days=500))):
            return True
    return False
