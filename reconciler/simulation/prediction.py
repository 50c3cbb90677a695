"""What a forecast says of the releases that a change is about."""

from __future__ import annotations

from collections import Counter

from reconciler.planning.review.form import Expected, Prediction, Review
from reconciler.simulation.forecast import Forecast

SHARE = 95


def predict(forecast: Forecast, review: Review) -> Prediction:
    """Tell when each release of the review has nearly arrived, and who misses deadlines."""
    late: Counter[tuple[str, int]] = Counter()
    for missed in forecast.missed:
        late[missed.rollout, missed.release] += missed.late
    concerned = {(one.rollout, one.release) for one in review.stages if one.after is not None}
    return Prediction(
        until=forecast.end,
        share=SHARE,
        releases=tuple(
            Expected(*key, at=standing.reached.get(SHARE), late=late[key])
            for key, standing in sorted(forecast.standings.by_release.items())
            if key in concerned
        ),
        assumptions=tuple(
            f"{one.name}: {one.value} ({one.source})" for one in forecast.assumptions
        ),
    )
