"""Several forecasts of one state: where chance decides much, the middle one is to be expected."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from reconciler.desired.state import DesiredState
from reconciler.observed.state import ObservedState
from reconciler.planning.world import SiteIdentity
from reconciler.simulation.clockwork import Span
from reconciler.simulation.estimates import Assumption
from reconciler.simulation.forecast import Forecast, make_forecast
from reconciler.simulation.standing import ReleaseKey

_SHARE = 95
_MOST = 5
_CLOSE = 0.05
_DAY = timedelta(days=1)
Days = dict[ReleaseKey, float]
"""When each release has its share, in days; past the end where it does not come."""


def expect(
    desired: DesiredState, observed: ObservedState, site: SiteIdentity, span: Span, seed: int
) -> Forecast:
    """Forecast twice, and three times more where these disagree about a release; give the middle.

    A gate that one failed run too many keeps shut moves all that follows by days: one forecast
    alone tells one such story, be it a rare one. The same seed gives the same.
    """

    def draw(number: int) -> Forecast:
        return make_forecast(desired, observed, site, span, seed + number)

    made = [draw(0), draw(1)]
    if not agree(*made):
        made += [draw(number) for number in range(2, _MOST)]
    chosen = made[middle(made)]
    told = Assumption("chance", _told(made), "default", "forecasts with other seeds")
    return replace(chosen, seed=seed, assumptions=(*chosen.assumptions, told))


def _days(forecast: Forecast) -> Days:
    never = 2 * ((forecast.end - forecast.begin) / _DAY)
    reached = {key: one.reached.get(_SHARE) for key, one in forecast.standings.by_release.items()}
    return {
        key: never if at is None else (at - forecast.begin) / _DAY for key, at in reached.items()
    }


def agree(one: Forecast, other: Forecast) -> bool:
    """Tell whether each release has its share at about the same time in both."""
    mine, theirs = _days(one), _days(other)
    return mine.keys() == theirs.keys() and all(
        abs(mine[key] - theirs[key]) <= _CLOSE * max(mine[key], theirs[key]) for key in mine
    )


def middle(forecasts: Sequence[Forecast]) -> int:
    """Give the place of the forecast that is nearest to the medians of all releases."""
    days = [_days(one) for one in forecasts]
    medians = {key: statistics.median_low(found) for key, found in _by_release(days).items()}
    far = [sum(abs(number - medians[key]) for key, number in one.items()) for one in days]
    return far.index(min(far))


def _by_release(days: Sequence[Days]) -> dict[ReleaseKey, list[float]]:
    keys = sorted(set().union(*days))
    return {key: [one[key] for one in days if key in one] for key in keys}


def _told(forecasts: Sequence[Forecast]) -> str:
    number = len(forecasts)
    if number < _MOST:
        return f"{number} forecasts agree"
    ranges = {
        key: (min(found), max(found))
        for key, found in _by_release([_days(one) for one in forecasts]).items()
    }
    (rollout, release), (least, most) = max(
        ranges.items(), key=lambda one: (one[1][1] - one[1][0], one[0])
    )
    length = (forecasts[0].end - forecasts[0].begin) / _DAY
    late = f"to {most:.1f} days" if most <= length else "days, or does not arrive"
    return f"the middle of {number} forecasts; {rollout}/{release} takes {least:.1f} {late}"
