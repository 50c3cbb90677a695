"""What stops a release, and what lets it go on (S15)."""

from fractions import Fraction

from reconciler.kinds.phase import Phase
from reconciler.model.updates import UpdateState
from tests.reference.remembered import Release, Stand
from tests.reference.verdicts import effective_states
from tests.reference.views import Judge, View, is_lost, is_under_way, moments_of_evidence, run_of

_FAILURES = {"failed", "timedOut"}


def failed_and_reported(
    judge: Judge, view: View, release: Release, phase: Phase, stand: Stand
) -> tuple[set[str], set[str]]:
    """Give who failed and who tried since the opening or the last lift (S15)."""
    gate, since = view.gate(phase), stand.tried_since()
    failed, reported = set(), set()
    for name in stand.members:
        computer, run = judge.computer(name), run_of(view, release, judge.computer(name))
        found = judge.verdict(view, release, name)
        scanned = computer.last_scan_at
        ended = run.ended_at if run is not None else None
        finished = ended is not None and ended > since
        lost = (
            is_lost(judge, view, release, gate, computer)
            and run is not None
            and run.began_at > since
        )
        moments = moments_of_evidence(view, release, computer)
        evidence = any(moment > since for moment in moments)
        if judge.is_waived(release, name):
            continue
        if (evidence and found != "unknown") or finished or lost:
            reported.add(name)
        ended_badly = finished and run.outcome.value in _FAILURES
        shown = run.began_at if lost and run is not None and is_under_way(run) else ended
        complies = found == "compliant" or (found, gate.pending_restart) == ("restart", "accept")
        mended = complies and scanned is not None and shown is not None and scanned > shown
        if (ended_badly or lost) and not mended:
            failed.add(name)
    return failed, reported


def try_halt(judge: Judge, view: View, release: Release, phase: Phase, stand: Stand) -> bool:
    """Halt an opened phase where too many failed; skipped ones never (S15)."""
    if phase.halt is None or stand.state == "halted" or stand.passage == "skipped":
        return False
    failed, reported = failed_and_reported(judge, view, release, phase, stand)
    asked = [name for name in stand.members if not judge.is_waived(release, name)]
    if not failed or len(reported) < min(phase.halt.min_reported, len(asked)):
        return False
    if Fraction(len(failed), len(reported)) < phase.halt.failures:
        return False
    stand.before_halt, stand.state = stand.state, "halted"
    stand.halted_at, stand.soak_since, stand.relieved = judge.sight.now, None, False
    stand.blocked = missing_on(judge, release, failed) or set(release.left())
    return True


def missing_on(judge: Judge, release: Release, failed: set[str]) -> set[str]:
    """Give what a release offers and computers miss, superseded or not (S15)."""
    updates, found = release.left(), set()
    for name in failed:
        computer, waived = judge.computer(name), judge.waived
        states = effective_states(judge.sight, computer, updates, waived, keep=True)
        found |= {one for one, state in states.items() if state is UpdateState.MISSING}
    return found


def lift_relieved(judge: Judge, release: Release, stand: Stand) -> bool:
    """Lift a halt whose every update was taken out of the release (S15)."""
    if stand.state != "halted" or not stand.blocked or stand.blocked - release.removed:
        return False
    stand.lift(stand.before_halt, judge.sight.now)
    stand.relieved = True
    return True


def resume(judge: Judge, view: View) -> None:
    """Carry out a `resume` whose token was not seen before, once (S15)."""
    order, memory = view.spec.resume, view.memory
    if order is None or order.token in memory.tokens:
        return
    memory.tokens.add(order.token)
    if order.how == "retry":
        for stand in memory.stands.values():
            if stand.state == "halted":
                stand.lift(stand.before_halt, judge.sight.now)
        return
    named = memory.stands.get((order.release or 0, order.phase or ""))
    if named is not None:
        named.lift("succeeded", judge.sight.now)
        named.passage = {"accept": "accepted", "skip": "skipped"}[order.how]


def blocking(views: list[View], view: View, number: int) -> dict[str, list[Stand]]:
    """Give, by update, the halts that keep it from a release (S15).

    Those of other rollouts, and of older releases of its own, also where these retired: only git
    lifts a halt.
    """
    found: dict[str, list[Stand]] = {}
    for other in views:
        for (release, _), stand in other.memory.stands.items():
            concerns = other.name != view.name or release < number
            if stand.state == "halted" and concerns:
                for update in stand.blocked:
                    found.setdefault(update, []).append(stand)
    return found
