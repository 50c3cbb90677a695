"""How a timetable is printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from reconciler.model.canonical import Json
from reconciler.model.times import render_duration, render_instant
from reconciler.planning.deadlines import Verdict
from reconciler.planning.timetable import PhaseDeadline, ProgramFit, Timetable
from reconciler.planning.windows import Interval

_NO_WINDOW = "no window: nothing starts by itself"


def timetable_lines(subject: str, table: Timetable, span: Interval) -> Iterator[str]:
    """Give a timetable for a person, in local time and UTC."""
    windowed = table.windowed
    zone = windowed.zone
    many = f", {windowed.members} computer(s)" if windowed.members is not None else ""
    yield f"{subject} from {render_instant(span[0])} until {render_instant(span[1])}"
    yield f"zone {zone.key}{many}; windows of {', '.join(windowed.bearing) or 'no collection'}"
    if table.always:
        yield "any time: always"
    elif not windowed.bearing:
        yield _NO_WINDOW
    else:
        yield "openings"
        for one in table.openings:
            what = f"{one.collection}/{one.window} ({one.purpose})"
            yield f"  {_both(one.span, one.zone)}  {what}"
        for purpose, merged in (("updates", table.updates), ("restarts", table.restarts)):
            yield f"{purpose}, merged"
            yield from (f"  {_both(interval, zone)}" for interval in merged)
            if not merged:
                yield "  none in this time"
    if table.frozen:
        yield "frozen"
        yield from (f"  {_both(interval, zone)}" for interval in table.frozen)
    yield "programs"
    yield from (f"  {_program_text(fit, table, zone)}" for fit in table.programs)
    yield "deadlines"
    yield from (f"  {_deadline_text(one, zone)}" for one in table.deadlines)


def timetable_json(table: Timetable) -> Json:
    """Give a timetable for machines; every instant in local time and in UTC."""
    windowed, zone = table.windowed, table.windowed.zone
    return {
        "zone": zone.key,
        "collections": list(windowed.bearing),
        "members": windowed.members,
        "always": table.always,
        "openings": [
            _span_json(one.span, one.zone)
            | {"collection": one.collection, "window": one.window, "for": one.purpose}
            for one in table.openings
        ],
        "updates": [_span_json(interval, zone) for interval in table.updates],
        "restarts": [_span_json(interval, zone) for interval in table.restarts],
        "frozen": [_span_json(interval, zone) for interval in table.frozen],
        "programs": [
            {
                "group": fit.group,
                "maxRuntime": render_duration(fit.needed),
                "windows": len(table.updates),
                "fits": len(fit.starts),
                "starts": [_span_json(interval, zone) for interval in fit.starts],
            }
            for fit in table.programs
        ],
        "deadlines": [_deadline_json(one, zone) for one in table.deadlines],
    }


def _both(span: Interval, zone: tzinfo) -> str:
    """Write an interval by the wall clock, then in UTC, then its true length."""
    opens_at, closes_at = span
    local = f"{_wall(opens_at, zone)} to {_wall(closes_at, zone)}"
    utc = f"{render_instant(opens_at)} to {render_instant(closes_at)}"
    return f"{local}  {utc}  {_length(closes_at - opens_at)}"


def _wall(moment: datetime, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def _length(span: timedelta) -> str:
    hours, rest = divmod(span, timedelta(hours=1))
    minutes = rest // timedelta(minutes=1)
    return f"{hours}h" if not minutes else f"{hours}h{minutes:02}m"


def _program_text(fit: ProgramFit, table: Timetable, zone: tzinfo) -> str:
    what = f"UpdateGroup/{fit.group} needs {render_duration(fit.needed)}:"
    if table.always and not table.frozen:
        return f"{what} fits at any time"
    if not fit.starts:
        return f"{what} fits in none of {len(table.updates)} windows"
    first, last = fit.starts[0]
    between = f"first from {_wall(first, zone)} to {_wall(last, zone)}"
    return f"{what} fits in {len(fit.starts)} of {len(table.updates)} windows, {between}"


def _deadline_text(one: PhaseDeadline, zone: tzinfo) -> str:
    where = f"Rollout/{one.rollout} phase {one.phase}"
    check = one.check
    due = f" {_wall(check.due_at, zone)}" if check.due_at is not None else ""
    if check.verdict is Verdict.PASSED:
        return f"{where}: its deadline{due} has passed"
    if check.verdict is Verdict.MET:
        return (
            f"{where}: a window has room for {render_duration(one.needed)} before its deadline{due}"
        )
    if check.verdict is Verdict.NEVER:
        return f"{where}: no window can meet its deadline{due}"
    spans = ", ".join(f"{_wall(a, zone)} to {_wall(b, zone)}" for a, b in check.missed)
    return f"{where}: no window can meet its deadline if it opens {spans}"


def _deadline_json(one: PhaseDeadline, zone: tzinfo) -> Json:
    check = one.check
    return {
        "rollout": one.rollout,
        "phase": one.phase,
        "group": one.group,
        "maxRuntime": render_duration(one.needed),
        "verdict": check.verdict.value,
        "opens": _moment_json(check.opens_at, zone),
        "deadline": _moment_json(check.due_at, zone),
        "missedIfOpened": _spans_json(check.missed, zone),
    }


def _spans_json(spans: Sequence[Interval], zone: tzinfo) -> Json:
    return [_span_json(interval, zone) for interval in spans]


def _span_json(span: Interval, zone: tzinfo) -> dict[str, Json]:
    return {"opens": _moment_json(span[0], zone), "closes": _moment_json(span[1], zone)}


def _moment_json(moment: datetime | None, zone: tzinfo) -> Json:
    if moment is None:
        return None
    return {"local": moment.astimezone(zone).isoformat(), "utc": render_instant(moment)}
