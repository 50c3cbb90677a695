"""Whether rollouts can install what they offer as soon as policies ask, by a catalog (S24)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.desired.policy_scope import Scope, scope_of
from reconciler.desired.state import DesiredState, FieldPath, Placed
from reconciler.desired.strategies import merge_strategies
from reconciler.kinds.phase import Phase
from reconciler.kinds.policy import PolicySpec
from reconciler.kinds.rollout import Rollout
from reconciler.model.codes import Code
from reconciler.model.problems import Problem
from reconciler.model.times import render_duration, render_instant
from reconciler.model.updates import SEVERITY_WORDS, Update, UpdateSeverity
from reconciler.observed.catalog import Catalog
from reconciler.planning.updates import authorized_updates, group_updates

_Limits = Mapping[UpdateSeverity, timedelta]


@dataclass(frozen=True, slots=True)
class _Offered:
    """An update of a rollout, and how long its group waits before it takes it in."""

    update: Update
    waits: timedelta


def check_service_levels(state: DesiredState, catalog: Catalog, now: datetime) -> Iterator[Problem]:
    """Tell of phases whose deadline is, at best, later than a policy allows after a release.

    Of each policy and phase the update is told that is asked for soonest.
    """
    rollouts = merge_strategies(state)
    scopes = [scope_of(state, policy) for policy in state.policies.values()]
    for rollout in rollouts.values():
        offered = _offered(state, rollout, catalog, now)
        for scope in scopes:
            limits = _limits(scope.policy.document.spec)
            concerned = [one for one in offered if one.update.severity in limits]
            concerned.sort(key=lambda one: (limits[one.update.severity] - one.waits, one.update.id))
            yield from _phases(scope, rollout, limits, concerned, now)


def _limits(spec: PolicySpec) -> _Limits:
    """Give how soon after its release an update has to be installed, where that is asked."""
    if spec.sla is None:
        return {}
    named = {SEVERITY_WORDS[word] for word in spec.applies_to.severities}
    asked = {SEVERITY_WORDS[word]: limit for word, limit in spec.sla if limit is not None}
    return {one: limit for one, limit in asked.items() if not named or one in named}


def _offered(
    state: DesiredState, rollout: Placed[Rollout], catalog: Catalog, now: datetime
) -> list[_Offered]:
    name = rollout.document.spec.authorization
    authorization = state.authorizations.get(name)
    group = state.update_groups.get(authorization.document.spec.group) if authorization else None
    if group is None:
        return []
    spec = group.document.spec
    files, advisories = authorized_updates(state, name, catalog, group_updates(spec, catalog, now))
    queried = spec.query.min_age if spec.query is not None else None
    return [
        _Offered(
            catalog.entries[one].update,
            timedelta(0) if one in spec.updates or queried is None else queried,
        )
        for one in sorted(files | advisories)
    ]


def _phases(
    scope: Scope,
    rollout: Placed[Rollout],
    limits: _Limits,
    offered: list[_Offered],
    now: datetime,
) -> Iterator[Problem]:
    soaked = timedelta(0)
    for number, phase in enumerate(rollout.document.spec.phases):
        if phase.opens.at is not None:
            soaked = timedelta(0)
        if scope.holds(phase.collection):
            late = (_why_late(one, phase, soaked, limits, now) for one in offered)
            why = next((one for one in late if one), "")
            if why:
                yield _problem(scope, rollout, ("spec", "phases", number, "deadline"), phase, why)
        soaked += phase.gate.soak if phase.gate is not None else timedelta(0)


def _why_late(
    one: _Offered, phase: Phase, soaked: timedelta, limits: _Limits, now: datetime
) -> str:
    """Say why an update comes late even where every gate passes at once; nothing where it may not.

    A deadline that is an instant is held against the release; one that was due before `now` is
    no fault of a manifest that is written today (S28).
    """
    update, limit = one.update, limits[one.update.severity]
    what = f"{update.severity.name.lower()} update {update.id!r:.120}"
    if phase.deadline is None:
        return f"it has no deadline, and {what} is asked for {render_duration(limit)} after release"
    if isinstance(phase.deadline, datetime):
        due = update.released_at + limit if update.released_at is not None else None
        if due is None or due < now or phase.deadline <= due:
            return ""
        return f"its deadline is later than {render_instant(due)}, when {what} is due"
    soonest = one.waits + soaked + phase.deadline
    if soonest <= limit:
        return ""
    found, asked = render_duration(soonest), render_duration(limit)
    return f"its deadline is {found} after the release of {what} at best, and {asked} is asked for"


def _problem(
    scope: Scope, rollout: Placed[Rollout], field: FieldPath, phase: Phase, why: str
) -> Problem:
    message = f'phase "{phase.name}" cannot meet policy "{scope.policy.name}": {why}'
    hint = "shorten the deadline or the soaks before it, or use an EmergencyChange"
    return Problem(rollout.locate(field), Code.SERVICE_LEVEL_MISSED.value, message, hint)
