"""`patchwright plan --base … --head …`: what a change does beyond what is in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.markdown import Markdown

from reconciler.cli.options import PlanForm
from reconciler.cli.output import print_json, print_lines
from reconciler.cli.snapshot import take_snapshot
from reconciler.cli.snapshot_file import PINNED_KEY, SnapshotFile
from reconciler.desired.state import DesiredState
from reconciler.engine.desire import judge, refuses
from reconciler.engine.snapshots import Snapshot, blind_spots, recognising
from reconciler.model.canonical import Json
from reconciler.model.errors import ManifestError
from reconciler.model.problems import Problem
from reconciler.model.reviewed import write_reviewed
from reconciler.model.times import parse_duration, render_instant
from reconciler.planning.governance import check_policies
from reconciler.planning.plan import decide
from reconciler.planning.review.as_json import FORM, review_json, reviewed_json
from reconciler.planning.review.form import Prediction, Review
from reconciler.planning.review.make import make_review
from reconciler.planning.review.markdown import refusal_markdown, review_markdown
from reconciler.planning.review.markdown_text import code, counted
from reconciler.simulation.clockwork import Span
from reconciler.simulation.draws import expect
from reconciler.simulation.prediction import predict
from reconciler.source.merging import read_change, read_pins

NOTHING_TO_DO, REFUSED, CHANGES_PENDING = 0, 1, 2
_SEED = 1
_TICK = timedelta(hours=1)
_LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class ChangeAsked:
    """What the command line says; without a snapshot the site's own state is taken."""

    folder: Path
    base: str
    head: str
    site: Path
    snapshot: SnapshotFile | None
    until: str
    now: datetime | None


def show_change(asked: ChangeAsked, form: PlanForm) -> int:
    """Print what merging the head into the base does; a base that is not valid is an error."""
    pins = read_pins(asked.folder, asked.base, (PINNED_KEY,))
    if asked.snapshot is None:
        known = take_snapshot(asked.site, asked.now)
    else:
        known = asked.snapshot.load(pins.get(PINNED_KEY))
    now = asked.now or known.now
    change = read_change(asked.folder, asked.base, asked.head, known.commit)
    base, problems = judge(change.base, known.site, now)
    if base is None:
        raise ManifestError(problems)
    head, problems = judge(change.merged, known.site, now)
    if head is None:
        return _refuse(problems, form)
    known = recognising(known, base, head)
    problems = check_policies(head, known.observed, known.site, now)
    if problems:
        return _refuse(problems, form)
    review = make_review(*(decide(one, known.observed, known.site, now) for one in (base, head)))
    prediction = _predict(head, known, review, _length(asked.until))
    is_signed = asked.snapshot is not None and bool(asked.snapshot.key or pins)
    evidence = [*_evidence(known, review, is_signed=is_signed), *_unknown(known, head)]
    _print(review, prediction, evidence, form)
    return CHANGES_PENDING if _has_changes(review) else NOTHING_TO_DO


def _length(until: str) -> timedelta:
    try:
        length = parse_duration(until)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from error
    if length > _LONGEST:
        raise typer.BadParameter("it is longer than 366 days", param_hint="--until")
    return length


def _refuse(problems: Sequence[Problem], form: PlanForm) -> int:
    """Say why the merge would not take force; a comment says it too."""
    told = [one for one in problems if refuses(one)]
    if form is PlanForm.JSON:
        print_json({"form": FORM, "problems": [_problem_json(one) for one in told]})
    elif form is PlanForm.MARKDOWN:
        print_lines(refusal_markdown(told))
    else:
        raise ManifestError(problems)
    return REFUSED


def _problem_json(one: Problem) -> Json:
    return {"at": str(one.at), "code": one.code, "message": one.message, "hint": one.hint}


def _predict(
    head: DesiredState, known: Snapshot, review: Review, length: timedelta
) -> Prediction | None:
    """Run ahead only where something would start at all."""
    if not length or not review.enforce or not review.stages:
        return None
    begin = review.now.replace(microsecond=0)
    span = Span(begin, begin + length, _TICK)
    return predict(expect(head, known.observed, known.site, span, _SEED), review)


def _has_changes(review: Review) -> bool:
    return bool(review.documents or review.stages or review.retirements)


def _evidence(known: Snapshot, review: Review, *, is_signed: bool) -> Iterator[str]:
    fleet = counted(len(known.observed.fleet.enrolled), "computer")
    taken = render_instant(known.now)
    seal = ", signed by it" if is_signed else ""
    yield f"Planned for {fleet} of {code(known.site.name)}, as known at {taken}{seal}."
    if review.now != known.now:
        yield f"Planned as of {render_instant(review.now)}."


def _unknown(known: Snapshot, head: DesiredState) -> Iterator[str]:
    for told in blind_spots(known, head):
        yield f"**Not known here**: {code(told, 200)}."


def _print(
    review: Review, prediction: Prediction | None, evidence: Sequence[str], form: PlanForm
) -> None:
    if form is PlanForm.JSON:
        print_json(review_json(review, prediction))
        return
    if form is PlanForm.TRAILER:
        print_lines(write_reviewed(reviewed_json(review)).splitlines())
        return
    lines = list(review_markdown(review, prediction, evidence))
    if form is PlanForm.MARKDOWN:
        print_lines(lines)
    else:
        Console().print(Markdown("\n".join(lines)))
        typer.echo()
