"""A review as JSON, and the digest of what was judged; docs/review.md says what stands where."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.kinds.timezones import tzdata_version
from reconciler.model.canonical import Json, digest_of
from reconciler.model.codec import encode
from reconciler.planning.conditions import Condition
from reconciler.planning.review.form import Prediction, Review, StageChange, UpdateChange

FORM = "patchwright.dev/review/v1"


def review_json(review: Review, prediction: Prediction | None = None) -> Json:
    """Give all of a review; equal reviews are equal bytes."""
    return {
        "form": FORM,
        "base": review.base,
        "head": review.head,
        "now": encode(review.now),
        "tzdata": tzdata_version(),
        "digest": review_digest(review),
        "reviewed": reviewed_json(review),
        "enforce": review.enforce,
        "totals": encode(review.totals),
        "retirements": encode(review.retirements),
        "phases": encode(review.stages),
        "updates": [_update_json(one) for one in review.updates],
        "content": encode(review.content),
        "deadlines": encode(review.deadlines),
        "unserved": encode(review.unserved),
        "collections": encode(review.collections),
        "documents": encode(review.documents),
        "conditions": _conditions_json(review.conditions),
        "relieved": _conditions_json(review.relieved),
        "policies": encode(review.policies),
        "forecast": encode(prediction),
    }


def review_digest(review: Review) -> str:
    """Give the digest of what people agree to when they agree to a change (S25)."""
    return digest_of(reviewed_json(review))


def reviewed_json(review: Review) -> Json:
    """Give what the digest covers: no commits, places, ids or instants, and every set in order.

    `documents` say what the manifests hold with the change, `computers` how many each part
    concerns, and `updates` which. The counts are what a tolerance is about.
    """
    return {
        "form": FORM,
        "documents": [[one.fate.value, one.kind, one.name, one.digest] for one in review.documents],
        "retirements": sorted([one.verb, one.what] for one in review.retirements),
        "computers": {
            "installs": review.totals.installs,
            "newlyTargeted": review.totals.newly_targeted,
            "noLongerTargeted": review.totals.no_longer_targeted,
            "phases": [_agreed(one) for one in review.stages],
        },
        "updates": {
            fate: sorted([one.rollout, one.id] for one in review.updates if one.fate.value == fate)
            for fate in ("added", "removed")
        },
    }


def _agreed(one: StageChange) -> Json:
    return {
        "rollout": one.rollout,
        "release": one.release,
        "phase": one.phase,
        "installs": one.installs,
        "newly": one.newly,
        "noLonger": one.no_longer,
        "target": one.target,
    }


def _update_json(one: UpdateChange) -> Json:
    return {**encode(one), "severity": one.severity.name.lower()}


def _conditions_json(conditions: Iterable[Condition]) -> Json:
    return [
        {"subject": one.subject, "type": one.type.value, "message": one.message}
        for one in conditions
    ]
