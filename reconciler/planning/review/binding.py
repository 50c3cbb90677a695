"""Whether what a change does is what was reviewed, and how far it is from that (S24)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reconciler.model.canonical import Json, digest_of
from reconciler.model.reviewed import ReviewedPlan
from reconciler.planning.review.agreed import Agreed, PhaseCounts, read_agreed, together

_NOBODY = PhaseCounts()


@dataclass(frozen=True, slots=True)
class Leeway:
    """How far a change may be from its review.

    Of each phase so large a share of the computers that it targets may be others. To the
    `open_rollouts` updates may come that nobody reviewed, since their groups approve by query.
    """

    tolerance: Fraction = Fraction(0)
    open_rollouts: Collection[str] = ()


def unlike(reviews: Sequence[ReviewedPlan], found: Json, leeway: Leeway) -> tuple[str, ...]:
    """Give how a change differs from what was reviewed; nothing where it is within the leeway.

    It is held against every review that commits name, and against those of all steps together:
    several changes may have come at once. Told is what differs from the nearest.
    """
    if not reviews:
        return ("no commit since the last applied one says what was reviewed",)
    if digest_of(found) in {one.digest for one in reviews}:
        return ()
    actual = read_agreed(found)
    candidates = _candidates(reviews)
    if actual is None or not candidates:
        return (f"it is {digest_of(found)}, and the reviewed {reviews[0].digest} is not carried",)
    told = [tuple(_differences(one, actual, leeway)) for one in candidates]
    return min(told, key=len)


def _candidates(reviews: Sequence[ReviewedPlan]) -> list[Agreed]:
    read = [(one.step, agreed) for one in reviews if (agreed := read_agreed(one.reviewed))]
    # Of one step the newest is given first.
    newest = dict(reversed(read))
    singles = [agreed for _, agreed in read]
    return [*singles, together([newest[step] for step in sorted(newest)])] if read else []


def _differences(reviewed: Agreed, found: Agreed, leeway: Leeway) -> Iterator[str]:
    yield from _documents(reviewed, found)
    for verb, what in sorted(found.retirements - reviewed.retirements):
        yield f"{verb} {what}, which was not reviewed"
    for verb, what in sorted(reviewed.retirements - found.retirements):
        yield f"no {verb} {what}, which was reviewed"
    yield from _updates(reviewed, found, leeway)
    for key in sorted(reviewed.phases.keys() | found.phases.keys()):
        counts = reviewed.phases.get(key, _NOBODY), found.phases.get(key, _NOBODY)
        yield from _counts("{}/{}/{}".format(*key), *counts, leeway.tolerance)


def _documents(reviewed: Agreed, found: Agreed) -> Iterator[str]:
    for kind, name in sorted(reviewed.documents.keys() | found.documents.keys()):
        asked, got = reviewed.documents.get((kind, name)), found.documents.get((kind, name))
        if asked == got:
            continue
        if got is None:
            yield f"{kind} {name} is as it was, and a change of it was reviewed"
        elif asked is None:
            yield f"{kind} {name} is {got[0]}, which was not reviewed"
        else:
            yield f"{kind} {name} is {got[0]} to something else than was reviewed"


def _updates(reviewed: Agreed, found: Agreed, leeway: Leeway) -> Iterator[str]:
    for rollout, update in sorted(reviewed.updates.keys() | found.updates.keys()):
        asked = reviewed.updates.get((rollout, update))
        got = found.updates.get((rollout, update))
        is_open = rollout in leeway.open_rollouts and asked is None and got == "added"
        if asked != got and not is_open:
            yield (
                f"update {update} is {got or 'as it was'} in {rollout},"
                f" and reviewed was: {asked or 'no change'}"
            )


def _counts(
    where: str, reviewed: PhaseCounts, found: PhaseCounts, tolerance: Fraction
) -> Iterator[str]:
    """The share is of the larger target, so that a phase that appears or goes is all of it."""
    most = tolerance * max(reviewed.target, found.target)
    for word, asked, got in (
        ("targeted", reviewed.target, found.target),
        ("newly targeted", reviewed.newly, found.newly),
        ("no longer targeted", reviewed.no_longer, found.no_longer),
        ("to install something", reviewed.installs, found.installs),
    ):
        if abs(asked - got) > most:
            yield f"{where}: {got} computer(s) {word}, {asked} reviewed"
