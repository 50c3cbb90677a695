"""Hands what the spool holds to the site, batch by batch, until it holds nothing."""

from __future__ import annotations

from reconciler.agent.client import Site
from reconciler.agent.clock import SiteClock
from reconciler.agent.errors import SiteUnreachableError
from reconciler.agent.journal import Journal
from reconciler.agent.log import Log
from reconciler.agent.spool import acknowledge, drop_inventory, drop_outgoing, seal
from reconciler.model.errors import ProtocolError
from reconciler.model.messages import Batch

_BATCHES_AT_ONCE = 20
_MALFORMED = (400, 422)
_TOO_LARGE = 413


def deliver(journal: Journal, computer: str, site: Site, clock: SiteClock, log: Log) -> None:
    """Deliver; raises SiteUnreachableError, and ProtocolError where the site refuses us."""
    for _ in range(_BATCHES_AT_ONCE):
        journal.save(spool=seal(journal.spool, computer, clock.now(), journal.instance))
        batch = journal.spool.outgoing
        if batch is None:
            return
        try:
            reply = site.deliver(batch)
        except ProtocolError as error:
            _give_way(journal, batch, error, log)
            # Not at once again: what is wrong with it may be wrong with the next one.
            raise SiteUnreachableError(f"a batch was dropped: {error}") from error
        journal.save(spool=acknowledge(journal.spool, reply))
        log.debug("delivered", epoch=batch.epoch, serial=batch.serial, resync=reply.resync)


def _give_way(journal: Journal, batch: Batch, error: ProtocolError, log: Log) -> None:
    """Drop what the site will never take; raises the error where that would not help."""
    if error.status in _MALFORMED:
        journal.save(spool=drop_outgoing(journal.spool))
    elif error.status == _TOO_LARGE and batch.inventory is not None:
        journal.save(spool=drop_inventory(journal.spool))
    elif error.status == _TOO_LARGE:
        journal.save(spool=drop_outgoing(journal.spool))
    else:
        raise error
    log.fault("batch dropped", status=error.status, serial=batch.serial, problem=error)
