"""Batches of agents, taken into the durable inbox (J6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.model.codec import encode
from reconciler.model.computers import CLONED
from reconciler.model.errors import ProtocolError
from reconciler.model.messages import Batch, BatchReply
from reconciler.model.times import UTC, render_instant
from reconciler.server.bodies import read_message
from reconciler.server.point import credential_of, point_of
from reconciler.store import Work

log = structlog.get_logger(__name__)

LARGEST_BATCH = 8 * 1024 * 1024
# Any clock may be wrong, but not by so much that no arithmetic on its time is possible.
_FIRST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_INSTANT = datetime(2200, 1, 1, tzinfo=UTC)


async def receive_messages(request: Request) -> Response:
    """Keep a batch and answer 202 with what the server holds now."""
    point, credential = point_of(request), credential_of(request)
    computer = await run_in_threadpool(point.identify, credential)
    received = await read_message(request, Batch, LARGEST_BATCH)
    _check(received.message, computer)
    at = point.clock.now()
    reply = await point.write(
        lambda work: _accept(work, received.message, received.text, at, credential)
    )
    return JSONResponse(encode(reply), status_code=202)


def _accept(work: Work, batch: Batch, text: bytes, at: datetime, credential: str) -> BatchReply:
    """Take the batch in; where two machines speak by turns, both are quarantined (L3).

    A renewed credential that it came with takes the place of the one before.
    """
    work.credentials.settle(credential)
    if work.inbox.is_of_another_machine(batch):
        name = work.computers.quarantine(batch.computer, CLONED)
        log.warning("computer quarantined", computer=name, reason=CLONED)
    return work.inbox.accept(batch, text, at)


def _check(batch: Batch, computer: str) -> None:
    if batch.computer != computer:
        raise ProtocolError(
            "the batch is of another computer than the credential",
            status=403,
            hint="a machine cloned from another one must be enrolled by itself",
        )
    for at in _instants(batch):
        if not _FIRST_INSTANT <= at < _LAST_INSTANT:
            raise ProtocolError(
                f"the message is malformed: {render_instant(at)} cannot be", hint="set the clock"
            )


def _instants(batch: Batch) -> Iterator[datetime]:
    yield batch.sent_at
    if batch.facts is not None:
        yield batch.facts.at
    if batch.inventory is not None:
        yield batch.inventory.at
    if batch.scan is not None:
        yield from (batch.scan.started_at, batch.scan.ended_at)
    yield from (status.at for status in batch.statuses)
