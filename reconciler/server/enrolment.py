"""A machine becomes a computer of the site by a token (L1)."""

from __future__ import annotations

import secrets
import time
from datetime import datetime

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.model.codec import encode
from reconciler.model.errors import ProtocolError
from reconciler.model.ids import sha256_hex
from reconciler.model.messages import EnrolReply, EnrolRequest
from reconciler.server.bodies import read_message
from reconciler.server.point import point_of
from reconciler.store import Work

LARGEST_REQUEST = 64 * 1024
CREDENTIAL_BYTES = 32

log = structlog.get_logger(__name__)


async def enrol(request: Request) -> Response:
    """Spend the token and answer 201 with the new computer's own credential."""
    point = point_of(request)
    address = request.client.host if request.client is not None else ""
    if not point.enrolments.allows(address, time.monotonic()):
        raise ProtocolError(
            "too many enrolments from this address", status=429, hint="come back in a minute"
        )
    asked = (await read_message(request, EnrolRequest, LARGEST_REQUEST)).message
    credential = secrets.token_urlsafe(CREDENTIAL_BYTES)
    at = point.clock.now()
    computer = await point.write(lambda work: _enrol(work, asked, credential, at))
    reply = EnrolReply(computer, credential, point.settings.site, point.signer.public_key)
    log.info("enrolled", computer=reply.computer, name=asked.name.lower(), address=address)
    return JSONResponse(encode(reply), status_code=201)


def _enrol(work: Work, asked: EnrolRequest, credential: str, at: datetime) -> str:
    """Give the new computer's id; where its name is refused, the token stays good."""
    collection = work.tokens.spend(sha256_hex(asked.token.encode()), at)
    if collection is None:
        raise ProtocolError(
            "the enrolment token is unknown, used or expired", status=401, hint="ask for a new one"
        )
    computer = work.computers.enrol(asked.name, asked.hardware_id, at, collection)
    work.inbox.forget(computer.id)
    work.credentials.save(computer.id, sha256_hex(credential.encode()))
    return computer.id
