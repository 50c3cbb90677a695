"""`patchwright explain`: why a computer is not patched, and why a phase or drill does not go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.app.clock import FixedClock, SystemClock
from reconciler.app.home import Home
from reconciler.app.settings import Settings
from reconciler.app.wiring import last_in_force, make_identity
from reconciler.cli.output import print_json, print_lines
from reconciler.desired.expansion import EMERGENCY, REMOVAL, rollout_name
from reconciler.engine.observer import Observer
from reconciler.engine.status import STATUS
from reconciler.model.computers import Computer, Run
from reconciler.model.errors import ReconcilerError
from reconciler.model.hints import did_you_mean
from reconciler.model.messages import StatusMessage
from reconciler.model.rollouts import Release
from reconciler.planning.explain.case import Case
from reconciler.planning.explain.computers import (
    ComputerExplained,
    explain_absent,
    explain_computer,
)
from reconciler.planning.explain.drill_form import drill_json, drill_text
from reconciler.planning.explain.drills import DrillExplained, explain_drill, find_drill
from reconciler.planning.explain.form import (
    computer_json,
    computer_text,
    rollout_json,
    rollout_text,
)
from reconciler.planning.explain.rollouts import Asked, RolloutExplained, explain_rollout
from reconciler.planning.named_members import named_computers
from reconciler.planning.plan import Decisions, decide
from reconciler.planning.world import RolloutView
from reconciler.store import Store

ROLLOUT = "rollout"
DRILL = "drill"
_MOST_STATUSES = 200
_MOST_WORDS = 2
_USAGE = (
    "patchwright explain COMPUTER [UPDATE], explain rollout NAME [RELEASE] [PHASE],"
    " or explain drill NAME [RUN]"
)


@dataclass(frozen=True, slots=True)
class _Site:
    settings: Settings
    store: Store
    decisions: Decisions


def show_explanation(site: Path, words: Sequence[str], now: datetime | None, output: str) -> int:
    """Print an explanation by what the plan of the commit in force decides; changes nothing."""
    home = Home(site)
    settings = home.settings()
    store = home.open_store()
    try:
        found = _Site(settings, store, _decide(home, settings, store, now))
        if words[0] == ROLLOUT and len(words) > 1:
            explained = _rollout(found, words[1:])
            value, lines = rollout_json(explained), rollout_text(explained)
        elif words[0] == DRILL and len(words) > 1:
            run = _drill(found, words[1:])
            value, lines = drill_json(run), drill_text(run)
        else:
            about = _computer(found, words)
            value, lines = computer_json(about), computer_text(about)
    finally:
        store.close()
    if output == "json":
        print_json(value)
    else:
        print_lines(lines)
    return 0


def _decide(home: Home, settings: Settings, store: Store, now: datetime | None) -> Decisions:
    clock = FixedClock(now) if now is not None else SystemClock()
    desire = last_in_force(home, settings, store, clock)
    if desire.in_force is None:
        hint = "start `patchwright run`, or see `patchwright status`"
        raise ReconcilerError(f"no commit is in force yet {desire.failure}".strip(), hint=hint)
    with store.read() as view:
        status = view.documents.load(STATUS) or {}
    observed = Observer(store).observe(fresh=status.get("fresh", True))
    return decide(desire.in_force, observed, make_identity(settings), clock.now())


def _computer(site: _Site, words: Sequence[str]) -> ComputerExplained:
    if len(words) > _MOST_WORDS:
        raise ReconcilerError("too many words", hint=_USAGE)
    name, asked = words[0].rpartition("/")[2], (words[1] if len(words) > 1 else None)
    with site.store.read() as view:
        computer = view.computers.named(name.lower()) or view.computers.find(name)
        computer = computer or view.computers.find(_retired(site.decisions, name.lower()))
        if computer is None:
            return _absent(site.decisions, name.lower(), asked)
        statuses = view.statuses.of_computer(computer.id, _MOST_STATUSES)
    return explain_computer(_case(site, computer, statuses), asked)


def _case(site: _Site, computer: Computer, statuses: Sequence[StatusMessage]) -> Case:
    server = site.settings.server
    return Case(site.decisions, computer, statuses, server.policy_lifetime, server.poll_every)


def _retired(decisions: Decisions, name: str) -> str:
    """Give the id of the newest retired computer of that name, or nothing."""
    fleet = decisions.world.observed.fleet
    found = [ordinal for ordinal, known in fleet.names.items() if known == name]
    return fleet.ids[max(found)] if found else ""


def _absent(decisions: Decisions, name: str, asked: str | None) -> ComputerExplained:
    """Explain a computer that only manifests know; others are an error."""
    if name in named_computers(decisions.world.desired):
        return explain_absent(decisions, name, asked)
    hint = did_you_mean(name, set(decisions.world.observed.fleet.names.values())) or _USAGE
    raise ReconcilerError(f"no computer is named {name!r:.100}", hint=hint)


def _rollout(site: _Site, words: Sequence[str]) -> RolloutExplained:
    view = _view_of(site.decisions, words[0])
    rest = list(words[1:])
    number = int(rest.pop(0)) if rest and rest[0].isdecimal() else None
    phase = rest.pop(0) if rest else None
    names = {one.name for one in view.phases}
    if rest or (phase is not None and phase not in names):
        hint = did_you_mean(phase or "", names) or _USAGE
        asked = " ".join([phase or "", *rest])
        raise ReconcilerError(f"{view.subject} has no phase {asked!r:.100}", hint=hint)
    releases = {one.number for one in site.decisions.draft.releases_of(view.name)}
    if number is not None and number not in releases:
        told = ", ".join(map(str, sorted(releases))) or "none"
        raise ReconcilerError(f"{view.subject} has no release {number}", hint=f"releases: {told}")

    def find_runs(release: Release, computers: Sequence[str]) -> dict[str, Run | None]:
        key = f"{release.first_name}/{release.number}"
        with site.store.read() as rows:
            found = {one: rows.computers.find(one) for one in computers}
        return {one: known.runs.get(key) if known else None for one, known in found.items()}

    return explain_rollout(site.decisions, view, Asked(number, phase), find_runs)


def _drill(site: _Site, words: Sequence[str]) -> DrillExplained:
    name, *rest = words
    drill = find_drill(site.decisions, name)
    if drill is None:
        hint = did_you_mean(name, set(site.decisions.world.desired.drills)) or _USAGE
        raise ReconcilerError(f"no drill is named {name!r:.100}", hint=hint)
    runs = {str(run.run): run.run for run in site.decisions.draft.runs_of(drill.name)}
    asked = " ".join(rest)
    if rest and asked not in runs:
        told = ", ".join(runs) or "none"
        raise ReconcilerError(f"{drill.name} has no run {asked!r:.100}", hint=f"runs: {told}")
    return explain_drill(site.decisions, drill, runs[asked] if rest else None)


def _view_of(decisions: Decisions, name: str) -> RolloutView:
    """Find a rollout, or the emergency or removal of that name."""
    views = {one.name: one for one in decisions.rollouts}
    by_subject = {one.subject: one for one in decisions.rollouts}
    for known in (name, rollout_name(EMERGENCY, name), rollout_name(REMOVAL, name)):
        if known in views or known in by_subject:
            return views.get(known) or by_subject[known]
    hint = did_you_mean(name, {*views, *by_subject}) or _USAGE
    raise ReconcilerError(f"no rollout, emergency or removal is named {name!r:.100}", hint=hint)
