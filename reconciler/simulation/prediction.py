"""What a forecast says of the releases that a change is about."""

from __future__ import annotations

from collections import Counter, defaultdict

from reconciler.planning.review.form import Expected, Prediction, Review
from reconciler.simulation.forecast import Forecast

SHARE = 95


def predict(forecast: Forecast, review: Review) -> Prediction:
    """Tell when each release of the review has nearly arrived, and who misses deadlines."""
    late: defaultdict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for missed in forecast.missed:
        late[missed.rollout, missed.release].update(missed.reasons)
    concerned = {(one.rollout, one.release) for one in review.stages if one.after is not None}
    return Prediction(
        until=forecast.end,
        share=SHARE,
        releases=tuple(
            Expected(
                *key,
                at=standing.reached.get(SHARE),
                late=late[key].total(),
                reasons=_sorted(late[key]),
            )
            for key, standing in sorted(forecast.standings.by_release.items())
            if key in concerned
        ),
        assumptions=tuple(
            f"{one.name}: {one.value} ({one.source})" for one in forecast.assumptions
        ),
    )


def _sorted(reasons: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(
        (str(reason), number)
        for reason, number in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    )
