"""Which updates an authorization offers (S8, S9)."""

from datetime import datetime

from reconciler.kinds.suspension import Suspension
from reconciler.kinds.update_group import UpdateGroupSpec, UpdateQuery
from reconciler.model.updates import SEVERITY_WORDS, CatalogEntry, Update
from tests.reference.sight import Sight

_NEVER_LEAVES_OUT = {"release", "definition"}


def group_updates(sight: Sight, spec: UpdateGroupSpec) -> set[str]:
    """Give (updates + query) - exclude (S9)."""
    found = {one for one in spec.updates if one in sight.entries}
    if spec.query is not None:
        found |= {
            name
            for name, entry in sight.entries.items()
            if _fits(spec.query, entry, sight.now, severity=True)
        }
    return found - set(spec.exclude)


def lacks_severity(sight: Sight, query: UpdateQuery) -> bool:
    """Tell whether a severity query meets updates without one (S9)."""
    return query.severity is not None and any(
        entry.update.severity == 0 and _fits(query, entry, sight.now, severity=False)
        for entry in sight.entries.values()
    )


def _fits(query: UpdateQuery, entry: CatalogEntry, now: datetime, *, severity: bool) -> bool:
    """Tell whether all fields of a query fit; of each, one value is enough (S9)."""
    update = entry.update
    released = update.released_at or entry.first_seen_at
    tests = [
        not query.product or bool(set(query.product) & {update.product, *update.products}),
        not query.classification or update.classification in query.classification,
        not query.cves or bool(set(query.cves) & set(update.cves)),
        not query.release or bool(set(query.release) & set(update.release)),
        query.min_age is None or released + query.min_age <= now,
        query.severity is None or not severity or _severe_enough(query.severity, update),
    ]
    if query.released is not None:
        after, before = query.released.after, query.released.before
        tests += [after is None or after <= released, before is None or released < before]
    return all(tests)


def _severe_enough(bound: str, update: Update) -> bool:
    sign = bound.rstrip("abcdefghijklmnopqrstuvwxyz")
    rank, own = SEVERITY_WORDS[bound[len(sign) :]], update.severity
    return {
        "": own == rank,
        "=": own == rank,
        ">=": own >= rank,
        "<=": own <= rank,
        ">": own > rank,
        "<": own < rank,
    }[sign]


def authorized_updates(sight: Sight, name: str) -> dict[str, int]:
    """Give an authorization's updates with their revisions, whenever it is in force (S8).

    Minus `except` or within `only`, minus what is rejected, withdrawn, or has no files.
    """
    spec = sight.desired.authorizations[name].document.spec
    group = sight.desired.update_groups[spec.group].document.spec
    found = group_updates(sight, group) - set(spec.except_)
    if spec.only is not None:
        found &= set(spec.only)
    for rejection in sight.desired.rejections.values():
        found -= set(rejection.document.spec.updates)
    return {
        one: sight.entries[one].revision
        for one in found
        if not sight.entries[one].withdrawn and sight.entries[one].update.has_files
    }


def names_taken_out(sight: Sight, name: str, known: set[str]) -> set[str]:
    """Give the updates that git takes out by their names (S8)."""
    spec = sight.desired.authorizations[name].document.spec
    gone = set(spec.except_) | set(sight.desired.update_groups[spec.group].document.spec.exclude)
    if spec.only is not None:
        gone |= known - set(spec.only)
    for rejection in sight.desired.rejections.values():
        gone |= set(rejection.document.spec.updates)
    return gone


def force_of(sight: Sight, name: str) -> str:
    """Tell where an authorization is in its life: `early`, `in force` or `ended` (S8)."""
    spec = sight.desired.authorizations[name].document.spec
    if spec.until is not None and spec.until <= sight.now:
        return "ended"
    return "early" if spec.from_ is not None and sight.now < spec.from_ else "in force"


def is_suspended(now: datetime, *suspensions: Suspension | None) -> bool:
    """Tell whether one of the suspensions holds; all act alike (S8)."""
    return any(one is not None and (one.until is None or now < one.until) for one in suspensions)


def superseders(sight: Sight, update: str) -> set[str]:
    """Give what supersedes an update, through withdrawn ones too (S8).

    A withdrawn update supersedes nothing, and neither does a member of a cycle.
    """
    return {
        newer
        for newer in _above(sight, update)
        if newer in sight.entries
        and not sight.entries[newer].withdrawn
        and newer not in _above(sight, newer)
    }


def _above(sight: Sight, update: str) -> set[str]:
    found: set[str] = set()
    waiting = {update}
    while waiting:
        older = waiting.pop()
        for name, entry in sight.entries.items():
            if older in entry.update.supersedes and name not in found:
                found.add(name)
                waiting.add(name)
    return found


def leaves_out(sight: Sight, update: str) -> set[str]:
    """Give those superseding updates that make an update superfluous where they apply (S8)."""
    return {
        newer
        for newer in superseders(sight, update)
        if sight.entries[newer].update.classification not in _NEVER_LEAVES_OUT
    }
