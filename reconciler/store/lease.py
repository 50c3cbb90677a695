"""Which controller may act for this site (S26)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from reconciler.model.errors import LeaseLostError
from reconciler.model.times import render_instant
from reconciler.store.rows import upsert
from reconciler.store.schema import lease

_NAME = "engine"
_NOBODY = ""


class LeaseRepository:
    """The site's one lease; its fence rises whenever the owner changes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def acquire(self, owner: str, ttl: timedelta, now: datetime) -> int:
        """Take or renew the lease and give its fence.

        Raises LeaseLostError that names the holder while another one's lease runs.
        """
        held = self._connection.execute(select(lease).where(lease.c.name == _NAME)).first()
        if held is not None and held.owner not in {owner, _NOBODY} and held.expires_at > now:
            raise LeaseLostError(
                f"{held.owner} controls this site until {render_instant(held.expires_at)}",
                hint="stop that controller, or wait until its lease ends",
            )
        fence = 0 if held is None else held.fence
        if held is None or held.owner != owner:
            fence += 1
        row = {"name": _NAME, "owner": owner, "fence": fence, "expires_at": now + ttl}
        self._connection.execute(upsert(lease, self._connection), row)
        return fence

    def check(self, fence: int) -> None:
        """Raise LeaseLostError unless this fence is still the newest; part of a transaction."""
        held = self._connection.execute(select(lease).where(lease.c.name == _NAME)).first()
        if held is None or held.fence != fence or held.owner == _NOBODY:
            holder = held.owner if held is not None and held.owner else "nobody"
            raise LeaseLostError(f"the lease of this site was lost; {holder} holds it now")

    def release(self, fence: int) -> None:
        """Let the next controller in at once; a lease that was lost stays with its holder."""
        mine = (lease.c.name == _NAME) & (lease.c.fence == fence)
        self._connection.execute(update(lease).where(mine).values(owner=_NOBODY))
