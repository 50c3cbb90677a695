"""Puts the management point together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.ports import Clock
from reconciler.server.answers import HANDLERS, CountAnswers
from reconciler.server.contacts import Contacts
from reconciler.server.content import give_content
from reconciler.server.enrolment import enrol
from reconciler.server.limits import RateLimiter
from reconciler.server.messages import receive_messages
from reconciler.server.metrics import Metrics
from reconciler.server.permits import give_permit
from reconciler.server.point import Depot, ManagementPoint, PermitOf, PolicyOf, point_of
from reconciler.server.policies import give_policy
from reconciler.server.renewal import renew
from reconciler.server.settings import ServerSettings
from reconciler.server.signing import Signer
from reconciler.server.waiters import Waiters
from reconciler.server.watcher import Watcher
from reconciler.store import Store

_WRITERS = 2  # the database takes one at a time; the second is ready when the first is done


def make_app(  # noqa: PLR0913 - each is one part that the composition root chooses
    store: Store,
    depot: Depot,
    *,
    policy_of: PolicyOf,
    permit_of: PermitOf,
    signer: Signer,
    clock: Clock,
    settings: ServerSettings,
) -> Starlette:
    """Make the application; its watcher runs from start-up to shutdown."""
    waiters = Waiters(settings.max_waiters)
    contacts = Contacts(store)
    metrics = Metrics(lambda: waiters.waiting)
    watcher = Watcher(store, waiters, contacts, settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await watcher.start()
        try:
            yield
        finally:
            await watcher.stop()

    app = Starlette(
        routes=_ROUTES,
        middleware=[Middleware(CountAnswers, metrics=metrics)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.point = ManagementPoint(
        store=store,
        depot=depot,
        policy_of=policy_of,
        permit_of=permit_of,
        signer=signer,
        clock=clock,
        settings=settings,
        waiters=waiters,
        contacts=contacts,
        metrics=metrics,
        enrolments=RateLimiter(settings.enrolments_per_minute),
        writers=CapacityLimiter(_WRITERS),
    )
    return app


async def check_health(request: Request) -> Response:
    """Answer 200 while the store can be read."""
    await run_in_threadpool(point_of(request).store.change)
    return JSONResponse({"status": "ok"})


async def give_metrics(request: Request) -> Response:
    """Answer with all metrics in Prometheus' text format."""
    text = await run_in_threadpool(_render_metrics, point_of(request))
    return Response(text, media_type="text/plain; version=0.0.4")


def _render_metrics(point: ManagementPoint) -> bytes:
    with point.store.read() as view:
        return point.metrics.render(view.inbox.waiting(), view.inbox.aside())


_ROUTES = [
    Route("/v1/enrol", enrol, methods=["POST"]),
    Route("/v1/credential", renew, methods=["POST"]),
    Route("/v1/policy", give_policy, methods=["GET"]),
    Route("/v1/messages", receive_messages, methods=["POST"]),
    Route("/v1/permits", give_permit, methods=["POST"]),
    Route("/v1/content/{sha256}", give_content, methods=["GET"]),
    Route("/healthz", check_health, methods=["GET"]),
    Route("/metrics", give_metrics, methods=["GET"]),
]
