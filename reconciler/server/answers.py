"""How the server answers what it cannot serve, and the one place that counts all answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from reconciler.model.errors import ProtocolError, StoreError
from reconciler.server.metrics import Metrics

_CRASH = 500
_HEADERS = {
    401: {"www-authenticate": "Bearer"},
    429: {"retry-after": "60"},
    503: {"retry-after": "10"},
}
_PROBLEM = "patchwright.problem"

log = structlog.get_logger(__name__)


async def answer_error(request: Request, error: Exception) -> Response:
    """Give every error its status and a JSON body that says what to do."""
    match error:
        case ProtocolError():
            return _answer(request, error.status, str(error), error.hint)
        case HTTPException():
            return _answer(request, error.status_code, error.detail.lower(), "", error.headers)
        case ClientDisconnect():
            return _answer(request, 400, "the connection ended within the body", "")
        case StoreError():
            # What is wrong with the database is for the operator, not for agents.
            log.error("store fails", problem=str(error))
            return _answer(request, 503, "the site cannot answer now", "try again later")
        case _:
            log.error("request crashed", exc_info=error)
            return _answer(request, _CRASH, "the server made a mistake", "see the server's log")


HANDLERS: Mapping[Any, ExceptionHandler] = dict.fromkeys(
    (ProtocolError, HTTPException, ClientDisconnect, StoreError, Exception), answer_error
)


def _answer(
    request: Request,
    status: int,
    error: str,
    hint: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    request.scope[_PROBLEM] = error
    body = {"error": error, "hint": hint}
    return JSONResponse(body, status_code=status, headers=headers or _HEADERS.get(status))


class CountAnswers:
    """Counts every answer and logs every refusal, without secrets."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an HTTP request on and look at its answer's status."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _CRASH

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        finally:
            self._count(scope, status)

    def _count(self, scope: Scope, status: int) -> None:
        route = getattr(scope.get("endpoint"), "__name__", "unknown")
        reason = self._metrics.count(route, status)
        if reason:
            address = scope["client"][0] if scope.get("client") else ""
            problem = scope.get(_PROBLEM, "")
            log.warning(
                "refused",
                route=route,
                status=status,
                reason=reason,
                problem=problem,
                address=address,
            )
