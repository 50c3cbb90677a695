"""Faults of logic in one document, and between an authorization and what concerns it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.desired.state import DesiredState, Placed
from reconciler.kinds.authorization import Authorization
from reconciler.kinds.base import Document
from reconciler.kinds.suspension import Suspension
from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem, Severity
from reconciler.model.times import render_duration, render_instant

_ARCHIVES = ("apt", "updateinfo")
_SOURCE_FIELDS = {
    "suites": ("suites", _ARCHIVES),
    "architectures": ("architectures", _ARCHIVES),
    "signed_by": ("signedBy", _ARCHIVES),
    "releases": ("releases", ("updateinfo",)),
}
_CLASSES = ("server", "workstation", "portable")


def check_documents(state: DesiredState, now: datetime) -> Iterator[Problem]:
    """Tell what single documents cannot mean; what time alone brought is a warning (S28)."""
    yield from _authorizations(state, now)
    yield from _groups(state)
    yield from _scan_policies(state)
    yield from _site_codes(state)
    yield from _sources(state)
    yield from _suspensions(state, now)


def _authorizations(state: DesiredState, now: datetime) -> Iterator[Problem]:
    rejected = {
        update: name
        for name, rejection in sorted(state.rejections.items(), reverse=True)
        for update in rejection.document.spec.updates
    }
    for placed in state.authorizations.values():
        yield from _selection(placed, rejected)
        yield from _span(placed, now)


def _sources(state: DesiredState) -> Iterator[Problem]:
    """Refuse what would have no effect, and rpm repositories that are for no release."""
    for placed in state.catalog_sources.values():
        spec = placed.document.spec
        for inside, (outside, types) in _SOURCE_FIELDS.items():
            if getattr(spec, inside) and spec.type not in types:
                message = f'source "{placed.name}" is of type {spec.type}, which has no {outside}'
                at = placed.locate(("spec", outside))
                yield Problem(at, Code.SOURCE_FIELD.value, message, "take the field out")
        if spec.type == "updateinfo" and not spec.releases:
            message = f'source "{placed.name}" does not say for which releases it is'
            at = placed.locate(("spec",))
            yield Problem(at, Code.RELEASES_MISSING.value, message, "add releases: [almalinux-9]")


def _span(placed: Placed[Authorization], now: datetime) -> Iterator[Problem]:
    spec = placed.document.spec
    if spec.until is None:
        return
    at = placed.locate(("spec", "until"))
    if spec.from_ is not None and spec.until <= spec.from_:
        message = f'authorization "{placed.name}" ends before it begins'
        yield Problem(at, Code.ENDS_BEFORE_IT_BEGINS.value, message)
    elif spec.until <= now:
        message = f'authorization "{placed.name}" has ended at {render_instant(spec.until)}'
        hint = "delete it with its rollouts, or give it a later until"
        yield _warning(at, Code.AUTHORIZATION_ENDED, message, hint)


def _selection(placed: Placed[Authorization], rejected: Mapping[str, str]) -> Iterator[Problem]:
    spec = placed.document.spec
    if spec.only is None:
        return
    what = f'authorization "{placed.name}"'
    if spec.except_:
        hint = "keep only: it says all by itself"
        at = placed.locate(("spec", "only"))
        message = f"{what} has both except and only"
        yield Problem(at, Code.EXCEPT_AND_ONLY.value, message, hint)
    if not spec.only:
        hint = "leave only out to authorize the whole group, or delete the authorization"
        at = placed.locate(("spec", "only"))
        yield Problem(at, Code.EMPTY_ONLY.value, f"{what} has an empty only", hint)
    elif rejected.keys() >= set(spec.only):
        at = placed.locate(("spec", "only"))
        names = ", ".join(sorted({rejected[update] for update in spec.only}))
        message = f"{what} offers nothing: all that it allows is rejected by {names}"
        yield _warning(at, Code.ALL_REJECTED, message, "allow other updates, or delete it")


def _groups(state: DesiredState) -> Iterator[Problem]:
    for placed in state.update_groups.values():
        spec = placed.document.spec
        if not spec.updates and spec.query is None:
            message = f'update group "{placed.name}" has neither updates nor a query'
            at = placed.locate(("spec",))
            hint = "name updates, or write a query"
            yield Problem(at, Code.GROUP_WITHOUT_UPDATES.value, message, hint)
        span = spec.query.released if spec.query is not None else None
        if span and span.after and span.before and span.before <= span.after:
            message = f'update group "{placed.name}" asks for updates released in no time at all'
            at = placed.locate(("spec", "query", "released", "before"))
            yield Problem(at, Code.ENDS_BEFORE_IT_BEGINS.value, message)


def _scan_policies(state: DesiredState) -> Iterator[Problem]:
    """Evidence must outlive the time between two scans (S10)."""
    for placed in state.scan_policies.values():
        spec = placed.document.spec
        for machine in _CLASSES:
            stale_after = getattr(spec.stale_after, machine)
            every = getattr(spec.recurrence, machine)
            if stale_after >= 2 * every:
                continue
            message = (
                f"scans of class {machine} are stale after {render_duration(stale_after)},"
                f" below twice their recurrence of {render_duration(every)}"
            )
            hint = f"write at least {render_duration(2 * every)}, or scan more often"
            at = placed.locate(("spec", "staleAfter", machine))
            yield Problem(at, Code.STALE_BEFORE_NEXT_SCAN.value, message, hint)


def _site_codes(state: DesiredState) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for placed in state.sites.values():
        code = placed.document.spec.code
        owner = first.setdefault(code, placed.name)
        if owner != placed.name:
            message = f'site "{placed.name}" has the code {code} of site "{owner}"'
            hint = "ids of objects begin with it, so give each site its own"
            at = placed.locate(("spec", "code"))
            yield Problem(at, Code.DUPLICATE_SITE_CODE.value, message, hint)


def _suspensions(state: DesiredState, now: datetime) -> Iterator[Problem]:
    holders: tuple[Mapping[str, Placed[Document]], ...] = (
        state.authorizations,
        state.emergency_changes,
        state.rollout_strategies,
        state.rollouts,
        state.update_groups,
    )
    for placed in (placed for holder in holders for placed in holder.values()):
        suspend: Suspension | None = placed.document.spec.suspend
        if suspend is None or suspend.until is None or suspend.is_in_force(now):
            continue
        message = f"the suspension has ended at {render_instant(suspend.until)}"
        at = placed.locate(("spec", "suspend", "until"))
        yield _warning(at, Code.SUSPENSION_EXPIRED, message, "take it out of the manifest")


def _warning(at: Location, code: Code, message: str, hint: str) -> Problem:
    return Problem(at, code.value, message, hint, Severity.WARNING)
