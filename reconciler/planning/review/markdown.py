"""A review as a comment on a pull request: one screen, the rest folded away.

Whatever comes from manifests, computers or catalogs stands in code spans, so that no text of them
is Markdown, HTML, a link or a mention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from reconciler.model.problems import Problem
from reconciler.model.reviewed import PLAN_TRAILER, write_reviewed
from reconciler.model.times import render_duration
from reconciler.model.updates import UpdateSeverity
from reconciler.planning.conditions import Condition
from reconciler.planning.review.as_json import review_digest, reviewed_json
from reconciler.planning.review.form import (
    Fate,
    Prediction,
    Review,
    StageChange,
    StageDeadline,
    Unserved,
    UpdateChange,
)
from reconciler.planning.review.markdown_text import (
    code,
    codes,
    count,
    counted,
    details,
    size,
    table,
)

_SHOWN = 8
"""So many rows of a table stand open; the others are folded away."""
_MOST = 40
"""So many rows a folded table has: forges cut longer comments."""
_MOST_CVES = 3
_SHORT = 12
_BOUND = "requireReviewedPlan"
_SIGNS = {Fate.ADDED: "+", Fate.CHANGED: "~", Fate.REMOVED: "-"}


def review_markdown(
    review: Review, prediction: Prediction | None, evidence: Sequence[str]
) -> Iterator[str]:
    """Give the comment's lines; `evidence` says, in our own words, what it was planned with."""
    yield f"### Patchwright: {_verdict(review)}"
    yield ""
    yield from _headline(review)
    yield from _retirements(review)
    yield from _stages(review.stages)
    yield from _updates(review.updates)
    yield from _content(review)
    yield from _deadlines(review.deadlines, review.now)
    yield from _unserved(review.unserved)
    yield from _forecast(prediction)
    yield from _conditions(review)
    yield from _documents(review)
    yield from _policies(review)
    yield from _evidence(review, evidence)


def refusal_markdown(problems: Sequence[Problem]) -> Iterator[str]:
    """Give the comment for manifests that may not take force."""
    errors = [one for one in problems if one.severity.value != "note"]
    yield f"### Patchwright: refused, {counted(len(errors), 'problem')}"
    yield ""
    yield "Nothing is planned: these manifests would not take force."
    yield ""
    rows = [(code(str(one.at)), code(one.message, 200), code(one.code)) for one in errors]
    yield from table(("where", "what", "code"), rows, _MOST)


def _verdict(review: Review) -> str:
    if _is_empty(review):
        return "this changes nothing"
    if review.retirements:
        return f"this retires {counted(len(review.retirements), 'object')}"
    return "what this changes"


def _is_empty(review: Review) -> bool:
    parts = (review.documents, review.retirements, review.stages, review.updates)
    return not any((*parts, review.conditions, review.relieved))


def _headline(review: Review) -> Iterator[str]:
    """Say the most important numbers in one paragraph; each computer is counted once."""
    totals = review.totals
    told = [
        (totals.newly_targeted, "newly targeted"),
        (totals.no_longer_targeted, "no longer targeted"),
        (totals.installs, "install something"),
        (totals.restarts, "restart"),
        (totals.restarts_suppressed, "need a restart that is suppressed"),
        (totals.other_windows, "get other windows"),
    ]
    lines = [f"**{count(number)}** {what}" for number, what in told if number]
    if lines:
        yield f"Computers: {', '.join(lines)}."
        yield ""
    if not review.enforce:
        yield "The site observes: nothing of this starts until its manifest says `mode: enforce`."
        yield ""
    for one in review.conditions:
        if one.type.value == "PruneBlocked":
            yield f"**Withheld** (`PruneBlocked`): {code(one.message, 300)}"
            yield ""


def _retirements(review: Review) -> Iterator[str]:
    rows = [
        (one.verb, code(one.what), count(one.computers), code(one.because), one.rule)
        for one in review.retirements
    ]
    if rows:
        yield f"**Retired: {count(len(rows))}**"
        yield ""
        head = ("", "what", "computers", "because", "rule")
        yield from table(head, rows[:_SHOWN], _SHOWN)
        yield ""
        rest = list(table(head, rows[_SHOWN:], _MOST)) if rows[_SHOWN:] else []
        yield from details(f"{counted(len(rows[_SHOWN:]), 'more retirement')}", rest)


def _stages(stages: Sequence[StageChange]) -> Iterator[str]:
    if not stages:
        return
    head = ("rollout", "phase", "newly", "no longer", "target", "install", "deadline", "state")
    rows = [_stage_row(one) for one in stages]
    yield from table(head, rows[:_SHOWN], _SHOWN)
    yield ""
    if any(one.unknown for one in stages):
        yield "(?) No scan tells yet whether these have anything to install."
        yield ""
    rest = list(table(head, rows[_SHOWN:], _MOST)) if rows[_SHOWN:] else []
    yield from details(counted(len(rows[_SHOWN:]), "more phase"), rest)
    named = [line for one in stages[:_SHOWN] for line in _named(one)]
    yield from details("Which computers", named)


def _stage_row(one: StageChange) -> tuple[str, ...]:
    return (
        f"{_SIGNS[one.fate]} {code(one.rollout)} {one.release}{'' if one.is_cut else ' (ahead)'}",
        code(one.phase),
        _signed(one.newly, "+"),
        _signed(one.no_longer, "-"),
        count(one.target),
        count(one.installs) + (f" (?{count(one.unknown)})" if one.unknown else ""),
        _was(one, "deadline"),
        _was(one, "state") + (", held" if one.after is not None and one.after.held else ""),
    )


def _signed(number: int, sign: str) -> str:
    return f"{sign}{count(number)}" if number else ""


def _was(one: StageChange, field: str) -> str:
    """Say what it is, and what it would be without the change where that is something else."""
    before, after = (getattr(terms, field, None) or "none" for terms in (one.before, one.after))
    if one.before is None:
        return str(after)
    if one.after is None:
        return "removed" if field == "state" else str(before)
    return str(after) if before == after else f"{before} → {after}"


def _named(one: StageChange) -> Iterator[str]:
    parts = [
        ("newly", one.newly_named, one.newly),
        ("no longer", one.no_longer_named, one.no_longer),
    ]
    for what, names, number in parts:
        if names:
            more = f" and {count(number - len(names))} more" if number > len(names) else ""
            where = f"{code(one.rollout)} {one.release} {code(one.phase)}"
            yield f"- {where}, {what}: {codes(names, len(names))}{more}"


def _updates(updates: Sequence[UpdateChange]) -> Iterator[str]:
    if not updates:
        return
    told = [_tally(updates, fate) for fate in (Fate.ADDED, Fate.REMOVED)]
    yield f"**Updates**: {'; '.join(filter(None, told))}. {_lasting(updates)}"
    yield ""
    head = ("", "update", "severity", "CVEs", "computers", "title")
    rows = [_update_row(one) for one in updates]
    yield from details("Each update", list(table(head, rows, _MOST)))


def _tally(updates: Sequence[UpdateChange], fate: Fate) -> str:
    some = {one.id: one for one in updates if one.fate is fate}
    if not some:
        return ""
    severities = Counter(one.severity for one in some.values())
    by_severity = ", ".join(
        f"{count(severities[severity])} {severity.name.lower()}"
        for severity in sorted(UpdateSeverity, reverse=True)
        if severities[severity]
    )
    cves = len({cve for one in some.values() for cve in one.cves})
    restarts = sum(1 for one in some.values() if one.needs_restart)
    extra = f", {counted(cves, 'CVE')}" if cves else ""
    extra += f", {count(restarts)} with a restart" if restarts and fate is Fate.ADDED else ""
    return f"{count(len(some))} {fate.value} ({by_severity}{extra})"


def _lasting(updates: Sequence[UpdateChange]) -> str:
    added = {one.id: one.irreversible for one in updates if one.fate is Fate.ADDED}
    lasting = sum(added.values())
    if not lasting:
        return ""
    if lasting == len(added):
        return "None of those added can be taken off again."
    return f"{count(lasting)} of those added cannot be taken off again (marked !)."


def _update_row(one: UpdateChange) -> tuple[str, ...]:
    mark = " !" if one.irreversible and one.fate is Fate.ADDED else ""
    return (
        f"{_SIGNS[one.fate]}{mark}",
        code(one.id),
        one.severity.name.lower(),
        codes(one.cves, _MOST_CVES),
        count(one.needed),
        code(one.title),
    )


def _content(review: Review) -> Iterator[str]:
    by_point: dict[str, list[int]] = {}
    for one in review.content:
        sums = by_point.setdefault(one.point, [0, 0, 0])
        for place, number in enumerate((one.files, one.size, one.fetched)):
            sums[place] += number
    parts = [
        f"{code(point)} {size(fetched)} to fetch ({size(total)} in {counted(files, 'file')})"
        for point, (files, total, fetched) in sorted(by_point.items())
    ]
    if parts:
        yield f"**Content**: {'; '.join(parts)}."
        yield ""


def _deadlines(deadlines: Sequence[StageDeadline], now: datetime) -> Iterator[str]:
    rows = [
        (f"{code(one.rollout)} {one.release}", code(one.phase), code(zone.zone), when, computers)
        for one in deadlines
        for zone in one.zones
        for when in [zone.local or _after(one)]
        for computers in [count(zone.computers)]
    ]
    known = sorted(
        (zone.due_at, zone.local, zone.zone)
        for one in deadlines
        for zone in one.zones
        if zone.due_at is not None and zone.due_at > now
    )
    if known:
        first, last = known[0], known[-1]
        until = f", the last {last[1]} ({code(last[2])})" if last != first else ""
        yield f"**Deadlines**: the next is {first[1]} ({code(first[2])}){until}."
        yield ""
    head = ("rollout", "phase", "zone", "deadline, local", "computers")
    yield from details("Deadlines in local times", list(table(head, rows, _MOST)) if rows else [])


def _after(one: StageDeadline) -> str:
    if one.after_opening is None:
        return ""
    return f"{render_duration(one.after_opening)} after it opens"


def _unserved(unserved: Sequence[Unserved]) -> Iterator[str]:
    never = [one for one in unserved if one.never]
    if never:
        number = counted(sum(one.computers for one in never), "computer")
        yield f"**No window before the deadline**: {number}."
        yield ""
    rows = [
        (
            f"{code(one.rollout)} {one.release}",
            code(one.phase),
            count(one.computers),
            "never" if one.never else "depends on the opening",
            codes(one.collections, 3) or "no collection with windows",
            code(one.zone),
            codes(one.named, 3),
        )
        for one in unserved
    ]
    head = ("rollout", "phase", "computers", "no window", "windows of", "zone", "such as")
    summary = "Whom no window serves before the deadline"
    yield from details(summary, list(table(head, rows, _MOST)) if rows else [])


def _forecast(prediction: Prediction | None) -> Iterator[str]:
    if prediction is None or not prediction.releases:
        return
    rows = [
        (
            f"{code(one.rollout)} {one.release}",
            f"{one.at:%a %Y-%m-%d %H:%M} UTC" if one.at is not None else _never(prediction.until),
            count(one.late),
            ", ".join(f"{reason} {count(number)}" for reason, number in one.reasons[:3]),
        )
        for one in prediction.releases
    ]
    yield f"**Forecast**, {prediction.share} % of each release's computers comply:"
    yield ""
    yield from table(
        ("rollout", "expected", "miss their deadline", "because"), rows[:_SHOWN], _SHOWN
    )
    yield ""
    yield from details(
        "What the forecast assumes", [f"- {code(one, 200)}" for one in prediction.assumptions]
    )


def _never(until: datetime) -> str:
    return f"not before {until:%Y-%m-%d}"


def _conditions(review: Review) -> Iterator[str]:
    told = [one for one in review.conditions if one.type.value != "PruneBlocked"]
    lines = [*_condition_lines("comes", told), *_condition_lines("goes", review.relieved)]
    summary = counted(len(lines), "condition comes or goes", "conditions come or go")
    yield from details(summary, lines[:_MOST])


def _condition_lines(what: str, conditions: Iterable[Condition]) -> list[str]:
    return [
        f"- {what}: `{one.type.value}` {code(one.subject)}: {code(one.message, 200)}"
        for one in conditions
    ]


def _documents(review: Review) -> Iterator[str]:
    lines = [f"- {one.fate.value}: {one.kind} {code(one.name)}" for one in review.documents]
    lines += [
        f"- {code(one.name)} gains {count(one.joined)}, loses {count(one.left)}"
        for one in review.collections
    ]
    yield from details(counted(len(review.documents), "manifest"), lines[:_MOST])


def _policies(review: Review) -> Iterator[str]:
    """A change that fails a policy is refused before it is planned, so these are met."""
    lines = [
        f"- {code(one.policy)}: {', '.join(code(demand, 200) for demand in one.demands)}"
        for one in review.policies
    ]
    names = codes([one.policy for one in review.policies], 3)
    yield from details(f"Policies met: {count(len(lines))}", lines) if names else ()


def _evidence(review: Review, evidence: Sequence[str]) -> Iterator[str]:
    yield from (f"<sub>{one}</sub><br>" for one in evidence)
    yield f"<sub>What was reviewed: `{PLAN_TRAILER}: {review_digest(review)}`</sub>"
    if any(demand.startswith(_BOUND) for one in review.policies for demand in one.demands):
        lines = write_reviewed(reviewed_json(review)).splitlines()
        yield ""
        yield from details("For the message of the commit or merge", ["```", *lines, "```"])
