"""When nothing starts and nothing opens (S13a)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from reconciler.kinds.freeze import FreezeSpec
from reconciler.model.computers import Computer
from tests.reference.sight import Sight
from tests.reference.windows import Span, known_zone, local_zone, merged, occurrences

UTC_ZONE = ZoneInfo("UTC")


def spans_of(spec: FreezeSpec, local: ZoneInfo, span: Span) -> list[Span]:
    """Give when a freeze holds within a span, with `local` for wall times of no zone (S13a)."""
    if spec.window is not None:
        zone = known_zone(spec.window.timezone) or local
        return list(occurrences(spec.window, zone, *span))
    assert spec.from_ is not None
    assert spec.until is not None
    return [(spec.from_, spec.until)] if spec.from_ < span[1] and span[0] < spec.until else []


def frozen_spans(
    sight: Sight, computer: Computer, members: Mapping[str, set[str]], span: Span
) -> list[Span]:
    """Give when a computer starts nothing by itself (S13a)."""
    found: list[Span] = []
    for placed in sight.desired.freezes.values():
        spec = placed.document.spec
        if concerns(spec, computer.name, members):
            found += spans_of(spec, local_zone(sight, computer), span)
    return merged(found)


def concerns(spec: FreezeSpec, name: str, members: Mapping[str, set[str]]) -> bool:
    """Tell whether a freeze is for a computer; without collections it is for all (S13a)."""
    return not spec.collections or any(name in members[one] for one in spec.collections)


def holds_opening(
    sight: Sight, target: Iterable[str], members: Mapping[str, set[str]], moment: datetime
) -> bool:
    """Tell whether freezes hold the opening of a phase with this target; local is UTC (S13a)."""
    span = (moment, moment + moment.resolution)
    frozen: set[str] = set()
    for placed in sight.desired.freezes.values():
        spec = placed.document.spec
        if not spans_of(spec, UTC_ZONE, span):
            continue
        if not spec.collections:
            return True
        for name in spec.collections:
            frozen |= members[name]
    return bool(set(target)) and set(target) <= frozen


def without(spans: list[Span], cut: list[Span]) -> list[Span]:
    """Give what is left of spans."""
    for begin, end in cut:
        parts = [(one, min(two, begin)) for one, two in spans]
        parts += [(max(one, end), two) for one, two in spans]
        spans = sorted((one, two) for one, two in parts if one < two)
    return spans
