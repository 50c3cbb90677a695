"""What keeps the agent from its work on this machine, looked at one thing at a time."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from reconciler.agent.choice import has_rpms
from reconciler.agent.client import Site
from reconciler.agent.clock import read_local_clock
from reconciler.agent.content import free_bytes
from reconciler.agent.errors import PolicyRefusedError
from reconciler.agent.facts import collect_facts
from reconciler.agent.home import Home, Identity
from reconciler.agent.packages import PackageManager
from reconciler.agent.surroundings import Surroundings
from reconciler.agent.trust import verify_policy
from reconciler.model.errors import ReconcilerError

OK, WARNING, FAULT = "ok", "warning", "fault"
_OLDEST = (3, 9)
_SPARE = 10 * 1024 * 1024
_SKEW = timedelta(minutes=5)
_WORST_SKEW = timedelta(hours=12)


@dataclass(frozen=True)
class Finding:
    """What one check found: `ok`, `warning` or `fault`, and what to do about it."""

    check: str
    state: str
    text: str
    hint: str = ""


def examine(machine: Surroundings, home: Home, packages: PackageManager) -> tuple[Finding, ...]:
    """Make every check; one that cannot be made is a fault, and hinders no other."""
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("rights", lambda: _rights(machine.root)),
        ("python", _python),
        ("disk", lambda: _disk(home)),
        ("programs", lambda: _programs(machine.root)),
        ("packages", lambda: _packages(packages)),
        ("facts", lambda: _facts(machine, packages)),
        ("site", lambda: _site(home)),
    )
    return tuple(finding for name, check in checks for finding in _make(name, check))


def _make(name: str, check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except (ReconcilerError, OSError) as error:
        hint = error.hint if isinstance(error, ReconcilerError) else ""
        return [Finding(name, FAULT, str(error), hint)]


def _rights(root: Path) -> Iterator[Finding]:
    if os.geteuid() == 0:
        yield Finding("rights", OK, "runs as root")
    else:
        yield Finding("rights", FAULT, f"may not change {root}", "run the agent as root")


def _python() -> Iterator[Finding]:
    shown = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _OLDEST:
        yield Finding("python", FAULT, f"Python {shown} is too old", "install Python 3.9 or later")
    elif importlib.util.find_spec("cryptography") is None:
        hint = "install python3-cryptography: policies cannot be verified without it"
        yield Finding("python", FAULT, f"Python {shown} has no cryptography", hint)
    else:
        yield Finding("python", OK, f"Python {shown} with cryptography")


def _disk(home: Home) -> Iterator[Finding]:
    free = free_bytes(home.path)
    if free < _SPARE:
        hint = "free some space: no run starts below 10 MB"
        yield Finding("disk", FAULT, f"{free} bytes are free at {home.path}", hint)
    else:
        yield Finding("disk", OK, f"{free // (1024 * 1024)} MB are free at {home.path}")


def _programs(root: Path) -> Iterator[Finding]:
    wanted = ["dnf", "rpm"] if has_rpms(root) else ["apt-get", "apt-mark", "dpkg", "dpkg-query"]
    if Path("/run/systemd/system").is_dir():
        wanted.append("systemd-run")
    missing = [name for name in wanted if shutil.which(name) is None]
    if missing:
        hint = "install what provides them"
        yield Finding("programs", FAULT, f"not found: {', '.join(missing)}", hint)
    else:
        yield Finding("programs", OK, f"found: {', '.join(wanted)}")


def _packages(packages: PackageManager) -> Iterator[Finding]:
    holder = packages.describe_holder()
    if holder:
        yield Finding("packages", WARNING, holder, "runs wait until it ends")
    else:
        yield Finding("packages", OK, "nobody works on the packages")


def _facts(machine: Surroundings, packages: PackageManager) -> Iterator[Finding]:
    facts = collect_facts(machine.root, machine.boot.kernel().release, packages.collect_facts())
    release = facts.get("os.release")
    if not facts.get("os.family") or not release:
        hint = (
            "no catalog slice is known for it; write os.release into facts.json if it is like one"
        )
        yield Finding("facts", WARNING, f"the system {release!r} is not known", hint)
    else:
        yield Finding("facts", OK, f"{release}, {facts.get('arch')}")


def _site(home: Home) -> Iterator[Finding]:
    identity, settings = home.load_identity(), home.load_settings()
    if identity is None or settings is None:
        hint = "run `patchwright-agent enrol --server URL --token-file FILE`"
        yield Finding("site", FAULT, "not enrolled", hint)
        return
    site = Site(settings.server, settings.ca, identity.credential)
    try:
        signed = site.fetch_policy(timedelta(0))
    finally:
        site.close()
    if signed is None:
        yield Finding("site", WARNING, f"{settings.server} gave no policy")
        return
    try:
        policy = verify_policy(signed, identity, None, None)
    except PolicyRefusedError as error:
        yield Finding("site", FAULT, f"its policy is refused: {error}", _refusal_hint(identity))
        return
    yield Finding("site", OK, f"{settings.server} answers as {identity.site}")
    yield _clock(abs(policy.issued_at - read_local_clock()))


def _refusal_hint(identity: Identity) -> str:
    return f"if the site {identity.site} was set up anew, this machine has to enrol again"


def _clock(skew: timedelta) -> Finding:
    shown = f"{int(skew.total_seconds())} s from the site's"
    if skew > _WORST_SKEW:
        return Finding("clock", FAULT, f"the clock is {shown}", "set it: nothing starts like this")
    if skew > _SKEW:
        return Finding("clock", WARNING, f"the clock is {shown}", "set it, or let NTP set it")
    return Finding("clock", OK, f"the clock is {shown}")
