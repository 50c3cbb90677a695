"""Who is in which phase of a release (S12a)."""

from datetime import datetime

from tests.reference.deadlines import computer_deadline
from tests.reference.remembered import Release, Stand
from tests.reference.views import Judge, View


def form_targets(judge: Judge, view: View, release: Release) -> bool:
    """Give each computer its phase; tells whether somebody moved (S12a)."""
    stands = view.memory.opened_by(release.number)
    now, wanted = judge.sight.now, {name: set[str]() for name in stands}
    for computer in judge.sight.enrolled():
        phase = phase_of(judge, view, stands, computer.name)
        if phase in wanted:
            wanted[phase].add(computer.name)
    changed = False
    limits: dict[str, datetime] = {}
    for name, stand in stands.items():
        for member in stand.members:
            computer = judge.computer(member)
            due = computer_deadline(judge.sight, view, view.phase_named(name), stand, computer)
            if due is not None:
                limits[member] = due
    for name, stand in stands.items():
        changed |= set(stand.members) != wanted[name]
        came = None if stand.opened_at == now else now
        for one in wanted[name] - stand.members.keys():
            if one in limits:
                stand.capped[one] = limits[one]
        stand.members = {one: stand.members.get(one, came) for one in wanted[name]}
        stand.joined = {one: at for one, at in stand.joined.items() if one in wanted[name]}
        stand.capped = {one: at for one, at in stand.capped.items() if one in wanted[name]}
    return changed


def target_of(judge: Judge, view: View, release: Release, phase: str) -> set[str]:
    """Give who would be in a phase if it opened now (S12a)."""
    stands = view.memory.opened_by(release.number)
    return {
        one.name
        for one in judge.sight.enrolled()
        if phase_of(judge, view, stands, one.name) == phase
    }


def phase_of(judge: Judge, view: View, stands: dict[str, Stand], computer: str) -> str | None:
    """Name the phase that a computer belongs to, opened or not (S12a)."""
    fitting = [one.name for one in view.spec.phases if computer in judge.members[one.collection]]
    for name in fitting:
        if name in stands and computer in stands[name].members:
            break
    else:
        return fitting[0] if fitting else None
    earlier = fitting[: fitting.index(name)]
    return next((one for one in earlier if one in stands), name)
