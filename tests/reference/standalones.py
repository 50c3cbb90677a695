"""When a standalone's objects retire because rollups hold its updates (S20, E3)."""

from tests.reference.remembered import Release
from tests.reference.updates import superseders
from tests.reference.views import Judge, View, silent


def fold(judge: Judge, views: list[View]) -> bool:
    """Retire standalones that are done everywhere and covered by rollups (S20)."""
    changed = False
    if not judge.sight.fresh:
        return False
    for authorization in {view.spec.authorization for view in views}:
        own = [view for view in views if view.spec.authorization == authorization]
        if own[0].group.type == "standalone" and _is_done(judge, views, own):
            for view in own:
                for release in view.memory.live():
                    release.retired = release.folded = changed = True
                    for stand in view.memory.stands_of(release.number).values():
                        stand.retired = True
    return changed


def _is_done(judge: Judge, views: list[View], own: list[View]) -> bool:
    somebody = False
    for view in own:
        if not view.memory.live() or view.force != "in force":
            return False
        newest = view.memory.live()[-1]
        stands = view.memory.stands_of(newest.number)
        if any(phase.name not in stands for phase in view.spec.phases):
            return False
        for release in view.memory.live():
            for phase, stand in view.memory.stands_of(release.number).items():
                gate = view.gate(view.phase_named(phase))
                for name in stand.members:
                    somebody = True
                    if not _is_covered(judge, views, release, name):
                        return False
                    waived = judge.is_waived(release, name)
                    if waived or silent(judge, gate, judge.computer(name)):
                        continue
                    if judge.verdict(view, release, name) != "compliant":
                        return False
    return somebody


def _is_covered(judge: Judge, views: list[View], release: Release, name: str) -> bool:
    """Tell whether rollups that target a computer hold all updates, or newer ones."""
    held: set[str] = set()
    for view in views:
        if view.group.type != "rollup" or view.force != "in force":
            continue
        for other in view.memory.live():
            for stand in view.memory.stands_of(other.number).values():
                if name in stand.members and stand.passage != "skipped":
                    held |= set(other.left())
    return all(one in held or superseders(judge.sight, one) & held for one in release.left())
