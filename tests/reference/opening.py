"""When a phase opens (S13)."""

from reconciler.kinds.phase import Phase
from tests.reference.freezes import holds_opening
from tests.reference.gates import count, meets_ratio
from tests.reference.halts import blocking
from tests.reference.releases import is_served
from tests.reference.remembered import Release, Stand
from tests.reference.targets import target_of
from tests.reference.views import Judge, View


def try_opening(
    judge: Judge, views: list[View], view: View, release: Release, phase: Phase
) -> bool:
    """Open a phase whose time has come; tells whether it did (S13)."""
    if not may_open(judge, views, view, release, phase):
        return False
    release.opened = True
    view.memory.stands[release.number, phase.name] = Stand(judge.sight.now)
    return True


def may_open(judge: Judge, views: list[View], view: View, release: Release, phase: Phase) -> bool:
    """Tell whether all conditions of an opening hold (S13, S15)."""
    now, opens = judge.sight.now, phase.opens
    if view.paused or not judge.sight.fresh:
        return False
    if not release.left() or view.memory.is_halted(release.number):
        return False
    if (release.number, phase.name) in view.memory.stands:
        return False
    if is_served(judge, view, release, phase.name):
        return False
    if blocking(views, view, release.number).keys() & release.left().keys():
        return False
    target = target_of(judge, view, release, phase.name)
    if holds_opening(judge.sight, target, judge.protected, now):
        return False
    if opens.at is not None:
        return opens.at <= now
    if opens.not_before is not None and now < opens.not_before:
        return False
    return all(
        standing_of(judge, view, release, earlier) == "passed" for earlier in before(view, phase)
    )


def before(view: View, phase: Phase) -> list[Phase]:
    """Give the phases that the list puts before one."""
    phases = list(view.spec.phases)
    return phases[: phases.index(phase)]


def standing_of(judge: Judge, view: View, release: Release, phase: Phase) -> str:
    """Tell whether an earlier phase has passed, has regressed, or is not done (S13)."""
    stand = view.memory.stands.get((release.number, phase.name))
    if stand is None or stand.state != "succeeded":
        return "not done"
    if stand.passage in {"accepted", "skipped"}:
        return "passed"
    found = count(judge, view, release, phase, stand)
    return "passed" if meets_ratio(view, phase, found) else "regressed"
