"""What the commands for users of `patchwright-agent` do: they ask the agent that runs here."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Optional

from reconciler.agent.clock import read_local_clock
from reconciler.agent.errors import AgentError
from reconciler.agent.user_socket import ask
from reconciler.agent.users import INSTALL, PENDING, POSTPONE, PendingOffer, Reply, Request
from reconciler.model.codec import encode
from reconciler.model.times import parse_duration, parse_instant


def pending(options: argparse.Namespace) -> int:
    """Show what is pending."""
    reply = _ask(options, Request(PENDING))
    if options.output == "json":
        sys.stdout.write(json.dumps(encode(reply), indent=2, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _render(reply)))
    return 0


def install_now(options: argparse.Namespace) -> int:
    """Ask for an installation."""
    at = _read_instant(options.at) if options.at else None
    return _tell(_ask(options, Request(INSTALL, options.offer, at)))


def postpone(options: argparse.Namespace) -> int:
    """Ask to be left alone for a while."""
    at = _read_instant(options.until) if options.until else None
    if options.span:
        at = read_local_clock() + _read_span(options.span)
    return _tell(
        _ask(
            options, Request(POSTPONE, options.offer, at, exact=not options.span and at is not None)
        )
    )


def _ask(options: argparse.Namespace, request: Request) -> Reply:
    root: Path = options.root
    reply = ask(root.resolve(), request)
    if reply.problem:
        raise AgentError(reply.problem, hint=reply.hint)
    return reply


def _tell(reply: Reply) -> int:
    sys.stdout.write(f"{reply.taken}\n")
    return 0


def _render(reply: Reply) -> Iterator[str]:
    if not reply.offers and reply.restart_since is None:
        yield "nothing is pending"
    for offer in reply.offers:
        yield f"{offer.offer}  {offer.rollout}/{offer.release}  {'; '.join(_facts_of(offer))}"
        yield from (f"    {update}" for update in offer.updates)
    if reply.restart_since is not None:
        until = reply.restart_postponable_until
        may = f"; you may postpone it until {until}" if until else ""
        yield f"restart  needed since {reply.restart_since}{may}"


def _facts_of(offer: PendingOffer) -> Iterator[str]:
    yield f"{len(offer.updates)} update(s)"
    if offer.held:
        yield "held"
    if offer.starts_at is not None:
        yield f"starts at {offer.starts_at}, as you chose"
    elif offer.mandatory_at is not None:
        yield f"installs by itself from {offer.mandatory_at} on"
    until = f" until {offer.waits_until}" if offer.waits_until else ""
    yield f"waits: {offer.waits}{until}"
    if offer.may_start:
        yield "you may install it now"
    if offer.may_postpone:
        yield "you may postpone it"


def _read_instant(text: str) -> Optional[datetime]:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise AgentError(
            f"{text!r:.60} is not an instant: {error}", hint="write it as 2025-09-02T22:00:00Z"
        ) from error


def _read_span(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise AgentError(
            f"{text!r:.60} is not a duration: {error}", hint="write it as 2h or 1d"
        ) from error
