"""`patchwright forecast`: what is to be expected of a site's rollouts."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from reconciler.app.clock import FixedClock
from reconciler.cli.forecast_form import ForecastForm
from reconciler.cli.forecast_svg import forecast_svg
from reconciler.cli.output import print_json, print_lines
from reconciler.cli.plan import read_checkout
from reconciler.cli.simulate import read_tick
from reconciler.cli.snapshot import take_snapshot
from reconciler.cli.snapshot_file import SnapshotFile
from reconciler.engine.desire import judge
from reconciler.model.errors import ManifestError, ReconcilerError
from reconciler.model.hints import did_you_mean
from reconciler.model.times import parse_duration, parse_instant
from reconciler.simulation.clockwork import Span
from reconciler.simulation.draws import expect
from reconciler.simulation.forecast import (
    ExpectedPhase,
    Forecast,
    days_to,
    forecast_json,
    only,
    shares,
)

_LONGEST = timedelta(days=366)
_BLOCKS = " ▁▂▃▄▅▆▇█"
_WIDEST = 60
_WIDTH_OF_FILES = 160


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    rollout: str | None
    site: Path
    manifests: Path | None
    snapshot: SnapshotFile | None
    until: str
    tick: str
    seed: int
    now: datetime | None


def show_forecast(asked: Asked, form: ForecastForm) -> int:
    """Make the forecast and print it."""
    forecast = _make(asked)
    if form is ForecastForm.JSON:
        print_json(forecast_json(forecast))
    elif form is ForecastForm.SVG:
        typer.echo(forecast_svg(forecast), nl=False)
    else:
        _print_text(forecast)
    return 0


def _make(asked: Asked) -> Forecast:
    if asked.snapshot is not None:
        known = asked.snapshot.load_beside(asked.manifests)
    else:
        known = take_snapshot(asked.site, asked.now)
    begin = (asked.now or known.now).replace(microsecond=0)
    checkout = read_checkout(asked.site, asked.manifests, known.commit, FixedClock(begin))
    desired, problems = judge(checkout, known.site, begin)
    if desired is None:
        raise ManifestError(problems)
    span = Span(begin, _end(asked.until, begin), read_tick(asked.tick))
    forecast = expect(desired, known.observed, known.site, span, asked.seed)
    if asked.rollout is None:
        return forecast
    names = {one.rollout for one in forecast.phases} | set(desired.rollouts)
    if asked.rollout not in names:
        hint = did_you_mean(asked.rollout, names) or "name a Rollout of the manifests"
        raise ReconcilerError(f"there is no rollout {asked.rollout!r:.80}", hint=hint)
    return only(forecast, asked.rollout)


def _end(text: str, begin: datetime) -> datetime:
    """Read `--until`: how long, or an instant."""
    try:
        end = parse_instant(text) if "T" in text.upper() else begin + parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--until") from error
    if not begin < end <= begin + _LONGEST:
        message = "it is not after now, or more than 366 days after it"
        raise typer.BadParameter(message, param_hint="--until")
    return end


def _print_text(forecast: Forecast) -> None:
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_FILES)
    if not forecast.enforced:
        console.print("the site observes: nothing starts until its manifest says mode: enforce")
    console.print(_phase_table(forecast))
    console.print(_release_table(forecast))
    print_lines(_missed_lines(forecast))
    print_lines(_restart_lines(forecast))
    print_lines(
        f"at the end {one.type.value}: {one.subject}: {one.message}" for one in forecast.conditions
    )
    print_lines(_assumption_lines(forecast))


def _phase_table(forecast: Forecast) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("rollout", "release", "phase", "computers", "opens", "succeeds", "deadline"):
        table.add_column(column, justify="right" if column in {"release", "computers"} else "left")
    for one in forecast.phases:
        table.add_row(
            one.rollout,
            str(one.release),
            one.phase,
            str(one.target),
            _when(one.opens_at, forecast),
            _outcome(one, forecast),
            _moment(one.deadline_at),
        )
    return table


def _outcome(one: ExpectedPhase, forecast: Forecast) -> str:
    if one.succeeds_at is None and one.halts_at is not None:
        return f"halts {_moment(one.halts_at)}"
    return _when(one.succeeds_at, forecast)


def _release_table(forecast: Forecast) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("compliance")
    for share in shares():
        table.add_column(f"{share} % in days", justify="right")
    table.add_column("at the end", justify="right")
    table.add_column(f"by day, until {_moment(forecast.end)}", no_wrap=True)
    for (rollout, release), standing in sorted(forecast.standings.by_release.items()):
        days = (days_to(forecast, rollout, release, share) for share in shares())
        table.add_row(
            f"{rollout}/{release}",
            *("never" if day is None else f"{day:g}" for day in days),
            f"{standing.percent:.1f} %",
            _spark([percent for _, percent in forecast.series[rollout, release]]),
        )
    return table


def _spark(percents: Sequence[float]) -> str:
    """Draw one block a day, or fewer where the days are more than the line has room for."""
    every = -(-len(percents) // _WIDEST)
    last = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(percent / 100 * last)] for percent in percents[::every])


def _missed_lines(forecast: Forecast) -> Iterator[str]:
    for one in forecast.missed:
        if one.late:
            where = f"{one.rollout}/{one.release}/{one.phase}"
            due = _moment(one.deadline_at)
            yield f"{where}: {one.late} of {one.target} miss the deadline {due}"
            for reason, count in one.reasons.items():
                names = one.names[reason]
                more = ", …" if count > len(names) else ""
                yield f"    {reason.value}: {count}: {', '.join(names)}{more}"


def _restart_lines(forecast: Forecast) -> Iterator[str]:
    if forecast.restarts:
        hour, most = max(sorted(forecast.restarts.items()), key=lambda one: one[1])
        total = sum(forecast.restarts.values())
        yield f"restarts: {total}, at most {most} an hour ({_moment(hour)})"


def _assumption_lines(forecast: Forecast) -> Iterator[str]:
    yield f"assumed, with seed {forecast.seed}:"
    for one in forecast.assumptions:
        basis = f": {one.basis}" if one.basis else ""
        yield f"    {one.name}: {one.value} ({one.source}{basis})"


def _when(at: datetime | None, forecast: Forecast) -> str:
    if at is None:
        return "not before the end"
    return f"since {_moment(at)}" if at <= forecast.begin else _moment(at)


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}Z"
