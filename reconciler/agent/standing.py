"""What `status` shows: read from the agent's files, beside an agent that may be running."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.clock import read_local_clock
from reconciler.agent.home import Home
from reconciler.agent.kept_policy import read_kept_policy
from reconciler.agent.memory import Memory, PendingRestart
from reconciler.agent.prospects import Prospect, list_prospects
from reconciler.agent.restarts import decide, next_decision_at
from reconciler.model.codec import encode
from reconciler.model.policy import Policy
from reconciler.model.run_reasons import RestartWait, WaitReason


@dataclass(frozen=True)
class Waits:
    """An offer of which something is missing here, why it does not run now, and until when."""

    offer: str
    rollout: str
    release: int
    reason: str
    until: Optional[datetime]


@dataclass(frozen=True)
class RestartStanding:
    """A restart that is needed since an instant, why it has not begun, and until when."""

    since: datetime
    reason: str
    until: Optional[datetime]


@dataclass(frozen=True)
class Standing:
    """Who we are, what is in force, what was done last; instants are in the site's time."""

    computer: str = ""
    name: str = ""
    site: str = ""
    server: str = ""
    policy_version: Optional[int] = None
    policy_age_seconds: Optional[int] = None
    policy_expired: bool = False
    policy_refused: str = ""
    offers: tuple[str, ...] = ()
    scanned_at: Optional[datetime] = None
    content_version: Optional[int] = None
    states: dict[str, str] = field(default_factory=dict)
    waits: tuple[Waits, ...] = ()
    restart: Optional[RestartStanding] = None
    waiting_messages: int = 0
    running: Optional[int] = None
    last_run: Optional[dict[str, object]] = None


def describe(home: Home) -> Standing:
    """Read all of it; raises AgentError where a file cannot be read."""
    identity, settings, state = home.load_identity(), home.load_settings(), home.load_state()
    if identity is None or settings is None:
        return Standing()
    memory = state.memory if state else Memory()
    policy, scan = read_kept_policy(memory), memory.last_scan
    states = sorted(scan.states.items()) if scan else []
    now = read_local_clock() + timedelta(microseconds=memory.ahead_us)
    return Standing(
        computer=identity.computer,
        name=identity.name,
        site=identity.site,
        server=settings.server,
        policy_version=policy.version if policy else None,
        policy_age_seconds=int((now - policy.issued_at).total_seconds()) if policy else None,
        policy_expired=policy is not None and now >= policy.expires_at,
        policy_refused=memory.refusal,
        offers=tuple(offer.advertisement for offer in policy.offers) if policy else (),
        scanned_at=scan.ended_at if scan else None,
        content_version=scan.content_version if scan else None,
        states={id_: state.value for id_, state in states},
        waits=tuple(_waits_of(one) for one in list_prospects(policy, memory, now))
        if policy
        else (),
        restart=_restart_of(memory.restart, policy, now) if memory.restart and policy else None,
        waiting_messages=state.spool.waiting if state else 0,
        running=memory.current.run if memory.current else None,
        last_run=encode(memory.ended[0]) if memory.ended else None,
    )


def render_standing(standing: Standing) -> str:
    """Write it for a person."""
    if not standing.computer:
        return "not enrolled\n"
    counts = Counter(standing.states.values())
    expired = " (expired: only scans)" if standing.policy_expired else ""
    last = standing.last_run or {}
    lines = {
        "computer": f"{standing.computer} ({standing.name})",
        "site": f"{standing.site} at {standing.server}",
        "policy": "none yet"
        if standing.policy_version is None
        else f"version {standing.policy_version}, {standing.policy_age_seconds} s old{expired}",
        "refused": standing.policy_refused,
        "offers": ", ".join(standing.offers) or "none",
        "last scan": f"{standing.scanned_at or 'never'}",
        "found": ", ".join(f"{count} {name}" for name, count in sorted(counts.items())),
        "messages": f"{standing.waiting_messages} message(s) not acknowledged",
        "running": f"run {standing.running}" if standing.running else "",
        "last run": f"run {last['run']} of {last['rollout']}/{last['release']}: "
        f"{last['reason'] or 'done'}"
        if last
        else "",
    }
    told = "".join(f"{name:<10} {text}\n" for name, text in lines.items() if text)
    return told + "".join(_render_waits(standing))


def _waits_of(prospect: Prospect) -> Waits:
    offer = prospect.offer
    return Waits(
        offer.advertisement, offer.rollout, offer.release, prospect.reason.value, prospect.until
    )


def _restart_of(restart: PendingRestart, policy: Policy, now: datetime) -> RestartStanding:
    why = decide(restart, policy.windows, now)
    reason = why.value if isinstance(why, RestartWait) else WaitReason.NEXT.value
    return RestartStanding(restart.since, reason, next_decision_at(restart, policy.windows, now))


def _render_waits(standing: Standing) -> Iterator[str]:
    for one in standing.waits:
        where = f"{one.offer} {one.rollout}/{one.release}"
        yield f"{'waits':<10} {where}: {one.reason}{_render_until(one.until)}\n"
    restart = standing.restart
    if restart is not None:
        why = f"{restart.reason}{_render_until(restart.until)}"
        yield f"{'restart':<10} needed since {restart.since}: {why}\n"


def _render_until(until: Optional[datetime]) -> str:
    return f" until {until}" if until else ""
