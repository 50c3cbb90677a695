"""What the computer's user sees and may decide (G4, S17): pure, apart from the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Optional

from reconciler.agent.due import has_work
from reconciler.agent.errors import AgentError
from reconciler.agent.memory import Choice, Memory
from reconciler.agent.prospects import Prospect, list_prospects
from reconciler.agent.restarts import BY_USER, BY_USER_AT
from reconciler.model.messages import StatusId, StatusMessage
from reconciler.model.policy import Offer, Policy

PENDING, INSTALL, POSTPONE = "pending", "install-now", "postpone"
RESTART = "restart"
"""What `postpone` takes in place of an offer, to postpone the restart."""


@dataclass(frozen=True)
class Request:
    """What a user asks: `at` is when to install, or until when to postpone.

    With `exact` the user named that instant; else it is some time from now.
    """

    ask: str
    offer: str = ""
    at: Optional[datetime] = None
    exact: bool = False


@dataclass(frozen=True)
class PendingOffer:
    """Something that is missing here and offered; `starts_at` is what the user chose.

    `waits` says why it does not run now, and `waits_until` when that ends by time alone.
    """

    offer: str
    rollout: str
    release: int
    updates: tuple[str, ...]
    mandatory_at: Optional[datetime]
    may_start: bool
    may_postpone: bool
    held: bool
    starts_at: Optional[datetime]
    waits: str
    waits_until: Optional[datetime]


@dataclass(frozen=True)
class Reply:
    """The answer: a `problem` with its `hint`, or what was taken, or what is pending."""

    problem: str = ""
    hint: str = ""
    taken: str = ""
    offers: tuple[PendingOffer, ...] = ()
    restart_since: Optional[datetime] = None
    restart_postponable_until: Optional[datetime] = None


@dataclass(frozen=True)
class Decided:
    """What a request changes: the memory, what is told of it, and the answer."""

    memory: Memory
    statuses: tuple[StatusMessage, ...]
    reply: Reply


def list_pending(policy: Optional[Policy], memory: Memory, now: datetime) -> Reply:
    """Say what waits here for its time, or for the user."""
    found = list_prospects(policy, memory, now) if policy is not None else ()
    offers = tuple(_describe(prospect, memory, now) for prospect in found)
    restart = memory.restart
    return Reply(
        offers=offers,
        restart_since=restart.since if restart is not None else None,
        restart_postponable_until=restart.postpone_until if restart is not None else None,
    )


def decide_request(
    request: Request, policy: Optional[Policy], memory: Memory, now: datetime
) -> Decided:
    """Take a request, or raise AgentError with what the user can do instead."""
    if request.ask == POSTPONE and request.offer == RESTART:
        return _postpone_restart(request, memory, now)
    offer = _find(request, policy, memory)
    if request.ask == INSTALL:
        return _install(request, offer, memory, now)
    if request.ask == POSTPONE:
        return _postpone(request, offer, memory, now)
    raise AgentError(f"{request.ask!r:.40} is nothing that can be asked for")


def _install(request: Request, offer: Offer, memory: Memory, now: datetime) -> Decided:
    if not offer.order.user.available:
        raise AgentError(
            f"{offer.rollout} lets no user start it", hint="it installs by itself when it is due"
        )
    if offer.held or now < offer.available_at:
        raise AgentError(f"{offer.rollout} is held at this time", hint="try again later")
    at = request.at or now
    if offer.mandatory_at is not None and now < offer.mandatory_at <= at:
        raise AgentError(
            f"{offer.rollout} installs by itself at {offer.mandatory_at}",
            hint="choose an earlier time",
        )
    if at <= now:
        return _decided(offer, memory, Choice(start_at=now), "it is installed now")
    status = _status(offer, StatusId.INSTALL_RESCHEDULED_BY_USER, now)
    return _decided(offer, memory, Choice(start_at=at), f"it is installed at {at}", status)


def _postpone(request: Request, offer: Offer, memory: Memory, now: datetime) -> Decided:
    deadline = offer.mandatory_at
    if not (offer.order.user.available and offer.order.user.postpone):
        raise AgentError(f"{offer.rollout} lets no user postpone it")
    if deadline is None:
        raise AgentError(f"{offer.rollout} has no deadline, so it never starts by itself")
    if now >= deadline:
        raise AgentError(f"the deadline of {offer.rollout} was {deadline}: it cannot be postponed")
    until = min(request.at or deadline, deadline)
    status = _status(offer, StatusId.INSTALL_POSTPONED_BY_USER, now)
    return _decided(
        offer, memory, Choice(postponed_until=until), f"it is postponed until {until}", status
    )


def _postpone_restart(request: Request, memory: Memory, now: datetime) -> Decided:
    restart = memory.restart
    if restart is None:
        raise AgentError("no restart is pending")
    if restart.postpone_until is None or now >= restart.postpone_until:
        raise AgentError("this restart cannot be postponed", hint="save your work")
    until = min(request.at or restart.postpone_until, restart.postpone_until)
    later = replace(
        restart,
        postponed_until=until,
        announced_at=None,
        postponed_by=BY_USER_AT if request.exact else BY_USER,
    )
    told = Reply(taken=f"the restart is postponed until {until}")
    return Decided(replace(memory, restart=later), (), told)


def _find(request: Request, policy: Optional[Policy], memory: Memory) -> Offer:
    for offer in policy.offers if policy is not None else ():
        if offer.advertisement == request.offer and has_work(offer, memory):
            return offer
    raise AgentError(
        f"{request.offer!r:.40} is not pending here",
        hint="`patchwright-agent pending` lists what is",
    )


def _describe(prospect: Prospect, memory: Memory, now: datetime) -> PendingOffer:
    offer = prospect.offer
    user, deadline = offer.order.user, offer.mandatory_at
    choice = memory.choices.get(offer.advertisement, Choice())
    return PendingOffer(
        offer=offer.advertisement,
        rollout=offer.rollout,
        release=offer.release,
        updates=tuple(update.id for update in offer.updates),
        mandatory_at=deadline,
        may_start=user.available and not offer.held,
        may_postpone=user.available and user.postpone and deadline is not None and now < deadline,
        held=offer.held,
        starts_at=choice.start_at,
        waits=prospect.reason.value,
        waits_until=prospect.until,
    )


def _decided(
    offer: Offer, memory: Memory, choice: Choice, taken: str, *statuses: StatusMessage
) -> Decided:
    choices = {**memory.choices, offer.advertisement: choice}
    return Decided(replace(memory, choices=choices), statuses, Reply(taken=taken))


def _status(offer: Offer, status: StatusId, now: datetime) -> StatusMessage:
    return StatusMessage(
        at=now,
        id=int(status),
        advertisement=offer.advertisement,
        rollout=offer.rollout,
        release=offer.release,
        run=0,
        voluntary=True,
    )
