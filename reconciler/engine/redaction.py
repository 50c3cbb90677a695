"""Taking names out of a snapshot: what is left tells computers apart and not who they are.

A pseudonym is a hash with a key that never leaves the site. Names that git holds stay, for who
reads the file reads the manifests too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reconciler.desired.state import DesiredState
from reconciler.model.messages import FactValue
from reconciler.model.permits import Permit
from reconciler.observed.facts import FactColumn
from reconciler.observed.fleet import Columns, Fleet
from reconciler.observed.order import Ordinals
from reconciler.observed.state import ObservedState

PREFIX = "h-"
_DIGITS = 16
_NAMING_FACTS = frozenset({"hostname"})
_FEW = 10
"""A fact that fewer computers tell is not judged by how many values it has."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """What stays: `kept` names, in lower case. What goes: all others, and ids."""

    key: bytes
    kept: frozenset[str] = frozenset()

    def name(self, name: str) -> str:
        """Give the pseudonym of a computer's name, or the name where git has it."""
        return name if name.lower() in self.kept else self.pseudonym("name", name.lower())

    def pseudonym(self, what: str, text: str) -> str:
        """Give the same word for the same text, and nothing of it."""
        message = f"{what}\0{text}".encode()
        return PREFIX + hmac.new(self.key, message, hashlib.sha256).hexdigest()[:_DIGITS]


def names_in(desired: DesiredState) -> frozenset[str]:
    """Give the computers' names that manifests hold, in lower case."""
    found: set[str] = set()
    for collection in desired.collections.values():
        found.update(collection.document.spec.computers)
    for waiver in desired.waivers.values():
        found.update(waiver.document.spec.computers)
    return frozenset(name.rpartition("/")[2].lower() for name in found)


def redact(observed: ObservedState, redaction: Redaction) -> ObservedState:
    """Give the state without names and ids; plans of it are the same.

    Ids are made of ordinals; shards keep the positions that the true ids have.
    """
    fleet = observed.fleet
    hidden = naming_facts(fleet)
    columns = replace(
        _columns_of(fleet),
        ids={ordinal: f"{ordinal:032x}" for ordinal in fleet.ids},
        names={ordinal: redaction.name(name) for ordinal, name in fleet.names.items()},
        facts={
            name: _fact(name, column, redaction) if name in hidden else column
            for name, column in fleet.facts.items()
        },
    )
    permits = tuple(_permit(one, redaction) for one in observed.permits)
    return replace(observed, fleet=Fleet(columns=columns), permits=permits)


def _permit(permit: Permit, redaction: Redaction) -> Permit:
    name = redaction.name(permit.name)
    return replace(permit, computer=f"{permit.ordinal:032x}", name=name)


def _fact(name: str, column: FactColumn, redaction: Redaction) -> FactColumn:
    """Number the fact's texts, in an order that only the key tells: it takes the least room."""
    values, codes = column.encoded()
    texts = {text for value in values for text in _texts(value)}
    ordered = sorted(texts, key=lambda text: redaction.pseudonym(name, text))
    number = {text: f"{PREFIX}{place}" for place, text in enumerate(ordered)}
    hidden = [_hidden(value, number) for value in values]
    return FactColumn(hidden, codes.copy())


def _texts(value: FactValue) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) else ()


def _hidden(value: FactValue, number: Mapping[str, str]) -> FactValue:
    if isinstance(value, tuple):
        return tuple(number[one] for one in value)
    return number[value] if isinstance(value, str) else value


def naming_facts(fleet: Fleet) -> frozenset[str]:
    """Give the facts that name machines, or whose values most machines share with nobody."""
    alike = {name for name, column in fleet.facts.items() if _is_individual(column)}
    return frozenset(alike | (_NAMING_FACTS & fleet.facts.keys()))


def _is_individual(column: FactColumn) -> bool:
    values, codes = column.encoded()
    numbers = np.bincount(codes[codes >= 0], minlength=len(values))
    texts = np.array([bool(_texts(value)) for value in values], dtype=bool)
    having = int(numbers[texts].sum())
    return having >= _FEW and 2 * int((numbers[texts] == 1).sum()) > having


class Matching:
    """Lets who knows a computer's name find it among pseudonyms; whoever guesses one, too."""

    def __init__(self, salt: bytes, hashes: NDArray[np.uint64], ordinals: Ordinals) -> None:
        self.salt = salt
        self.hashes = hashes
        self.ordinals = ordinals

    @classmethod
    def make(cls, salt: bytes, names: Mapping[int, str]) -> Self:
        """Hash all names with the file's own salt."""
        ordinals = np.array(sorted(names), dtype=np.uint32)
        hashes = [_salted(salt, names[one]) for one in ordinals.tolist()]
        return cls(salt, np.array(hashes, dtype=np.uint64), ordinals)

    def find(self, names: Iterable[str]) -> dict[int, str]:
        """Give the names of computers, by ordinal, that are among these."""
        asked = {_salted(self.salt, name): name for name in names}
        wanted = np.isin(self.hashes, np.array(list(asked), dtype=np.uint64))
        found = zip(self.ordinals[wanted].tolist(), self.hashes[wanted].tolist(), strict=True)
        return {ordinal: asked[digest] for ordinal, digest in found}


def recognise(observed: ObservedState, matching: Matching, names: Iterable[str]) -> ObservedState:
    """Give the state with the pseudonyms of these computers replaced by their names."""
    found = matching.find(names)
    if not found:
        return observed
    columns = _columns_of(observed.fleet)
    renamed = replace(columns, names={**columns.names, **found})
    return replace(observed, fleet=Fleet(columns=renamed))


def _salted(salt: bytes, name: str) -> int:
    digest = hashlib.sha256(salt + name.lower().encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _columns_of(fleet: Fleet) -> Columns:
    return Columns(
        ids=dict(fleet.ids),
        names=dict(fleet.names),
        enrolled=fleet.enrolled,
        enrolled_at=fleet.enrolled_at,
        last_contact_at=fleet.last_contact_at,
        last_scan_at=fleet.last_scan_at,
        scan_version=fleet.scan_version,
        shard_position=fleet.shard_position,
        facts=dict(fleet.facts),
        states={state: dict(sets) for state, sets in fleet.states.items()},
        runs=dict(fleet.runs),
    )
