"""A plan as JSON and as text; the same plan gives the same bytes (S25)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconciler.kinds.timezones import tzdata_version
from reconciler.model.approvals import ApprovedUpdates
from reconciler.model.canonical import Json, digest_of
from reconciler.model.codec import encode
from reconciler.model.drills import DrillRecord
from reconciler.model.emergencies import EmergencyRecord
from reconciler.model.grants import SpentGrant
from reconciler.model.objects import Advertisement, ContentAssignment, Package, Program
from reconciler.model.rollouts import PhaseRecord, Release, Rerun, SeenToken
from reconciler.observed.canonical_bits import canonical_bits
from reconciler.observed.memory import DerivedObject, Membership, Record
from reconciler.observed.rolls import CollectionRoll
from reconciler.planning.actions import Action, Cause

if TYPE_CHECKING:
    # Who makes plans asks for their JSON.
    from reconciler.planning.plan import Plan

_IDS = frozenset({"id", "package", "owner", "commit", "applied", "at"})
_INSTANTS = ("At", "Since")


def plan_json(plan: Plan) -> dict[str, Any]:
    """Give the plan as a JSON value, its review digest included."""
    return {
        "commit": plan.commit,
        "now": encode(plan.now),
        "tzdata": tzdata_version(),
        "digest": review_digest(plan),
        "actions": [_action_json(action) for action in plan.actions],
        "conditions": [
            {"subject": one.subject, "type": one.type.value, "message": one.message}
            for one in plan.conditions
        ],
        "phases": [encode(count) for count in plan.counts],
        "emergencies": [encode(one) for one in plan.emergencies],
        "drills": [encode(one) for one in plan.drills],
        "converged": plan.converged,
        "wakeAt": encode(plan.wake_at),
    }


def review_digest(plan: Plan) -> str:
    """Give the digest of what a reviewer judges: no commits, file lines, ids or times (S25)."""
    return digest_of(
        [
            [
                action.verb.value,
                type(action.record).__name__,
                _reviewable(action.record),
                action.cause.kind,
                action.cause.name,
                action.cause.rule,
            ]
            for action in plan.actions
        ]
    )


def plan_text(plan: Plan) -> Iterator[str]:
    """Give the plan as lines for a person."""
    for action in plan.actions:
        cause = action.cause
        yield f"{action.verb.value:<20} {describe(action.record)}"
        yield f"{'':<20} because {cause.because} [{cause.rule}] {_origin(cause)}".rstrip()
    if not plan.actions:
        yield "nothing to do"
    for condition in plan.conditions:
        yield f"{condition.type.value}: {condition.subject}: {condition.message}"


def describe(record: Record) -> str:
    """Name a record without its id or instants."""
    match record:
        case Release():
            offered, gone = len(record.offered()), len(record.removed)
            return f"{record.rollout}/{record.number} ({offered} offered, {gone} removed)"
        case PhaseRecord():
            state = "retired" if record.retired else record.state.value
            return f"{record.rollout}/{record.release}/{record.phase} ({state})"
        case Membership():
            where = f"{record.rollout}/{record.release}/{record.phase}"
            return f"{where} ({len(record.members)} computers)"
        case SeenToken() | Rerun():
            return _describe_token(record)
        case CollectionRoll():
            held = ", a change held" if record.held_since is not None else ""
            return f"members of {record.collection} ({len(record.members)} computers{held})"
        case EmergencyRecord():
            return f"{record.rollout} ({record.state.value})"
        case ApprovedUpdates():
            return f"approval of {record.authorization} ({len(record.updates)} updates)"
        case DrillRecord():
            return f"{record.rollout}/{record.run} ({record.state.value})"
        case SpentGrant():
            return f"leave to retire {record.number} advertisement(s)"
        case _:
            return _describe_object(record)


def _describe_object(record: DerivedObject) -> str:
    match record:
        case Package():
            return f"package {record.name} version {record.version}"
        case Program():
            return f"program {record.name} of version {record.version}"
        case ContentAssignment():
            return f"content of version {record.version} on {record.point}"
        case Advertisement():
            where = f"{record.rollout}/{record.release}/{record.phase}"
            held = ", held" if record.held else ""
            size = len(record.updates)
            return f"advertisement of {record.program} for {where} ({size} updates{held})"


def _describe_token(record: SeenToken | Rerun) -> str:
    if isinstance(record, Rerun):
        return f"{record.rollout}/{record.phase} once more"
    return f"{record.rollout} resume token"


def _action_json(action: Action) -> dict[str, Any]:
    return {
        "verb": action.verb.value,
        "what": describe(action.record),
        "record": _record_json(action.record),
        "cause": encode(action.cause),
    }


def _record_json(record: Record) -> Json:
    """Give a record's fields; sets of computers as counts and digests."""
    if isinstance(record, Membership):
        return {
            "rollout": record.rollout,
            "release": record.release,
            "phase": record.phase,
            "computers": len(record.members),
            "late": len(record.joined.everybody),
            "digest": digest_of(canonical_bits(record.members).hex()),
        }
    if isinstance(record, CollectionRoll):
        return {
            "collection": record.collection,
            "revision": record.digest,
            "revisedAt": encode(record.revised_at),
            "computers": len(record.members),
            "digest": digest_of(canonical_bits(record.members).hex()),
            "held": record.held_since is not None,
            "heldSince": encode(record.held_since),
        }
    return encode(record)


def _reviewable(record: Record) -> Json:
    """Give a record's fields without what differs between two plans that decide the same."""
    return _without_moments(_record_json(record))


def _without_moments(value: Json) -> Json:
    if isinstance(value, list):
        return [_without_moments(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_moments(inner)
        for name, inner in value.items()
        if name not in _IDS and not name.endswith(_INSTANTS)
    }


def _origin(cause: Cause) -> str:
    place = f"{cause.at}@{cause.commit[:12]}" if cause.at.path else ""
    return f"({place})" if place else ""
