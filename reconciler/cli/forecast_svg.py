"""A forecast as an SVG picture: compliance by day, and restarts by day below it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape

from reconciler.simulation.forecast import Forecast

_WIDTH, _HEIGHT, _BARS = 900, 320, 90
_LEFT, _TOP, _RIGHT, _GAP = 60, 50, 220, 50
_COLOURS = ("#1b6ca8", "#c0392b", "#27854c", "#8e44ad", "#b9770e", "#117a8b", "#7f8c8d", "#2c3e50")
_DAY = timedelta(days=1)
_FAINT = 'stroke="#dddddd"'
_DASHED = 'stroke="#999999" stroke-dasharray="4 4"'

Point = tuple[float, float]


def forecast_svg(forecast: Forecast) -> str:
    """Draw it; equal forecasts give equal bytes."""
    width, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _GAP + _BARS + 40
    body = [*_frame(forecast), *_curves(forecast), *_openings(forecast), *_restarts(forecast)]
    box = f'width="{width}" height="{height}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12" fill="#222222">'
    )
    return "\n".join([head, f'<rect {box} fill="#ffffff"/>', *body, "</svg>", ""])


def _frame(forecast: Forecast) -> Iterator[str]:
    title = f"Compliance from {forecast.begin:%Y-%m-%d} to {forecast.end:%Y-%m-%d}"
    yield _text((_LEFT, 24), title, 'font-size="16"')
    for percent in (0, 25, 50, 75, 95, 100):
        height = _height(percent)
        yield _line((_LEFT, height), (_LEFT + _WIDTH, height), _FAINT)
        yield _text((_LEFT - 8, height + 4), f"{percent} %", 'text-anchor="end"')
    days = max(1, (forecast.end - forecast.begin) // _DAY)
    for day in range(0, days + 1, max(1, days // 10)):
        place = _place(forecast, forecast.begin + day * _DAY)
        label = f"{forecast.begin + day * _DAY:%m-%d}"
        yield _text((place, _TOP + _HEIGHT + 18), label, 'text-anchor="middle"')


def _curves(forecast: Forecast) -> Iterator[str]:
    for number, (key, points) in enumerate(sorted(forecast.series.items())):
        colour = _COLOURS[number % len(_COLOURS)]
        corners = " ".join(
            f"{_place(forecast, at):.1f},{_height(percent):.1f}" for at, percent in points
        )
        yield f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"/>'
        label = f"{key[0]}/{key[1]}: {points[-1][1]:.1f} %"
        yield _text((_LEFT + _WIDTH + 12, _TOP + 14 + 18 * number), label, f'fill="{colour}"')


def _openings(forecast: Forecast) -> Iterator[str]:
    for one in forecast.phases:
        if one.opens_at is not None and forecast.begin < one.opens_at:
            place = _place(forecast, one.opens_at)
            title = f"{one.rollout}/{one.release}/{one.phase} opens {one.opens_at:%Y-%m-%d %H:%M}Z"
            line = _line((place, _TOP), (place, _TOP + _HEIGHT), _DASHED)
            yield f"<g>{line}<title>{escape(title)}</title></g>"


def _restarts(forecast: Forecast) -> Iterator[str]:
    """One bar an hour, as high as the share of the worst hour."""
    floor = _TOP + _HEIGHT + _GAP + _BARS
    most = max(forecast.restarts.values(), default=0)
    yield _text((_LEFT, floor - _BARS - 8), f"Restarts an hour, {most} at most")
    yield _line((_LEFT, floor), (_LEFT + _WIDTH, floor), _FAINT)
    for hour, count in sorted(forecast.restarts.items()):
        high = _BARS * count / most
        place = _place(forecast, hour)
        yield (
            f'<rect x="{place:.1f}" y="{floor - high:.1f}" width="1.5" height="{high:.1f}"'
            ' fill="#b9770e"/>'
        )


def _place(forecast: Forecast, at: datetime) -> float:
    return _LEFT + _WIDTH * ((at - forecast.begin) / (forecast.end - forecast.begin))


def _height(percent: float) -> float:
    return _TOP + _HEIGHT * (1 - percent / 100)


def _line(begin: Point, end: Point, style: str) -> str:
    ends = f'x1="{begin[0]:.1f}" y1="{begin[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f"<line {ends} {style}/>"


def _text(at: Point, text: str, style: str = "") -> str:
    place = f'x="{at[0]:.1f}" y="{at[1]:.1f}"'
    return f"<text {place}{style and ' '}{style}>{escape(text)}</text>"
