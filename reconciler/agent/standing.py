"""What `status` shows: read from the agent's files, beside an agent that may be running."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Optional

from reconciler.agent.clock import read_local_clock
from reconciler.agent.home import Home
from reconciler.agent.kept_policy import read_kept_policy
from reconciler.agent.memory import Memory
from reconciler.model.codec import encode


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
        "waiting": f"{standing.waiting_messages} message(s) not acknowledged",
        "running": f"run {standing.running}" if standing.running else "",
        "last run": f"run {last['run']} of {last['rollout']}/{last['release']}: "
        f"{last['reason'] or 'done'}"
        if last
        else "",
    }
    return "".join(f"{name:<10} {text}\n" for name, text in lines.items() if text)
