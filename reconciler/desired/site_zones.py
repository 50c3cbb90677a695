"""Which zone computers of a site have that tell none."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from reconciler.desired.state import DesiredState
from reconciler.kinds.timezones import zone_or_utc


def zone_of_site(state: DesiredState, name: str | None) -> ZoneInfo:
    """Give the zone of a site, else that of its nearest ancestor that has one, else UTC (S3)."""
    passed: set[str] = set()
    while name is not None and name in state.sites and name not in passed:
        spec = state.sites[name].document.spec
        if spec.timezone is not None:
            return zone_or_utc(spec.timezone)
        passed.add(name)
        name = spec.parent
    return zone_or_utc(None)
