"""The fleet in columns, kept up to date a few computers at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from pyroaring import BitMap, FrozenBitMap

from reconciler.model.computers import Computer
from reconciler.model.ids import shard_position
from reconciler.model.updates import UpdateState
from reconciler.observed.changes import ChangeLog
from reconciler.observed.columns import IntColumn, IntPart, micros
from reconciler.observed.facts import FactColumn
from reconciler.observed.names import Names
from reconciler.observed.order import Ints, Ordinals
from reconciler.observed.runs import RunColumn

_CIRCLE = 1 << 64
HALF_CIRCLE = 1 << 63  # positions are unsigned, columns are signed
KEPT_STATES = (
    UpdateState.MISSING,
    UpdateState.INSTALLED,
    UpdateState.PENDING_RESTART,
    UpdateState.UNKNOWN,
)
States = dict[UpdateState, defaultdict[str, BitMap]]


@dataclass
class Columns:
    """All that a fleet is made of, as a checkpoint holds it."""

    ids: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    enrolled: BitMap = field(default_factory=BitMap)
    enrolled_at: IntColumn = field(default_factory=IntColumn)
    last_contact_at: IntColumn = field(default_factory=IntColumn)
    last_scan_at: IntColumn = field(default_factory=IntColumn)
    scan_version: IntColumn = field(default_factory=IntColumn)
    shard_position: IntColumn = field(default_factory=IntColumn)
    facts: Mapping[str, FactColumn] = field(default_factory=dict)
    states: Mapping[UpdateState, Mapping[str, BitMap]] = field(default_factory=dict)
    runs: Mapping[str, RunColumn] = field(default_factory=dict)


class Fleet:
    """All computers as dense ordinals; reads are set operations on the columns.

    `states[s][update]` is the bitmap of computers whose last completed scan said so; not
    applicable is what remains among those who scanned a catalog that knows the update.
    `version` rises with every change, and for a while it is known whom each one touched;
    `roster` rises when a computer joins, retires or is renamed.
    """

    def __init__(self, computers: Iterable[Computer] = (), columns: Columns | None = None) -> None:
        made = columns or Columns()
        self.ids = made.ids
        self.names = made.names
        self.ordinal_of = {name: ordinal for ordinal, name in made.ids.items()}
        self.enrolled = made.enrolled
        self.enrolled_at = made.enrolled_at
        self.last_contact_at = made.last_contact_at
        self.last_scan_at = made.last_scan_at
        self.scan_version = made.scan_version
        self.shard_position = made.shard_position
        self.facts = defaultdict(FactColumn, made.facts)
        self.states: States = {
            state: defaultdict(BitMap, made.states.get(state, {})) for state in KEPT_STATES
        }
        self.runs = defaultdict(RunColumn, made.runs)
        self.roster = 0
        self._named = Names(made.names)
        self._changes = ChangeLog()
        self.keep_all(computers)

    @property
    def version(self) -> int:
        """The number of the newest change."""
        return self._changes.version

    def changed_since(self, version: int) -> BitMap | None:
        """Give whom later changes touched; nothing where that is not known any more."""
        return self._changes.since(version)

    def keep(self, computer: Computer) -> None:
        """Take the newest record of a computer in place of what was known."""
        self.keep_all([computer])

    def keep_all(self, computers: Iterable[Computer]) -> None:
        """Take the newest records of computers; of several of one the last counts."""
        newest = {computer.ordinal: computer for computer in computers}
        if not newest:
            return
        touched = BitMap(newest)
        for computer in newest.values():
            touched |= self._keep_name(computer)
            self._keep_record(computer)
        self._keep_states(newest.values())
        self._changes.add(touched)

    def note_contacts(self, ordinals: Ordinals, instants: Ints) -> None:
        """Take in when computers were last heard of, of which nothing else changed."""
        if len(ordinals):
            self.last_contact_at.assign(ordinals, instants)
            self._changes.add(BitMap(ordinals))

    def named(self, name: str) -> BitMap:
        """Give the enrolled computers of that name."""
        return self._named.find(name.lower()) & self.enrolled

    def in_shards(self, numbers: range, of: int) -> BitMap:
        """Give the computers in shards that follow one another, of so many, counted from 0 (S5)."""
        return in_shards(self.shard_position, numbers, of)

    def in_state(self, state: UpdateState, update: str) -> BitMap:
        """Give who was in that state at the last scan; not applicable is not kept."""
        return self.states[state].get(update) or BitMap()

    def cut(self, members: BitMap | FrozenBitMap) -> BitMap | FrozenBitMap:
        """Give those of the members that this is about: of a whole fleet all."""
        return members

    def told(self, state: UpdateState) -> AbstractSet[str]:
        """Give the updates that some computer may be in that state of."""
        return self.states[state].keys()

    def fact(self, name: str) -> FactColumn | None:
        """Give a fact; nothing where no computer ever told it."""
        return self.facts.get(name)

    def runs_of(self, release: str) -> RunColumn:
        """Give the runs of a release, named `rollout/number`."""
        return self.runs.get(release) or RunColumn()

    def _keep_record(self, computer: Computer) -> None:
        ordinal = computer.ordinal
        if self.ids.get(ordinal) != computer.id:
            self.ids[ordinal] = computer.id
            self.ordinal_of[computer.id] = ordinal
            self.shard_position[ordinal] = shard_position(computer.id) - HALF_CIRCLE
        self.enrolled_at[ordinal] = micros(computer.enrolled_at)
        self.last_contact_at[ordinal] = micros(computer.last_contact_at)
        self.last_scan_at[ordinal] = micros(computer.last_scan_at)
        self.scan_version[ordinal] = computer.scan_version
        self._keep_facts(ordinal, computer)
        self._keep_runs(ordinal, computer)

    def _keep_name(self, computer: Computer) -> BitMap:
        """Give who else is touched: whether a name says who is meant depends on all who have it."""
        ordinal = computer.ordinal
        old = self.names.get(ordinal)
        if old == computer.name and computer.retired is not (ordinal in self.enrolled):
            return BitMap()
        self.roster += 1
        touched = BitMap()
        if old is not None:
            touched |= self._named.find(old)
            self._named.discard(old, ordinal)
        self.names[ordinal] = computer.name
        self._named.add(computer.name, ordinal)
        if computer.retired:
            self.enrolled.discard(ordinal)
        else:
            self.enrolled.add(ordinal)
        return touched | self._named.find(computer.name)

    def _keep_runs(self, ordinal: int, computer: Computer) -> None:
        for release, column in self.runs.items():
            if release not in computer.runs:
                column.forget(ordinal)
        for release, run in computer.runs.items():
            self.runs[release].assign(ordinal, run)

    def _keep_facts(self, ordinal: int, computer: Computer) -> None:
        for name, column in self.facts.items():
            if name not in computer.facts:
                column.assign(ordinal, None)
        for name, value in computer.facts.items():
            self.facts[name].assign(ordinal, value)

    def _keep_states(self, computers: Iterable[Computer]) -> None:
        """Take all of them out of every set at once, then back in: one pass over the updates."""
        told: defaultdict[tuple[UpdateState, str], list[int]] = defaultdict(list)
        for computer in computers:
            for update, state in computer.states.items():
                told[state, update].append(computer.ordinal)
        everybody = BitMap([computer.ordinal for computer in computers])
        for by_update in self.states.values():
            for bits in by_update.values():
                bits -= everybody  # noqa: PLW2901  # changes the bitmap in place
        for (state, update), ordinals in told.items():
            if state in self.states:
                self.states[state][update].update(ordinals)


def in_shards(positions: IntColumn | IntPart, numbers: range, of: int) -> BitMap:
    """Give whose position lies in one of the shards, which are one part of the circle (S5)."""
    first, end = (-(-bound * _CIRCLE // of) for bound in (numbers.start, numbers.stop))
    found = positions.at_least(first - HALF_CIRCLE)
    return found - positions.at_least(end - HALF_CIRCLE) if end < _CIRCLE else found
