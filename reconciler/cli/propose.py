"""`patchwright propose`: ready changes of manifests, for a person to review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from reconciler.cli.catalog_at_hand import load_catalog_at_hand
from reconciler.cli.edited import Edit, Proposal, finish_proposal, link_folder, open_workspace
from reconciler.cli.status import read_status
from reconciler.desired.expansion import EMERGENCY, rollout_name
from reconciler.desired.state import DesiredState
from reconciler.model.canonical import Json
from reconciler.model.emergencies import EmergencyState
from reconciler.model.errors import ProposalError
from reconciler.model.times import render_duration
from reconciler.planning.proposals import Candidate, Candidates, Look, find_candidates
from reconciler.planning.updates import parse_severity_bound
from reconciler.source.editing import Spot, Workspace, quote
from reconciler.source.reverting import revert

_HEAD = "apiVersion: patchwright.dev/v1alpha1\nkind: "
_LONGEST_TITLE = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """Which updates are wanted, under which name they are proposed, and by which strategy."""

    catalog: Path
    since: timedelta
    severity: str
    name: str
    strategy: str


def propose_updates(edit: Edit, asked: Asked) -> int:
    """Propose a group, an authorization and a rollout for what nobody decided on yet (C1, C4)."""
    try:
        parse_severity_bound(asked.severity)
    except ValueError as error:
        raise ProposalError(str(error)) from error
    workspace = open_workspace(edit.folder)
    desired = link_folder(workspace.before, edit.now)
    at_hand = load_catalog_at_hand(asked.catalog)
    fleet = at_hand.fleet.observed.fleet if at_hand.fleet is not None else None
    look = Look(edit.now - asked.since, asked.severity, edit.now)
    found = find_candidates(desired, at_hand.catalog, fleet, look)
    notes = list(_notes(found))
    text = ""
    if found.found:
        name = asked.name or f"proposed-{edit.now:%Y-%m-%d}"
        strategy = _strategy(desired, asked.strategy)
        if not strategy:
            notes.append("no rollout is proposed: give --strategy, one of this repository")
        _refuse_taken(workspace, name)
        workspace.add(f"proposals/{name}.yaml", "".join(_documents(asked, found, name, strategy)))
        text = "\n".join(_table(asked, found))
    return finish_proposal(Proposal(workspace, text, notes), edit)


def _notes(found: Candidates) -> Iterator[str]:
    if found.without_files:
        yield f"{found.without_files} advisories are left out: they have no files to offer"
    if found.unrated:
        yield (
            f"{found.unrated} new update(s) are left out: no source tells their severity;"
            ' give --severity ">=unset" to see them'
        )


def _strategy(desired: DesiredState, wanted: str) -> str:
    known = list(desired.rollout_strategies)
    if wanted and wanted not in known:
        hint = f"known: {', '.join(known) or 'none'}"
        raise ProposalError(f"there is no RolloutStrategy {wanted!r:.80}", hint=hint)
    return wanted or (known[0] if len(known) == 1 else "")


def _refuse_taken(workspace: Workspace, name: str) -> None:
    for kind in ("UpdateGroup", "Authorization", "Rollout"):
        if workspace.find(kind, name) is not None:
            raise ProposalError(f"there is a {kind} {name!r:.80} already", hint="give --name")


def _documents(asked: Asked, found: Candidates, name: str, strategy: str) -> Iterator[str]:
    since = render_duration(asked.since)
    yield f"# What came in the last {since}, {asked.severity}, and nobody has decided on yet.\n"
    yield f"{_HEAD}UpdateGroup\nmetadata:\n  name: {name}\nspec:\n  type: standalone\n  updates:\n"
    for one in found.found:
        yield f"    # {_first_line(one)}\n    # {_second_line(one)}\n"
        yield f"    - {quote(one.update.id)}\n"
    yield f"---\n{_HEAD}Authorization\nmetadata:\n  name: {name}\nspec:\n  group: {name}\n"
    yield "  # Whoever approves it: add change and approvedBy.\n"
    if strategy:
        yield f"---\n{_HEAD}Rollout\nmetadata:\n  name: {name}\n"
        yield f"spec:\n  strategy: {strategy}\n  authorization: {name}\n"


def _first_line(one: Candidate) -> str:
    update = one.update
    return _plain(f"{update.product} {update.version}: {update.title or 'no title'}")


def _second_line(one: Candidate) -> str:
    told = [one.update.severity.name.lower(), f"new {one.new_at:%Y-%m-%d}", *one.update.cves[:10]]
    if len(one.update.cves) > len(told) - 2:
        told.append(f"{len(one.update.cves) - 10} more CVEs")
    if one.missing is not None:
        told.append(f"missing on {one.missing} computer{'' if one.missing == 1 else 's'}")
    return _plain(", ".join(told), 500)


def _plain(text: str, longest: int = _LONGEST_TITLE) -> str:
    """Give one printable line: titles are written by strangers."""
    made = "".join(one if one.isprintable() else " " for one in text)
    return made if len(made) <= longest else made[: longest - 1] + "…"


def _table(asked: Asked, found: Candidates) -> Iterator[str]:
    since = render_duration(asked.since)
    plural = "" if len(found.found) == 1 else "s"
    yield f"**{len(found.found)} new update{plural}** of the last {since}, `{asked.severity}`:"
    yield ""
    yield "| update | severity | CVEs | missing on |"
    yield "|---|---|---|---|"
    for one in found.found:
        missing = "not known" if one.missing is None else str(one.missing)
        cves = " ".join(one.update.cves[:10]) or "none"
        name = _cell(f"{one.update.product} {one.update.version}")
        yield f"| `{name}` | {one.update.severity.name.lower()} | `{_cell(cves)}` | {missing} |"


def _cell(text: str) -> str:
    """Give a text that cannot leave its cell, nor its backticks."""
    return _plain(text).replace("`", "'").replace("|", "/")


def propose_fold(edit: Edit, name: str, site: Path | None) -> int:
    """Move an emergency's updates into its group for good, and remove its manifest (S21)."""
    workspace = open_workspace(edit.folder)
    emergency = _must_find(workspace, "EmergencyChange", name)
    desired = link_folder(workspace.before, edit.now)
    spec = desired.emergency_changes[name].document.spec
    if spec.fold_into is None:
        message = f"EmergencyChange {name!r} has no foldInto"
        raise ProposalError(message, hint="name the group that holds its updates from then on")
    group = desired.update_groups[spec.fold_into].document.spec
    excluded = sorted(set(spec.updates) & set(group.exclude))
    if excluded:
        message = f"group {spec.fold_into!r} excludes {excluded[0]}"
        raise ProposalError(message, hint="take it out of exclude first")
    _refuse_unfinished(name, site)
    fresh = [one for one in spec.updates if one not in group.updates]
    if fresh:
        workspace.extend_list(
            _must_find(workspace, "UpdateGroup", spec.fold_into), "updates", fresh
        )
    workspace.remove(_must_find(workspace, "EmergencyChange", name))
    notes = (
        [] if site else ["whether the emergency has come to its end was not checked: give --site"]
    )
    text = (
        f"Fold the emergency `{name}` ({emergency.path}) into `{spec.fold_into}`:"
        f" {len(fresh)} update(s) become members by name."
    )
    return finish_proposal(Proposal(workspace, text, notes), edit)


def _must_find(workspace: Workspace, kind: str, name: str) -> Spot:
    found = workspace.find(kind, name)
    if found is None:
        message = f"there is no {kind} {name!r:.80} in the folder"
        raise ProposalError(message, hint="check the name and the folder")
    return found


def _refuse_unfinished(name: str, site: Path | None) -> None:
    """Deleting an emergency early folds nothing, and ends what it made."""
    if site is None:
        return
    status = read_status(site)
    told: Json = (status or {}).get("emergencies", [])
    kept_under = rollout_name(EMERGENCY, name)
    steps: Json = next((one["steps"] for one in told if one["rollout"] == kept_under), [])
    state = steps[-1]["state"] if steps else "not begun"
    if state not in {EmergencyState.FOLDING.value, EmergencyState.RETIRED.value}:
        message = f"EmergencyChange {name!r} is not at its end: its state is {state}"
        raise ProposalError(message, hint="wait until it is Folding or Retired")


def propose_revert(edit: Edit, commit: str) -> int:
    """Undo what one commit did to the manifests, and nothing that came later (C1)."""
    workspace = open_workspace(edit.folder)
    undone = revert(workspace, edit.folder, commit)
    summary = _plain(str(undone.summary))
    text = f"Revert `{undone.hexsha[:12]}`: `{_cell(summary)}`"
    return finish_proposal(Proposal(workspace, text), edit)
