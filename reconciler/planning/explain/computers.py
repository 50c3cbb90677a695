"""Why updates are not installed on a computer: for each the chain of causes (H5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.model.reasons import Reason
from reconciler.model.updates import UpdateState
from reconciler.planning.explain.case import Case
from reconciler.planning.explain.chain import Chain, Step, until_one_holds
from reconciler.planning.explain.computer_steps import contact_steps, scan_steps, update_steps
from reconciler.planning.explain.offer_steps import Way, offer_steps, ways
from reconciler.planning.plan import Decisions

EVERY_UPDATE = "*"


@dataclass(frozen=True, slots=True)
class UpdateExplained:
    """Why one update is not installed; `way` is the rollout and release that come furthest.

    `others` are the other ways, with what holds each.
    """

    update: str
    way: str
    chain: Chain
    others: tuple[tuple[str, Reason], ...] = ()

    @property
    def reason(self) -> Reason:
        """What holds."""
        return Reason(self.chain[-1].reason)


@dataclass(frozen=True, slots=True)
class ComputerExplained:
    """All of it for one computer; compliance is as of the scan, progress as of the status (H4)."""

    computer: str
    now: datetime
    commit: str
    last_contact_at: datetime | None
    last_scan_at: datetime | None
    last_status_at: datetime | None
    updates: tuple[UpdateExplained, ...]

    @property
    def newer(self) -> str:
        """Which is newer: `scan`, `status`, or `none` where there is neither."""
        scanned_at, told_at = self.last_scan_at, self.last_status_at
        if scanned_at is None and told_at is None:
            return "none"
        if scanned_at is None or (told_at is not None and told_at > scanned_at):
            return "status"
        return "scan"


def explain_computer(case: Case, asked: str | None) -> ComputerExplained:
    """Explain one update, or every one that is not installed there.

    Where none is known to be open, what keeps the site from knowing is told of all of them.
    """
    updates = (asked,) if asked is not None else open_updates(case)
    found = tuple(explain_update(case, update) for update in updates)
    statuses = case.statuses
    return ComputerExplained(
        computer=case.computer.name,
        now=case.now,
        commit=case.decisions.plan.commit,
        last_contact_at=case.computer.last_contact_at,
        last_scan_at=case.computer.last_scan_at,
        last_status_at=statuses[0].at if statuses else None,
        updates=found or _unknown(case),
    )


def explain_absent(decisions: Decisions, name: str, asked: str | None) -> ComputerExplained:
    """Explain a computer that manifests name and that has not enrolled (S6)."""
    told = "manifests name it, and no computer of that name has enrolled"
    chain = (Step("enrolled", told, Reason.NOT_ENROLLED),)
    found = UpdateExplained(asked or EVERY_UPDATE, "", chain)
    now, commit = decisions.world.now, decisions.plan.commit
    return ComputerExplained(name, now, commit, None, None, None, (found,))


def open_updates(case: Case) -> tuple[str, ...]:
    """Give what the last scan did not find installed, and what it could not know yet."""
    computer = case.computer
    entries = case.world.observed.catalog.entries
    found = {one for one, state in computer.states.items() if state is not UpdateState.INSTALLED}
    for rollout in case.rollouts:
        for update in rollout.authorized - computer.states.keys():
            entry = entries[update]
            applies = not entry.update.release or computer.release in entry.update.release
            if applies and case.required(entry) > computer.scan_version:
                found.add(update)
    return tuple(sorted(found))


def _unknown(case: Case) -> tuple[UpdateExplained, ...]:
    """Say why nobody knows what the computer lacks; nothing where its last scan tells."""
    chain = until_one_holds((*contact_steps(case), *scan_steps(case)))
    return (UpdateExplained(EVERY_UPDATE, "", chain),) if chain[-1].reason is not None else ()


def explain_update(case: Case, update: str) -> UpdateExplained:
    """Ask about the computer, the update, then every way on which it may come."""
    first = until_one_holds(contact_steps(case))
    if first[-1].reason is None:
        first += until_one_holds(update_steps(case, update))
    if first[-1].reason is not None:
        return UpdateExplained(update, "", first)
    chains = [(way, until_one_holds(offer_steps(way))) for way in ways(case, update)]
    if not chains:
        step = Step("group", "git holds no rollout", Reason.NOT_IN_GROUP)
        return UpdateExplained(update, "", (*first, step))
    best = max(chains, key=_progress)
    others = tuple((way.name, Reason(one[-1].reason)) for way, one in chains if way is not best[0])
    return UpdateExplained(update, best[0].name, first + best[1], others)


def _progress(found: tuple[Way, Chain]) -> tuple[bool, int, int]:
    """Prefer what starts, then what comes furthest; never a way that another hides."""
    way, chain = found
    reason = chain[-1].reason
    number = way.release.number if way.release is not None else 0
    return (reason is Reason.DUE, -1 if reason is Reason.OTHER_OFFER else len(chain), number)
