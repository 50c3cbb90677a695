"""What the management point counts; each metric stands in docs/metrics.md."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SIGNING_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
REASONS = {
    400: "malformed",
    401: "unknown_speaker",
    403: "other_computer",
    404: "unknown_thing",
    405: "method",
    408: "too_slow",
    409: "name_taken",
    413: "too_large",
    415: "content_type",
    416: "range",
    429: "rate_limited",
    503: "overloaded",
}


class Metrics:
    """The metrics of one server process, in a registry of its own."""

    def __init__(self, waiters: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "patchwright_http_requests",
            "Requests by route and HTTP status.",
            ["route", "status"],
            registry=self.registry,
        )
        self._refused = Counter(
            "patchwright_http_refused",
            "Refused requests by route and reason.",
            ["route", "reason"],
            registry=self.registry,
        )
        self.signing = Histogram(
            "patchwright_policy_signing_seconds",
            "Time to encode and sign one policy.",
            buckets=_SIGNING_BUCKETS,
            registry=self.registry,
        )
        self._inbox = Gauge(
            "patchwright_inbox_waiting",
            "Batches received and not used yet.",
            registry=self.registry,
        )
        self._aside = Gauge(
            "patchwright_inbox_set_aside",
            "Batches that cannot be used.",
            registry=self.registry,
        )
        waiting = Gauge(
            "patchwright_policy_waiters",
            "Requests that wait for a new policy.",
            registry=self.registry,
        )
        waiting.set_function(waiters)

    def count(self, route: str, status: int) -> str:
        """Count an answer; give the reason of a refusal, or nothing."""
        self._requests.labels(route, str(status)).inc()
        reason = REASONS.get(status, "other") if status >= min(REASONS) else ""
        if reason:
            self._refused.labels(route, reason).inc()
        return reason

    def render(self, waiting: int, aside: int) -> bytes:
        """Give all metrics as Prometheus reads them."""
        self._inbox.set(waiting)
        self._aside.set(aside)
        return generate_latest(self.registry)
