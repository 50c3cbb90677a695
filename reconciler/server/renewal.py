"""A computer's credential is renewed while it can still speak with the one it has."""

from __future__ import annotations

import secrets

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.model.codec import encode
from reconciler.model.ids import sha256_hex
from reconciler.model.messages import RenewReply
from reconciler.server.enrolment import CREDENTIAL_BYTES
from reconciler.server.point import credential_of, point_of

log = structlog.get_logger(__name__)


async def renew(request: Request) -> Response:
    """Answer 201 with a new credential; the old one is void when the new one brings a batch."""
    point, credential = point_of(request), credential_of(request)
    computer = await run_in_threadpool(point.identify, credential)
    fresh = secrets.token_urlsafe(CREDENTIAL_BYTES)
    digest = sha256_hex(fresh.encode())
    await point.write(lambda work: work.credentials.offer(computer, digest))
    log.info("credential renewed", computer=computer)
    return JSONResponse(encode(RenewReply(fresh)), status_code=201)
