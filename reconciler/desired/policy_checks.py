"""What policies demand and manifests alone can show (S24).

The rest needs a catalog, a snapshot of the fleet or git, and is told as not checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.desired.expressions import ExpressionError, parse_expression
from reconciler.desired.phased import Phased, phased_others, phased_rollouts
from reconciler.desired.policy_scope import Scope, emergency_collections, scopes
from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.kinds.base import Document
from reconciler.kinds.policy import Policy
from reconciler.kinds.rollout import Rollout
from reconciler.model.approvals import Approvals
from reconciler.model.codes import Code
from reconciler.model.problems import Problem
from reconciler.model.times import render_duration

Rollouts = Mapping[str, Placed[Rollout]]


def check_policies(state: DesiredState, rollouts: Rollouts, now: datetime) -> Iterator[Problem]:
    """Tell what fails a policy; of several policies each is told, so the strictest wins."""
    for policy in state.policies.values():
        yield from _approvers_suffice(policy.name, policy)
        yield from _assertions(policy)
    yield from check_scopes(state, rollouts, scopes(state), now)


def check_scopes(
    state: DesiredState, rollouts: Rollouts, asked: Iterable[Scope], now: datetime
) -> Iterator[Problem]:
    """Tell which changes within the scopes fail the policy of the scope."""
    gated = [*phased_rollouts(rollouts), *(one for one in phased_others(state) if one.gated)]
    everyone = [*gated, *(one for one in phased_others(state) if not one.gated)]
    for scope in asked:
        yield from _approvals(state, rollouts, scope)
        yield from _phases(scope, gated)
        yield from _emergencies(state, scope)
        yield from _waivers(state, scope, now)
        yield from _windows(state, scope, everyone)


@dataclass(frozen=True, slots=True)
class _Approved:
    """A document that people approve, and the collections that it is for."""

    placed: Placed[Document]
    approved_by: tuple[str, ...]
    collections: tuple[str, ...]


def _approvers_suffice(name: str, policy: Placed[Document]) -> Iterator[Problem]:
    spec = policy.document.spec
    count, listed = spec.min_approvers, len(_distinct(spec.approvers.from_))
    if count is not None and 0 < listed < count:
        message = f'policy "{name}" asks for {count} approvers, and {listed} can be one'
        at = policy.locate(("spec", "minApprovers"))
        yield Problem(at, Code.POLICY_IMPOSSIBLE.value, message, "name more in approvers.from")


def _assertions(policy: Placed[Policy]) -> Iterator[Problem]:
    for number, text in enumerate(policy.document.spec.assertions):
        try:
            parse_expression(text)
        except ExpressionError as error:
            at = policy.locate(("spec", "assertions", number))
            hint = 'write CEL, as plan.actions.all(a, a.verb != "RetirePackage")'
            yield Problem(at, Code.BAD_ASSERTION.value, str(error), hint)


def _distinct(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names)


def _approved(state: DesiredState, rollouts: Rollouts) -> Iterator[_Approved]:
    targets: dict[str, list[str]] = {}
    for rollout in rollouts.values():
        names = [phase.collection for phase in rollout.document.spec.phases]
        targets.setdefault(rollout.document.spec.authorization, []).extend(names)
    for name, placed in state.authorizations.items():
        names = targets.get(name, [])
        yield _Approved(placed, placed.document.spec.approved_by, tuple(names))
    for change in state.emergency_changes.values():
        names = [*emergency_collections(change.document)]
        yield _Approved(change, change.document.spec.approved_by, tuple(names))
    for removal in state.removals.values():
        names = [phase.collection for phase in removal.document.spec.phases]
        yield _Approved(removal, removal.document.spec.approved_by, tuple(names))
    for waiver in state.waivers.values():
        spec = waiver.document.spec
        yield _Approved(waiver, spec.approved_by, (spec.collection,) if spec.collection else ())


def _approvals(state: DesiredState, rollouts: Rollouts, scope: Scope) -> Iterator[Problem]:
    """Without git distinct names are counted, whoever wrote them (S24)."""
    spec = scope.policy.document.spec
    if spec.min_approvers is None:
        return
    for one in _approved(state, rollouts):
        if not scope.concerns(one.placed, one.collections):
            continue
        counted, hint = _counted(state, scope, one)
        if len(counted) >= spec.min_approvers:
            continue
        who = "approver" if len(counted) == 1 else "approvers"
        who = f"verified {who}" if _is_verified(state, scope) else who
        message = f"it has {len(counted)} {who}, and {_demand(scope)} {spec.min_approvers}"
        yield _problem(one.placed, ("spec", "approvedBy"), Code.TOO_FEW_APPROVERS, message, hint)


def _is_verified(state: DesiredState, scope: Scope) -> bool:
    return state.approvals is not None and scope.policy.document.spec.approvers.verified


def _counted(state: DesiredState, scope: Scope, one: _Approved) -> tuple[frozenset[str], str]:
    """Give the approvers who count, and what to do where they are too few."""
    approvers = scope.policy.document.spec.approvers
    counted = _distinct(one.approved_by)
    hints: list[str] = []
    if approvers.from_:
        counted &= _distinct(approvers.from_)
        hints.append(f"they have to be of {', '.join(approvers.from_)}")
    if state.approvals is not None:
        proven = state.approvals.get(one.placed.at.path, Approvals())
        authors = counted & proven.authors if approvers.not_author else frozenset()
        counted -= authors
        unproven = counted - proven.approvers if approvers.verified else frozenset()
        counted -= unproven
        if authors:
            hints.append(f"the author does not count: {', '.join(sorted(authors))}")
        if unproven:
            hints.append(f"no pinned key proves it for {', '.join(sorted(unproven))}")
    return counted, "; ".join(hints) or "name different people in approvedBy"


def _phases(scope: Scope, gated: list[Phased]) -> Iterator[Problem]:
    spec = scope.policy.document.spec
    asks = bool(spec.first_phase_in) or spec.min_soak is not None
    for phased in gated if asks else ():
        if not phased.phases:
            continue
        first = phased.phases[0]
        if not scope.concerns(phased.placed, [phase.collection for phase in phased.phases]):
            continue
        if spec.first_phase_in and first.collection not in spec.first_phase_in:
            field = phased.path(0, "collection")
            yield _first(scope, phased.placed, field, first.collection)
        yield from _soaks(scope, phased)


def _first(scope: Scope, placed: Placed[Document], field: FieldPath, found: str) -> Problem:
    allowed = ", ".join(scope.policy.document.spec.first_phase_in)
    message = f'collection "{found}" comes first, and {_demand(scope)} one of {allowed}'
    hint = "begin where an update can do no harm"
    return _problem(placed, field, Code.FIRST_PHASE_ELSEWHERE, message, hint)


def _soaks(scope: Scope, phased: Phased) -> Iterator[Problem]:
    """The last gate lets nothing open, so its soak is not asked about."""
    shortest = scope.policy.document.spec.min_soak
    for number, phase in enumerate(phased.phases[:-1] if shortest is not None else ()):
        gate = phase.gate
        if shortest is None or gate is None or gate.soak >= shortest:
            continue
        if scope.holds(phase.collection):
            found, least = render_duration(gate.soak), render_duration(shortest)
            message = f'phase "{phase.name}" soaks for {found}, and {_demand(scope)} {least}'
            field = phased.path(number, "gate", "soak")
            yield _problem(phased.placed, field, Code.SOAK_TOO_SHORT, message, "soak longer")


def _emergencies(state: DesiredState, scope: Scope) -> Iterator[Problem]:
    spec = scope.policy.document.spec
    asks = bool(spec.first_phase_in) or spec.forbid_window_override
    for change in state.emergency_changes.values() if asks else ():
        if not scope.concerns(change, emergency_collections(change.document)):
            continue
        reference = change.document.spec.reference
        if spec.first_phase_in and reference not in spec.first_phase_in:
            yield _first(scope, change, ("spec", "reference"), reference)
        if spec.forbid_window_override and change.document.spec.windows == "override":
            message = f"it overrides windows, which {_name(scope)} forbids"
            hint = "write windows: respect"
            yield _problem(change, ("spec", "windows"), Code.WINDOWS_OVERRIDDEN, message, hint)


def _waivers(state: DesiredState, scope: Scope, now: datetime) -> Iterator[Problem]:
    longest = scope.policy.document.spec.max_waiver
    for waiver in state.waivers.values():
        spec = waiver.document.spec
        names = (spec.collection,) if spec.collection else ()
        if longest is None or spec.until - now <= longest or not scope.concerns(waiver, names):
            continue
        most = render_duration(longest)
        message = f"it ends later than in {most}, the longest that {_name(scope)} allows"
        hint = "choose an earlier end, and have it approved again then"
        yield _problem(waiver, ("spec", "until"), Code.WAIVER_TOO_LONG, message, hint)


def _windows(state: DesiredState, scope: Scope, phased: list[Phased]) -> Iterator[Problem]:
    """Where no collection declares windows, no computer can have one; else a snapshot tells."""
    declared = state.collection_sets or any(
        isinstance(one.document.spec.maintenance_windows, tuple)
        for one in state.collections.values()
    )
    if declared or not scope.policy.document.spec.require_window:
        return
    for one in {id(one.placed): one for one in phased}.values():
        for number, phase in enumerate(one.phases):
            if scope.concerns(one.placed, (phase.collection,)):
                message = f"{_name(scope)} asks for windows, and no collection declares any"
                field = one.path(number, "collection")
                hint = f'declare maintenanceWindows, as in collection "{phase.collection}"'
                yield _problem(one.placed, field, Code.WINDOW_REQUIRED, message, hint)


def _name(scope: Scope) -> str:
    return f'policy "{scope.policy.name}"'


def _demand(scope: Scope) -> str:
    return f"{_name(scope)} asks for"


def _problem(
    placed: Placed[Document], field: FieldPath, code: Code, message: str, hint: str
) -> Problem:
    return Problem(placed.locate(field), code.value, message, hint)
