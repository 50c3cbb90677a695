"""What one computer is found to be for a set of updates (S8 to S11)."""

from collections.abc import Callable, Collection, Mapping
from datetime import timedelta

from reconciler.kinds.scan_policy import StaleAfter
from reconciler.model.computers import Computer
from reconciler.model.updates import UpdateState
from tests.reference.sight import Sight
from tests.reference.updates import leaves_out, superseders

APPLIES = {UpdateState.INSTALLED, UpdateState.MISSING, UpdateState.PENDING_RESTART}
Waived = Callable[[str, str], bool]
"""Whether a computer's update is waived (S11)."""


def stale_after(sight: Sight, computer: Computer, members: Mapping[str, set[str]]) -> timedelta:
    """Give how long a scan counts: the shortest that a ScanPolicy says (S10)."""
    kind = sight.machine_class(computer)
    spans: list[timedelta] = [
        getattr(one.document.spec.stale_after, kind)
        for one in sight.desired.scan_policies.values()
        if computer.name in members[one.document.spec.collection]
    ]
    usual: timedelta = getattr(StaleAfter(), kind)
    return min(spans, default=usual)


def effective_states(
    sight: Sight, computer: Computer, updates: Collection[str], waived: Waived, *, keep: bool
) -> dict[str, UpdateState]:
    """Give the state of each update of the set that is not left out on a computer.

    Waived ones are out, and so are those that another member replaces where it applies and is
    not waived (S8, S11). What an installed update supersedes counts as installed (S9).
    """
    said = computer.states
    found = {}
    for update in updates:
        replaced = any(
            newer in updates and said.get(newer) in APPLIES and not waived(computer.name, newer)
            for newer in leaves_out(sight, update)
        )
        if waived(computer.name, update) or (replaced and not keep):
            continue
        state = said.get(update, UpdateState.NOT_APPLICABLE)
        if any(said.get(newer) is UpdateState.INSTALLED for newer in superseders(sight, update)):
            state = UpdateState.INSTALLED
        found[update] = state
    return found


def is_stale(sight: Sight, computer: Computer, stale: timedelta) -> bool:
    """Tell whether the last scan is too old to count (S10)."""
    scanned = computer.last_scan_at
    return scanned is None or sight.now - scanned > stale


def verdict(
    sight: Sight, computer: Computer, updates: Mapping[str, int], waived: Waived, *, keep: bool
) -> str:
    """Name the first verdict that fits a fresh scan: unknown, missing, restart, compliant (S10)."""
    if any(not _knows(sight, computer, one, revision) for one, revision in updates.items()):
        return "unknown"
    states = effective_states(sight, computer, updates, waived, keep=keep).values()
    if UpdateState.MISSING in states:
        return "missing"
    if UpdateState.UNKNOWN in states:
        return "unknown"
    return "restart" if UpdateState.PENDING_RESTART in states else "compliant"


def _knows(sight: Sight, computer: Computer, update: str, revision: int) -> bool:
    """Tell whether the last scan judged a catalog that held that revision (S10)."""
    if update not in sight.entries:
        return False
    return computer.scan_version >= sight.entered[update, revision]


def needed_updates(
    sight: Sight, computer: Computer, updates: Collection[str], waived: Waived, *, keep: bool
) -> set[str]:
    """Give the updates of the set that a computer misses."""
    states = effective_states(sight, computer, updates, waived, keep=keep)
    return {update for update, state in states.items() if state is UpdateState.MISSING}
