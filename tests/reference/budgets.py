"""How many may be disrupted at once, and who goes first (S19)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil

from reconciler.model.computers import Computer
from tests.reference.adverts import adverts
from tests.reference.sight import SITE
from tests.reference.views import Judge, View

LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Domain:
    """Computers that share the value of a budget's `per`, and how many of them at once.

    With a `phase` (rollout, release, phase) the budget binds only the starts of that one.
    """

    members: frozenset[str]
    limit: int
    phase: tuple[str, int, str] | None = None


@dataclass(frozen=True)
class Wish:
    """One who could start at once but for the permit; a smaller `rank` goes first."""

    name: str
    phase: tuple[str, int, str]
    rank: int
    failed_before: bool
    deadline: datetime | None

    def place(self) -> tuple[int, bool, datetime, str]:
        """Give its place in the order: emergencies and priority, failures, deadline, name."""
        return self.rank, self.failed_before, self.deadline or LAST, self.name


def domains(
    computers: Iterable[Computer], concurrent: int | Fraction, per: str, site: str
) -> set[tuple[frozenset[str], int]]:
    """Cut computers into domains with their limits; those without a value form one (S19)."""
    parts: dict[object, set[str]] = {}
    for one in computers:
        value = {"all": "", "site": site}.get(per, one.facts.get(per))
        parts.setdefault((type(value), value), set()).add(one.name)
    return {(frozenset(part), limit_of(concurrent, len(part))) for part in parts.values()}


def all_domains(judge: Judge, views: list[View]) -> set[Domain]:
    """Give the domains of all budgets: of collections, and of open phases (S19)."""
    found = set()
    for placed in judge.sight.desired.disruption_budgets.values():
        spec = placed.document.spec
        members = judge.protected[spec.collection]
        within = [judge.computer(name) for name in members]
        for part, limit in domains(within, spec.concurrent, spec.per, SITE):
            found.add(Domain(part, limit))
    for view in views:
        budget = view.spec.budget
        if budget is None:
            continue
        for advert in adverts(view):
            stand = view.memory.stands[advert.release, advert.phase]
            within = [judge.computer(name) for name in stand.members]
            key = (advert.rollout, advert.release, advert.phase)
            for part, limit in domains(within, budget.concurrent, budget.per, SITE):
                found.add(Domain(part, limit, key))
    return found


def limit_of(concurrent: int | Fraction, size: int) -> int:
    """Give a count, or a share of the domain rounded up, at least 1 (S19)."""
    if isinstance(concurrent, int):
        return concurrent
    return max(1, ceil(concurrent * size))


def granted(
    wishes: Collection[Wish], disrupted: Collection[str], budgets: Collection[Domain]
) -> set[str]:
    """Give who may start now, asked in order, while each of its domains has room (S19)."""
    busy, found = set(disrupted), set[str]()
    for wish in sorted(wishes, key=Wish.place):
        bound = [
            one for one in budgets if wish.name in one.members and one.phase in {None, wish.phase}
        ]
        others = busy - {wish.name}
        if all(len(others & one.members) < one.limit for one in bound):
            busy.add(wish.name)
            found.add(wish.name)
    return found
