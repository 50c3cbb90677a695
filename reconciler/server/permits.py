"""Permits: a computer asks before it is disrupted, and the site answers at once (S19)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.model.codec import encode
from reconciler.model.permits import PermitRequest
from reconciler.server.bodies import read_message
from reconciler.server.point import credential_of, point_of

LARGEST_REQUEST = 4096


async def give_permit(request: Request) -> Response:
    """Answer 200 with whether the computer may start now."""
    point, credential = point_of(request), credential_of(request)
    computer = await run_in_threadpool(point.identify, credential)
    asked = (await read_message(request, PermitRequest, LARGEST_REQUEST)).message
    now = point.clock.now()
    reply = await point.write(
        lambda work: point.permit_of(work, computer, asked.advertisement, now)
    )
    return JSONResponse(encode(reply))
