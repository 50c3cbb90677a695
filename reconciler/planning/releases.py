"""Releases: what is tested is what is rolled out (S12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from reconciler.model.aims import Aim
from reconciler.model.rollouts import PhaseRecord, PhaseState, Release, ReleasedUpdate
from reconciler.model.updates import CatalogEntry
from reconciler.observed.memo import Identity
from reconciler.planning.actions import Verb
from reconciler.planning.conditions import ConditionType
from reconciler.planning.draft import Draft
from reconciler.planning.updates import exclusion, released
from reconciler.planning.world import RolloutView

_MOST_NAMED = 3


def decide_releases(rollout: RolloutView, draft: Draft) -> None:
    """Take out what left the authorization, then cut or extend a release where one is due (S12)."""
    for release in draft.releases_of(rollout.name):
        _trim(rollout, release, draft)
    _note_force(rollout, draft)
    if rollout.is_paused or not rollout.may_build:
        return
    added = additions(rollout, draft)
    if added:
        _offer(rollout, added, draft)


def additions(rollout: RolloutView, draft: Draft) -> frozenset[str]:
    """Give the authorized updates that no release holds in their present revision (S12).

    What a retired release held does not count, unless rollups hold its updates from then on.
    """
    releases = tuple(draft.releases_of(rollout.name))
    return rollout.world.memo.value(
        ("additions", rollout.name),
        (releases, Identity(rollout.authorized)),
        lambda: _additions(rollout, releases),
    )


def _additions(rollout: RolloutView, releases: Sequence[Release]) -> frozenset[str]:
    entries = rollout.world.observed.catalog.entries
    kept = [release for release in releases if release.folded or not release.retired]
    held = {(one.id, one.revision) for release in kept for one in release.offered()}
    return frozenset(
        update for update in rollout.authorized if (update, entries[update].revision) not in held
    )


def _trim(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """An update that left the set is out of all releases for good; an emptied one retires (S12).

    An update that the catalog does not know at all is kept: its absence proves nothing (S29).
    """
    gone = rollout.world.memo.value(
        ("gone", rollout.name, release.number),
        (release, Identity(rollout.authorized)),
        lambda: _gone(rollout, release),
    )
    if release.retired or not gone:
        return
    trimmed = replace(release, removed=tuple(sorted({*release.removed, *gone})))
    cause = rollout.cause("S12", f"{len(gone)} update(s) left the authorization")
    if trimmed.offered():
        draft.act(Verb.CHANGE_RELEASE, trimmed, cause)
        _reset_soaks(rollout, trimmed, draft)
    else:
        draft.act(Verb.RETIRE_RELEASE, replace(trimmed, retired=True), cause)


def _gone(rollout: RolloutView, release: Release) -> tuple[str, ...]:
    entries = rollout.world.observed.catalog.entries
    is_out = exclusion(rollout.world.desired, rollout.placed.document.spec.authorization)
    return tuple(
        update.id
        for update in release.offered()
        if (update.id not in rollout.authorized and (update.id in entries or is_out(update.id)))
        or _is_rewritten(update, entries)
    )


def _is_rewritten(update: ReleasedUpdate, entries: Mapping[str, CatalogEntry]) -> bool:
    """Tell whether git says otherwise now what an update of one's own runs: it is an addition."""
    entry = entries.get(update.id)
    return (
        entry is not None and entry.update.custom is not None and entry.revision > update.revision
    )


def _reset_soaks(rollout: RolloutView, release: Release, draft: Draft) -> None:
    """What soaked was another set of updates."""
    for record in draft.phases_of(release).values():
        if record.soak_since is not None:
            cause = rollout.cause("S14", "the release has changed", phase=record.phase)
            draft.act(Verb.RESET_SOAK, replace(record, soak_since=None), cause)


def _note_force(rollout: RolloutView, draft: Draft) -> None:
    """Say why nothing is offered, and when that changes by itself."""
    ripens_at = rollout.world.ripens_at(rollout.group.name)
    for moment in (rollout.begins_at, rollout.ends_at, ripens_at):
        if moment is not None:
            draft.wake_at(moment)
    suspension = rollout.suspension
    if suspension is not None:
        draft.tell(rollout.subject, ConditionType.SUSPENDED, suspension.reason)
        if suspension.until is not None:
            draft.wake_at(suspension.until)
    if rollout.has_ended:
        draft.tell(rollout.subject, ConditionType.ENDED, "the authorization's until has passed")
    elif rollout.is_early:
        draft.tell(
            rollout.subject, ConditionType.NOTHING_TO_OFFER, "the authorization's from is ahead"
        )
    elif not rollout.authorized:
        draft.tell(rollout.subject, ConditionType.NOTHING_TO_OFFER, _nothing(rollout))
    if rollout.left_out:
        _tell_left_out(rollout, draft)
    if rollout.awaiting:
        message = (
            f"{len(rollout.awaiting)} update(s) came after the approval of"
            f' "{rollout.authorization.name}", and wait for another: {_some(rollout.awaiting)}'
        )
        draft.tell(rollout.subject, ConditionType.AWAITING_APPROVAL, message)


def _nothing(rollout: RolloutView) -> str:
    if rollout.aim is Aim.REMOVE:
        return "the catalog has none of its updates, or none that can be removed"
    if rollout.awaiting:
        return "every update that the authorization selects came after its approval"
    lack = "whose files the catalog knows" if rollout.left_out else "that the catalog has"
    return f"the authorization selects no update {lack}"


def _tell_left_out(rollout: RolloutView, draft: Draft) -> None:
    """Say which updates are only advisories or cannot be removed; three names tell enough."""
    updates, named = rollout.left_out, _some(rollout.left_out)
    if rollout.aim is Aim.REMOVE:
        message = f"{len(updates)} update(s) cannot be removed again: {named}"
        draft.tell(rollout.subject, ConditionType.NOT_REMOVABLE, message)
    else:
        message = f"no files are known of {len(updates)} authorized update(s): {named}"
        draft.tell(rollout.subject, ConditionType.NO_FILES, message)


def _some(updates: frozenset[str]) -> str:
    return ", ".join(sorted(updates)[:_MOST_NAMED]) + (", …" if len(updates) > _MOST_NAMED else "")


def _offer(rollout: RolloutView, added: frozenset[str], draft: Draft) -> None:
    releases = draft.releases_of(rollout.name)
    newest = releases[-1] if releases else None
    if newest is None:
        _cut(rollout, _first_number(rollout, draft), added, draft)
    elif not newest.retired and not draft.phases_of(newest):
        _extend(rollout, newest, added, draft)
    elif _is_due(rollout, newest, draft):
        _cut(rollout, newest.number + 1, added, draft)
    else:
        _wait(rollout, added, draft)


def _first_number(rollout: RolloutView, draft: Draft) -> int:
    """Agents may still tell of runs under the name, from before its rollout was renamed (S23)."""
    named = [one.number for one in draft.releases.values() if one.first_name == rollout.name]
    return max(named, default=0) + 1


def _cut(rollout: RolloutView, number: int, added: frozenset[str], draft: Draft) -> None:
    """Freeze the whole effective set under the next number: what is old and what is new (S12)."""
    world = rollout.world
    release = Release(
        rollout=rollout.name,
        number=number,
        version=_next_version(rollout, draft),
        updates=released(rollout.authorized, world.observed.catalog),
        cut_at=world.now,
    )
    because = f"{len(added)} update(s) are authorized and in no release"
    draft.act(Verb.CUT_RELEASE, release, rollout.cause("S12", because))


def _extend(rollout: RolloutView, release: Release, added: frozenset[str], draft: Draft) -> None:
    """A release that has opened nowhere takes additions and revisions in (S12)."""
    frozen = {update.id: update for update in release.updates}
    frozen |= {update.id: update for update in released(added, rollout.world.observed.catalog)}
    extended = replace(
        release,
        version=_next_version(rollout, draft),
        updates=tuple(frozen[update] for update in sorted(frozen)),
        removed=tuple(update for update in release.removed if update not in added),
    )
    because = f"{len(added)} update(s) came before the release opened anywhere"
    draft.act(Verb.CHANGE_RELEASE, extended, rollout.cause("S12", because))


def _next_version(rollout: RolloutView, draft: Draft) -> int:
    """Give a version that no release of the authorization, in any rollout, has had (S20)."""
    rollouts = rollout.world.desired.rollouts
    name = rollout.placed.document.spec.authorization
    used = [
        release.version
        for release in draft.releases.values()
        if release.rollout in rollouts
        and rollouts[release.rollout].document.spec.authorization == name
    ]
    # A rollout that leaves git in this plan has its packages still.
    packages = rollout.world.observed.memory.packages.values()
    used += [package.version for package in packages if package.name == name]
    return max(used, default=0) + 1


def _is_due(rollout: RolloutView, newest: Release, draft: Draft) -> bool:
    due_at = newest.cut_at + rollout.placed.document.spec.releases.every
    draft.wake_at(due_at)
    return _is_settled(rollout, newest, draft) and due_at <= rollout.world.now


def _is_settled(rollout: RolloutView, release: Release, draft: Draft) -> bool:
    """Tell whether the first phase is done with a release: passed, emptied, or relieved."""
    if release.retired or not release.offered():
        return True
    record = draft.phases_of(release).get(rollout.phases[0].name)
    if record is None:
        return False
    return record.state is PhaseState.SUCCEEDED or _was_relieved(record, release)


def _was_relieved(record: PhaseRecord, release: Release) -> bool:
    offered = {update.id for update in release.offered()}
    return bool(record.blocked) and offered.isdisjoint(record.blocked)


def _wait(rollout: RolloutView, added: frozenset[str], draft: Draft) -> None:
    entries = rollout.world.observed.catalog.entries
    worst = max(entries[update].update.severity for update in added)
    since = min(_known_since(rollout, update) for update in added)
    message = (
        f"{len(added)} update(s) wait for the next release since {since:%Y-%m-%d %H:%M}Z,"
        f" the worst {worst.name.lower()}"
    )
    draft.tell(rollout.subject, ConditionType.RELEASE_WAITING, message)


def _known_since(rollout: RolloutView, update: str) -> datetime:
    return rollout.world.observed.catalog.entries[update].first_seen_at
