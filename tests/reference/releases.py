"""What is cut, taken in, taken out and retired (S12)."""

from tests.reference.remembered import Release
from tests.reference.updates import names_taken_out, superseders
from tests.reference.views import Judge, View


def take_out(judge: Judge, view: View) -> bool:
    """Take out of all releases, for good, what the authorization holds no longer (S12).

    What only the catalog does not know any more stays (S29), unless git takes it out by name.
    """
    changed, sight = False, judge.sight
    named = names_taken_out(sight, view.spec.authorization, set(sight.entries))
    for release in view.memory.live():
        gone = {
            one
            for one in release.left()
            if one in named or (one in sight.entries and one not in view.standing)
        }
        if gone:
            release.removed |= gone
            _start_soaks_again(view, release)
            changed = True
    return changed


def _start_soaks_again(view: View, release: Release) -> None:
    for stand in view.memory.stands_of(release.number).values():
        stand.soak_since = None


def additions(view: View) -> dict[str, int]:
    """Give what is authorized and no live release holds in that revision (S12)."""
    held: dict[str, int] = {}
    for release in view.memory.releases.values():
        if not release.retired or release.folded:
            held.update(release.left())
    return {one: revision for one, revision in view.standing.items() if held.get(one, 0) < revision}


def cut(judge: Judge, view: View) -> bool:
    """Take additions into a release that opened nowhere, or cut the next one, whole (S12)."""
    added, memory, now = additions(view), view.memory, judge.sight.now
    if not added or view.paused:
        return False
    number = max(memory.releases, default=0)
    newest = memory.releases.get(number)
    if newest is not None and not newest.retired and not newest.opened:
        newest.updates.update(added)
        newest.removed -= set(added)
        newest.shelved, newest.package = False, ""
        return True
    if newest is not None and is_waiting(judge, view):
        return False
    memory.releases[number + 1] = Release(number + 1, dict(view.standing), now)
    return True


def is_waiting(judge: Judge, view: View) -> bool:
    """Tell whether the next release has to wait (S12)."""
    newest = view.memory.releases[max(view.memory.releases)]
    since = judge.sight.now - newest.cut_at
    return since < view.spec.releases.every or not is_settled(view, newest)


def is_settled(view: View, release: Release) -> bool:
    """Tell whether the first phase is done with a release (S12)."""
    if release.retired or not release.left():
        return True
    stand = view.memory.stands.get((release.number, view.spec.phases[0].name))
    return stand is not None and (stand.state == "succeeded" or stand.relieved)


def is_served(judge: Judge, view: View, release: Release, phase: str) -> bool:
    """Tell whether newer releases that succeeded in a phase replace this one there (S12)."""
    held: set[str] = set()
    for other in view.memory.releases.values():
        stand = view.memory.stands.get((other.number, phase))
        if other.number <= release.number or stand is None:
            continue
        if stand.state == "succeeded" and stand.passage != "skipped":
            held |= set(other.left())
    return all(one in held or superseders(judge.sight, one) & held for one in release.left())


def retire(judge: Judge, view: View, release: Release) -> bool:
    """Retire a release where it is replaced, or as a whole when nothing is left (S12)."""
    if not judge.sight.fresh and release.left():
        return False
    changed = False
    for name, stand in view.memory.stands_of(release.number).items():
        if not release.left() or is_served(judge, view, release, name):
            stand.retired = changed = True
    live = view.memory.stands_of(release.number)
    unserved = [
        one.name
        for one in view.spec.phases
        if (release.number, one.name) not in view.memory.stands
        and not is_served(judge, view, release, one.name)
    ]
    if not release.left() or not (live or unserved):
        release.retired = changed = True
    return changed
