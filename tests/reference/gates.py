"""What lets the next phase open (S14)."""

from dataclasses import dataclass
from fractions import Fraction

from reconciler.kinds.phase import Phase
from tests.reference.remembered import Release, Stand
from tests.reference.views import Judge, View, has_evidence, is_lost, silent


@dataclass
class Count:
    """Who of a phase's target is what, by name (S14)."""

    target: set[str]
    waived: set[str]
    unreachable: set[str]
    counted: set[str]
    reported: set[str]
    verdicts: dict[str, set[str]]

    def passing(self, pending_restart: str) -> set[str]:
        """Give those counted that are compliant, or only need a restart where that is accepted."""
        chosen = set(self.verdicts["compliant"])
        if pending_restart == "accept":
            chosen |= self.verdicts["restart"]
        return chosen & self.counted


def count(judge: Judge, view: View, release: Release, phase: Phase, stand: Stand) -> Count:
    """Sort a phase's target (S14)."""
    gate, now = view.gate(phase), judge.sight.now
    verdicts: dict[str, set[str]] = {
        one: set() for one in ("unknown", "missing", "restart", "compliant")
    }
    made = Count(set(stand.members), set(), set(), set(), set(), verdicts)
    for name, entered in stand.members.items():
        computer = judge.computer(name)
        found = judge.verdict(view, release, name)
        has_reported = has_evidence(view, release, stand, computer) and found != "unknown"
        if judge.is_waived(release, name):
            made.waived.add(name)
            continue
        verdicts[found].add(name)
        if silent(judge, gate, computer):
            made.unreachable.add(name)
            if not is_lost(judge, view, release, gate, computer):
                continue
        is_late = entered is not None and now - entered < phase.grace
        if is_late and not has_reported:
            continue
        made.counted.add(name)
        if has_reported:
            made.reported.add(name)
    return made


def meets_ratio(view: View, phase: Phase, found: Count) -> bool:
    """Tell whether enough of those counted comply; of nobody, only where that is allowed (S14)."""
    gate = view.gate(phase)
    if found.target == found.waived:
        return gate.allow_empty
    if not found.counted:
        return False
    share = Fraction(len(found.passing(gate.pending_restart)), len(found.counted))
    return share >= gate.success


def holds(view: View, phase: Phase, found: Count) -> bool:
    """Tell whether all that has to hold for the soak holds now (S14)."""
    gate = view.gate(phase)
    if not meets_ratio(view, phase, found):
        return False
    enough = len(found.reported) >= min(gate.min_reported, len(found.counted))
    return enough and not too_many_unreachable(view, phase, found)


def too_many_unreachable(view: View, phase: Phase, found: Count) -> bool:
    """Tell whether more of the target is silent than allowed (S14)."""
    asked = len(found.target - found.waived)
    return bool(asked) and (
        Fraction(len(found.unreachable), asked) > view.gate(phase).max_unreachable
    )


def try_gate(judge: Judge, view: View, release: Release, phase: Phase, stand: Stand) -> bool:
    """Begin, go on with, stop or end the soak of an open phase; tells whether it changed (S14)."""
    if stand.state != "open":
        return False
    gate, now = view.gate(phase), judge.sight.now
    found = count(judge, view, release, phase, stand)
    stopped = view.paused or not judge.sight.fresh or view.memory.is_halted(release.number)
    if stopped or not release.left() or not holds(view, phase, found):
        changed = stand.soak_since is not None
        stand.soak_since = None
        return changed
    changed = stand.soak_since is None
    stand.soak_since = since = stand.soak_since or now
    in_contact = [
        name
        for name in found.counted
        if (contact := judge.computer(name).last_contact_at) is not None and contact >= since
    ]
    enough = len(in_contact) >= min(gate.min_reported, len(found.counted))
    if now - since >= gate.soak and (enough or not gate.soak):
        stand.state, stand.passage = "succeeded", "gate"
        stand.soak_since = None
        return True
    return changed
