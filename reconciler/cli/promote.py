"""`patchwright promote`: what was tried in one environment, for the next one (F2)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.cli.edited import Edit, Proposal, finish_proposal, link_folder, open_workspace
from reconciler.cli.status import read_status
from reconciler.desired.state import DesiredState
from reconciler.model.canonical import Json
from reconciler.model.errors import ManifestError, ProposalError
from reconciler.model.times import parse_instant
from reconciler.source.editing import Spot, Workspace
from reconciler.source.folder import read_folder

_LARGEST_EVIDENCE = 64 << 20
_HOUR = 3600
_COUNTS = ("target", "compliant", "missing", "unknown", "failed", "unreachable", "waived")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is promoted, from where, on which evidence, and why all the same where it lacks.

    `as_query` leaves it to the target what the group's query finds there.
    """

    name: str
    source: Path
    site: Path | None
    evidence: Path | None
    force: str
    as_query: bool = False


def promote(edit: Edit, asked: Asked) -> int:
    """Bring a rollout, its authorization and group from one folder into another.

    What the target has already stays its own where it says who and how: its rollouts,
    strategies and collections. Raises ProposalError.
    """
    desired = link_folder(read_folder(asked.source), edit.now)
    if asked.name not in desired.rollouts:
        known = ", ".join(desired.rollouts) or "none"
        message = f"{asked.source} has no Rollout {asked.name!r:.80}"
        raise ProposalError(message, hint=f"its rollouts are {known:.300}")
    evidence = Evidence.of(asked)
    if not evidence.succeeded and not asked.force:
        message = f"rollout {asked.name!r} has not succeeded where it was tried: {evidence.why}"
        raise ProposalError(message, hint="wait, or give --force with the reason")
    workspace, target = open_workspace(asked.source), open_workspace(edit.folder)
    notes = list(_copy(workspace, target, desired, asked.name))
    if not asked.as_query:
        name = desired.rollouts[asked.name].document.spec.authorization
        notes.append(_pin(target, name, evidence))
    _refuse_missing_collections(target, edit.now)
    text = "\n".join(evidence.markdown(asked, edit.now))
    return finish_proposal(Proposal(target, text, notes), edit)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the newest release of the rollout stands, phase by phase; `why` it did not succeed.

    `updates` are what the release holds, as far as the evidence tells.
    """

    release: int
    phases: Sequence[Json]
    commit: str
    why: str
    updates: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Tell whether every phase passed its gate."""
        return not self.why

    @classmethod
    def of(cls, asked: Asked) -> Evidence:
        """Read the status of a site, or of a file that `status -o json` wrote."""
        status = _status(asked)
        if status is None:
            return cls(0, (), "", "there is no evidence: give --site or --evidence")
        try:
            phases = [one for one in status["phases"] if one["rollout"] == asked.name]
            release = max((int(one["release"]) for one in phases), default=0)
            newest = [one for one in phases if one["release"] == release]
            commit = str(status["revision"]["applied"])
            updates = tuple(
                str(update)
                for one in status.get("releases", ())
                if (one["rollout"], one["release"]) == (asked.name, release)
                for update in one["updates"]
            )
            return cls(release, newest, commit, _why_not(newest), updates)
        except (KeyError, TypeError, ValueError) as error:
            message = "the evidence is no status of a site"
            hint = "write it with `patchwright status -o json`"
            raise ProposalError(message, hint=hint) from error

    def markdown(self, asked: Asked, now: datetime) -> Iterator[str]:
        """Give the evidence for the text of a pull request."""
        yield f"### Promote `{asked.name}` from `{_cell(asked.source.name)}`"
        yield ""
        if asked.force:
            yield f"**Forced**: {_cell(asked.force)}"
            yield ""
        if self.why:
            yield f"Not proven: {_cell(self.why)}."
        if not self.phases:
            return
        yield f"Release {self.release}, as of commit `{_cell(self.commit)[:12]}`:"
        yield ""
        yield "| phase | state | open for | computers | compliant | missing | unknown | failed |"
        yield "|---|---|---|---|---|---|---|---|"
        for one in self.phases:
            counts = [str(one[name]) for name in _COUNTS[:5]]
            state = _cell(str(one["state"]))
            opened = _open_for(one, now)
            yield f"| `{_cell(str(one['phase']))}` | {state} | {opened} | {' | '.join(counts)} |"
        yield ""
        yield self._total()
        if self.updates and not asked.as_query:
            yield ""
            yield f"Pinned to the {len(self.updates)} update(s) of that release."

    def _total(self) -> str:
        total = {name: sum(int(one[name]) for one in self.phases) for name in _COUNTS}
        return (
            f"{total['compliant']} of {total['target']} computers comply, {total['failed']} failed,"
            f" {total['unreachable']} were unreachable, {total['waived']} waived."
        )


def _status(asked: Asked) -> Json:
    if asked.site is not None:
        return read_status(asked.site)
    if asked.evidence is None:
        return None
    try:
        with asked.evidence.open("rb") as file:
            return json.loads(file.read(_LARGEST_EVIDENCE))
    except (OSError, ValueError) as error:
        message = f"{asked.evidence}: the evidence cannot be read"
        raise ProposalError(message, hint="write it with `patchwright status -o json`") from error


def _why_not(phases: Sequence[Json]) -> str:
    """Accepted and skipped phases passed no gate, so they prove nothing."""
    if not phases:
        return "it has no release there"
    for one in phases:
        if one["state"] != "succeeded":
            return f"phase {one['phase']} is {one['state']}"
        if one.get("passage") != "gate":
            return f"phase {one['phase']} did not pass its gate: it was {one.get('passage')}"
        if int(one["target"]) == 0:
            return f"phase {one['phase']} had no computer"
    return ""


def _open_for(phase: Json, now: datetime) -> str:
    opened = phase.get("openedAt")
    if not opened:
        return "not opened"
    seconds = int((now - parse_instant(str(opened))).total_seconds())
    return f"{seconds // _HOUR} h" if seconds >= _HOUR else f"{max(0, seconds) // 60} min"


def _copy(source: Workspace, target: Workspace, desired: DesiredState, name: str) -> Iterator[str]:
    rollout = desired.rollouts[name].document.spec
    authorization = desired.authorizations[rollout.authorization].document.spec
    strategy = rollout.strategy
    # What is installed comes from where it was tried; who and how is the target's own.
    if strategy is not None and _copy_new(source, target, "RolloutStrategy", strategy):
        yield f"RolloutStrategy {strategy} is new here: check its collections"
    yield from _copy_over(source, target, "UpdateGroup", authorization.group)
    yield from _copy_over(source, target, "Authorization", rollout.authorization)
    if authorization.approved_by:
        yield f"approvedBy of {rollout.authorization} is of the try: have it approved anew"
    if not _copy_new(source, target, "Rollout", name):
        yield f"Rollout {name} is there already and stays as it is"


def _pin(target: Workspace, name: str, evidence: Evidence) -> str:
    """Have the target authorize what was tried, whatever its group's query finds."""
    if not evidence.updates:
        return f"Authorization {name} is not pinned: the evidence does not tell what was tried"
    target.put_list(_spot(target, "Authorization", name), "only", evidence.updates, "except")
    count = len(evidence.updates)
    return f"Authorization {name} is pinned to the {count} update(s) of release {evidence.release}"


def _copy_new(source: Workspace, target: Workspace, kind: str, name: str) -> bool:
    if target.find(kind, name) is not None:
        return False
    spot = _spot(source, kind, name)
    target.add(spot.path, source.text_of(spot))
    return True


def _copy_over(source: Workspace, target: Workspace, kind: str, name: str) -> Iterator[str]:
    """Put the tried text in the place of the target's, where the two mean something else."""
    if _copy_new(source, target, kind, name):
        return
    ours, theirs = _spot(source, kind, name), _spot(target, kind, name)
    if ours.meaning != theirs.meaning:
        target.replace(theirs, _fitting(ours, theirs))
        yield f"{kind} {name} is replaced by the one that was tried: check its approvals"


def _fitting(ours: Spot, theirs: Spot) -> str:
    """Give the tried text with what stands above the target's document, its marker first."""
    head = theirs.text[: _start(theirs)]
    body = ours.text[_start(ours) :]
    return head + (body if body.endswith("\n") else body + "\n")


def _start(spot: Spot) -> int:
    return int(spot.read.root.start_mark.index)


def _spot(workspace: Workspace, kind: str, name: str) -> Spot:
    found = workspace.find(kind, name)
    if found is None:
        hint = "it has to stand in a file of its own or between others, as plain YAML"
        raise ProposalError(f"{kind} {name!r:.80} cannot be found in the files", hint=hint)
    return found


def _refuse_missing_collections(target: Workspace, now: datetime) -> None:
    """Say by name what the target lacks, before anything is written."""
    try:
        link_folder(target.files, now)
    except ManifestError as error:
        told = "; ".join(str(one).splitlines()[0] for one in error.problems[:5] if one.is_error)
        message = f"it cannot be promoted: {told}"
        hint = "make what is named in the target first, or give the rollout phases of its own there"
        raise ProposalError(message, hint=hint) from error


def _cell(text: str) -> str:
    made = "".join(one if one.isprintable() else " " for one in text)[:200]
    return made.replace("`", "'").replace("|", "/").replace("<", "(").replace("@", "(at)")
