"""How often one address may ask."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

MOST_ADDRESSES = 10_000
_MINUTE = 60.0
_IPV6_NETWORK = 64


class RateLimiter:
    """A full bucket of so many requests per address, refilled evenly within a minute."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        """Count the addresses that are remembered."""
        return len(self._buckets)

    def allows(self, address: str, moment: float) -> bool:
        """Take one request from the address's bucket, at a monotonic moment in seconds."""
        key = _network_of(address)
        left, before = self._buckets.pop(key, (float(self._per_minute), moment))
        refilled = left + (moment - before) * self._per_minute / _MINUTE
        left = min(refilled, float(self._per_minute))
        is_allowed = left >= 1
        self._buckets[key] = (left - 1 if is_allowed else left, moment)
        if len(self._buckets) > MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return is_allowed


def _network_of(address: str) -> str:
    """Give the address, or the network that one IPv6 host has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
