"""The catalog as the planner sees it: entries, supersedence, freshness of its sources."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from reconciler.model.updates import CatalogEntry

_NEVER_REPLACES = frozenset({"release", "definition"})


@dataclass(frozen=True, slots=True)
class SourceFreshness:
    """When a source was last read whole, and what went wrong since.

    `set_aside` says which records of that read could not be read themselves.
    """

    name: str
    fetched_at: datetime | None
    problem: str = ""
    set_aside: str = ""


@dataclass(frozen=True)
class Catalog:
    """Every known update by id; `version` is the content version (S10)."""

    version: int = 0
    entries: Mapping[str, CatalogEntry] = field(default_factory=dict)
    sources: Mapping[str, SourceFreshness] = field(default_factory=dict)

    @cached_property
    def superseders(self) -> Mapping[str, frozenset[str]]:
        """Give, for each superseded update, all that supersede it, directly or not (S8).

        The way may lead through withdrawn updates and through cycles, whose own members
        supersede nothing.
        """
        direct: defaultdict[str, set[str]] = defaultdict(set)
        for entry in self.entries.values():
            for older in entry.update.supersedes:
                direct[older].add(entry.update.id)
        closed = {update: _reachable(update, direct) for update in sorted(direct)}
        return {
            update: frozenset(
                newer
                for newer in above
                if newer not in closed.get(newer, ()) and not self._is_withdrawn(newer)
            )
            for update, above in closed.items()
        }

    def replacers(self, update: str) -> frozenset[str]:
        """Give those superseding updates that make the update superfluous where they apply.

        An upgrade of the whole system and a definition do not (S8).
        """
        return frozenset(
            newer
            for newer in self.superseders.get(update, ())
            if self.entries[newer].update.classification not in _NEVER_REPLACES
        )

    def of_products(self, products: Iterable[str]) -> Iterator[CatalogEntry]:
        """Give the entries of one or more products, some of them twice; of none named, all."""
        named = frozenset(products)
        if not named:
            yield from self.entries.values()
        for product in named:
            yield from self._by_product.get(product, ())

    @cached_property
    def _by_product(self) -> Mapping[str, list[CatalogEntry]]:
        found: defaultdict[str, list[CatalogEntry]] = defaultdict(list)
        for entry in self.entries.values():
            for product in entry.update.all_products:
                found[product].append(entry)
        return found

    def _is_withdrawn(self, update: str) -> bool:
        entry = self.entries.get(update)
        return entry is None or entry.withdrawn


def _reachable(start: str, direct: Mapping[str, set[str]]) -> frozenset[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for newer in direct.get(waiting.pop(), ()):
            if newer not in seen:
                seen.add(newer)
                waiting.append(newer)
    return frozenset(seen)
