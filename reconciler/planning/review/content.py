"""What a change brings to distribution points (F5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from reconciler.model.computers import ARCHITECTURE_FACT
from reconciler.model.objects import Package
from reconciler.model.updates import EVERYWHERE
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import Memory
from reconciler.planning.actions import Verb
from reconciler.planning.effects import after
from reconciler.planning.emergencies import SCAN_RELEASE
from reconciler.planning.plan import Decisions
from reconciler.planning.review.form import ContentChange


def content_changes(base: Decisions, head: Decisions) -> Iterator[ContentChange]:
    """Tell which package versions points newly hold; new ids say nothing, names do."""
    before, memory = _afterwards(base), _afterwards(head)
    known = _assigned(before)
    held: defaultdict[str, set[str]] = defaultdict(set)
    for key, package in known.items():
        held[key[0]].update(_files(base, before, package))
    present = head.world.observed.memory.packages
    for key, package in sorted(_assigned(memory).items()):
        is_known = key in known or (package.id, package.version) in present
        if is_known or package.release == SCAN_RELEASE:
            continue
        files = _files(head, memory, package)
        fetched = sum(size for digest, size in files.items() if digest not in held[key[0]])
        held[key[0]].update(files)
        yield ContentChange(*key, files=len(files), size=sum(files.values()), fetched=fetched)


def _afterwards(decisions: Decisions) -> Memory:
    """Give what is remembered once the plan is done; what it renames has moved already."""
    actions = (action for action in decisions.plan.actions if action.verb is not Verb.RENAME)
    return after(decisions.world.observed.memory, actions)


def _assigned(memory: Memory) -> dict[tuple[str, str, int], Package]:
    """Give what each point holds, by point, name and version."""
    found = (
        (one.point, memory.packages.get((one.package, one.version)))
        for one in memory.assignments.values()
    )
    return {
        (point, package.name, package.version): package
        for point, package in found
        if package is not None
    }


def _files(decisions: Decisions, memory: Memory, package: Package) -> dict[str, int]:
    """Give the size of each file by its digest, of those that somebody's architecture needs."""
    release = memory.releases.get((package.rollout, package.release))
    entries = decisions.world.observed.catalog.entries
    wanted = _architectures(decisions.world.observed.fleet) | EVERYWHERE
    return {
        file.sha256: file.size
        for update in (release.offered() if release is not None else ())
        if update.id in entries
        for file in entries[update.id].update.packages
        if file.architecture in wanted
    }


def _architectures(fleet: Fleet) -> set[str]:
    column = fleet.fact(ARCHITECTURE_FACT)
    texts = column.texts() if column is not None else ()
    return {text for text in texts if column is not None and column.having(text) & fleet.enrolled}
