"""Policy by long-poll: answered at once when it is new, else when it becomes new."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from reconciler.model.canonical import canonical_json, digest_of
from reconciler.model.codec import encode
from reconciler.model.errors import ProtocolError
from reconciler.model.ids import unit_interval_position
from reconciler.model.policy import Policy
from reconciler.observed.columns import micros
from reconciler.server.point import ManagementPoint, credential_of, point_of

LONGEST_WAIT_SECONDS = 60
_WAIT = re.compile(r"[0-9]{1,2}", re.ASCII)
_ETAG = re.compile(r'"([0-9a-f]{64})"', re.ASCII)
_LONGEST_HEADER = 4096
_VOLATILE = frozenset({"version", "issuedAt", "expiresAt"})
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Current:
    """A computer's policy of now; `renew_in` is when it is given anew at the latest."""

    policy: Policy
    etag: str
    renew_in: timedelta


async def give_policy(request: Request) -> Response:
    """Answer 200 with a policy that the agent does not have, or 304 after waiting."""
    point, credential = point_of(request), credential_of(request)
    wait, known = _parse_wait(request), _parse_etags(request)
    computer = await run_in_threadpool(point.identify, credential)
    until = asyncio.get_running_loop().time() + wait
    # Listening begins before the first look, so that no change falls between the two.
    with point.waiters.listen(computer) as event:
        while True:
            event.clear()
            current = await run_in_threadpool(_look, point, credential)
            if current.etag not in known:
                return await run_in_threadpool(_sign, point, current)
            left = until - asyncio.get_running_loop().time()
            if left <= 0 or point.waiters.closed:
                return Response(status_code=304, headers={"etag": f'"{current.etag}"'})
            if point.waiters.is_full:
                return _come_back(point)
            await point.waiters.wait(event, min(left, current.renew_in.total_seconds()))


def make_current(policy: Policy, version: int, now: datetime, lifetime: timedelta) -> Current:
    """Stamp a policy and give its ETag.

    The ETag changes with anything but the stamps, and at the end of each half of a lifetime;
    computers reach that end at different instants.
    """
    half = lifetime // 2 // _MICROSECOND
    offset = unit_interval_position(f"patchwright.dev/renewal/v1\n{policy.computer}") * half >> 64
    bucket, into = divmod(micros(now) + offset, half)
    stamped = replace(policy, version=version, issued_at=now, expires_at=now + lifetime)
    lasting = {name: value for name, value in encode(policy).items() if name not in _VOLATILE}
    etag = digest_of({"policy": lasting, "bucket": bucket})
    return Current(stamped, etag, (half - into) * _MICROSECOND)


def _look(point: ManagementPoint, credential: str) -> Current:
    now = point.clock.now()
    with point.store.read() as view:
        computer = point.speaker(view, credential)
        policy = point.policy_of(view, computer, now)
        return make_current(policy, view.policy_version(), now, point.settings.policy_lifetime)


def _sign(point: ManagementPoint, current: Current) -> Response:
    with point.metrics.signing.time():
        signed = point.signer.sign(canonical_json(encode(current.policy)))
    headers = {"etag": f'"{current.etag}"', "cache-control": "no-store"}
    return JSONResponse(encode(signed), headers=headers)


def _come_back(point: ManagementPoint) -> Response:
    after = int(point.settings.retry_after.total_seconds())
    body = {"error": "too many agents wait for their policy", "hint": "come back later"}
    return JSONResponse(body, status_code=503, headers={"retry-after": str(after)})


def _parse_wait(request: Request) -> int:
    text = request.query_params.get("wait", "0")
    if _WAIT.fullmatch(text) is None or int(text) > LONGEST_WAIT_SECONDS:
        raise ProtocolError(
            "`wait` is not a whole number of seconds", hint=f"from 0 to {LONGEST_WAIT_SECONDS}"
        )
    return int(text)


def _parse_etags(request: Request) -> frozenset[str]:
    header = request.headers.get("if-none-match", "")[:_LONGEST_HEADER]
    return frozenset(_ETAG.findall(header))
