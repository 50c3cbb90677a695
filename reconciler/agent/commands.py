"""What each command of `patchwright-agent` does."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Optional

from reconciler.agent.apt.listing import scan_locally
from reconciler.agent.choice import has_rpms
from reconciler.agent.client import Site
from reconciler.agent.clock import Stop
from reconciler.agent.content import Content
from reconciler.agent.dnf.listing import scan_rpms_locally
from reconciler.agent.doctor import FAULT, OK, examine
from reconciler.agent.enrolment import enrol_machine
from reconciler.agent.errors import AgentError, SiteUnreachableError, StoppedError
from reconciler.agent.facts import read_hostname, read_os_release
from reconciler.agent.home import Home, Identity, Settings
from reconciler.agent.log import Log
from reconciler.agent.loop import Agent, Backoff
from reconciler.agent.machine import make_machine, make_packages, make_surroundings
from reconciler.agent.process import run_command
from reconciler.agent.renewal import Renewal
from reconciler.agent.standing import describe, render_standing
from reconciler.agent.upgrades import LocalScan

Command = Callable[[argparse.Namespace], int]


def enrol(options: argparse.Namespace) -> int:
    """Enrol, and remember the site."""
    home = _home_of(options)
    with closing(home.lock()):
        identity = _enrol(home, options)
    sys.stdout.write(f"enrolled as {identity.computer} at {identity.site}\n")
    return 0


def run(options: argparse.Namespace) -> int:
    """Work until asked to stop; enrols first where that is still to do."""
    home = _home_of(options)
    stop = Stop()
    stop.listen()
    with closing(home.lock()):
        if home.load_identity() is None and options.server and options.token_file:
            _enrol_in_time(home, options, stop)
        if not stop.requested:
            _make_agent(home, options, stop).run_forever()
    return 0


def once(options: argparse.Namespace) -> int:
    """Make one pass."""
    home = _home_of(options)
    stop = Stop()
    stop.listen()
    with closing(home.lock()):
        return 0 if _make_agent(home, options, stop).run_once() else 1


def scan(options: argparse.Namespace) -> int:
    """Scan against the site's last catalog slice, or with `--local` by the host's own sources."""
    if options.local:
        return _scan_locally(options)
    home = _home_of(options)
    with closing(home.lock()):
        worked = _make_agent(home, options, Stop()).scan_now()
        standing = describe(home)
    states = standing.states if worked else {}
    if options.output == "json":
        _print_json({"completed": worked, "states": states})
    elif worked:
        for update, state in states.items():
            sys.stdout.write(f"{state:<16}{update}\n")
    return 0 if worked else 1


def status(options: argparse.Namespace) -> int:
    """Show what the agent remembers; works beside a running agent."""
    standing = describe(_home_of(options))
    if options.output == "json":
        _print_json(asdict(standing))
    else:
        sys.stdout.write(render_standing(standing))
    return 0 if standing.computer else 1


def doctor(options: argparse.Namespace) -> int:
    """Check rights, programs, packages, clock and site; works beside a running agent."""
    root, home = _root_of(options), _home_of(options)
    log = Log(options.log_level or "error")
    content = Content(home.path / "content", None)
    machine = make_surroundings(root)
    found = examine(machine, home, make_packages(machine, home, content, log))
    if options.output == "json":
        _print_json([asdict(one) for one in found])
    else:
        for one in found:
            hint = f"\n{'':<18}{one.hint}" if one.hint and one.state != OK else ""
            sys.stdout.write(f"{one.state:<8} {one.check:<9}{one.text}{hint}\n")
    return 1 if any(one.state == FAULT for one in found) else 0


def _make_agent(home: Home, options: argparse.Namespace, stop: Stop) -> Agent:
    identity, settings = home.load_identity(), home.load_settings()
    if identity is None or settings is None:
        raise AgentError(
            "this machine is not enrolled at a site",
            hint="run `patchwright-agent enrol --server URL --token-file FILE`",
        )
    log = Log(options.log_level or settings.log_level)
    site = Site(settings.server, settings.ca, identity.credential)
    machine = make_machine(_root_of(options), home, site, log, stop)
    return Agent(machine, site, identity, Renewal(home, site, identity, log))


def _enrol(home: Home, options: argparse.Namespace) -> Identity:
    if home.load_identity() is not None:
        raise AgentError(
            "this machine is enrolled already",
            hint=f"to begin anew, delete {home.path} and have the old computer retired",
        )
    root = _root_of(options)
    ca = str(options.ca.resolve()) if options.ca else None
    settings = Settings(options.server, ca, options.log_level or "info")
    name = options.name or read_hostname(root)
    if not name:
        raise AgentError("the machine has no name for itself", hint="give one with --name")
    return enrol_machine(home, root, settings, options.token_file, name)


def _enrol_in_time(home: Home, options: argparse.Namespace, stop: Stop) -> None:
    """Enrol as soon as the site answers; a refusal is an error all the same."""
    log, backoff = Log(options.log_level or "info"), Backoff()
    with suppress(StoppedError):
        while (trouble := _try_to_enrol(home, options)) is not None:
            pause = backoff.failed(trouble.retry_after)
            log.warning("not enrolled yet", problem=trouble, pause=pause)
            stop.sleep(pause)


def _try_to_enrol(home: Home, options: argparse.Namespace) -> Optional[SiteUnreachableError]:
    try:
        _enrol(home, options)
    except SiteUnreachableError as error:
        return error
    return None


def _scan_locally(options: argparse.Namespace) -> int:
    root = _root_of(options)
    result = (scan_rpms_locally if has_rpms(root) else scan_locally)(root, run_command)
    for warning in result.warnings:
        sys.stderr.write(f"{warning}\n")
    if options.output == "json":
        _print_json(_describe_local(root, result))
        return 0
    for row in result.upgrades:
        mark = "security" if row.security else ""
        line = f"{row.name:<32} {row.architecture:<6} {row.installed} -> {row.candidate}"
        sys.stdout.write(f"{line}  {row.origin} {row.suite} {mark}".rstrip() + "\n")
    security = sum(row.security for row in result.upgrades)
    sys.stdout.write(f"{len(result.upgrades)} upgradable, {security} of them for security\n")
    return 0


def _describe_local(root: Path, result: LocalScan) -> dict[str, object]:
    release = read_os_release(root)
    return {
        "hostname": read_hostname(root),
        "release": f"{release.get('ID', '')}-{release.get('VERSION_ID', '')}".strip("-"),
        "packages": [asdict(row) for row in result.upgrades],
        "warnings": list(result.warnings),
    }


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def _home_of(options: argparse.Namespace) -> Home:
    return Home(_root_of(options))


def _root_of(options: argparse.Namespace) -> Path:
    root: Path = options.root.resolve()
    if not root.is_dir():
        raise AgentError(f"{root} is not a directory", hint="--root takes the root of a machine")
    return root
