"""The fleet in columns, kept up to date one computer at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pyroaring import BitMap

from reconciler.model.computers import Computer, Run, RunOutcome
from reconciler.model.ids import shard_position
from reconciler.model.updates import UpdateState
from reconciler.observed.columns import FactColumn, IntColumn, micros

_CIRCLE = 1 << 64
_HALF_CIRCLE = 1 << 63  # positions are unsigned, columns are signed
_FAILURES = frozenset({RunOutcome.FAILED, RunOutcome.TIMED_OUT})
_KEPT_STATES = (
    UpdateState.MISSING,
    UpdateState.INSTALLED,
    UpdateState.PENDING_RESTART,
    UpdateState.UNKNOWN,
)


class RunColumn:
    """The last run of one release on every computer that ran it."""

    def __init__(self) -> None:
        self.began_at = IntColumn()
        self.ended_at = IntColumn()
        self.failed = BitMap()

    def assign(self, ordinal: int, run: Run) -> None:
        """Keep the computer's last run."""
        self.began_at[ordinal] = micros(run.began_at)
        self.ended_at[ordinal] = micros(run.ended_at)
        if run.outcome in _FAILURES:
            self.failed.add(ordinal)
        else:
            self.failed.discard(ordinal)

    def under_way(self) -> BitMap:
        """Give the computers on which a run began and has not ended."""
        return self.began_at.beyond(self.ended_at)

    def forget(self, ordinal: int) -> None:
        """Forget the computer's last run."""
        self.began_at[ordinal] = self.ended_at[ordinal] = micros(None)
        self.failed.discard(ordinal)


class Fleet:
    """All computers as dense ordinals; reads are set operations on the columns.

    `states[s][update]` is the bitmap of computers whose last completed scan said so; not
    applicable is what remains among those who scanned a catalog that knows the update.
    """

    def __init__(self, computers: Iterable[Computer] = ()) -> None:
        self.ids: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.ordinal_of: dict[str, int] = {}
        self.enrolled = BitMap()
        self.enrolled_at = IntColumn()
        self.last_contact_at = IntColumn()
        self.last_scan_at = IntColumn()
        self.scan_version = IntColumn()
        self._shard_position = IntColumn()
        self.facts: defaultdict[str, FactColumn] = defaultdict(FactColumn)
        self.states: dict[UpdateState, defaultdict[str, BitMap]] = {
            state: defaultdict(BitMap) for state in _KEPT_STATES
        }
        self.runs: defaultdict[str, RunColumn] = defaultdict(RunColumn)
        self._named: defaultdict[str, BitMap] = defaultdict(BitMap)
        for computer in computers:
            self.keep(computer)

    def keep(self, computer: Computer) -> None:
        """Take the newest record of a computer in place of what was known."""
        ordinal = computer.ordinal
        self.ids[ordinal] = computer.id
        self.ordinal_of[computer.id] = ordinal
        self._keep_name(ordinal, computer)
        self._shard_position[ordinal] = shard_position(computer.id) - _HALF_CIRCLE
        self.enrolled_at[ordinal] = micros(computer.enrolled_at)
        self.last_contact_at[ordinal] = micros(computer.last_contact_at)
        self.last_scan_at[ordinal] = micros(computer.last_scan_at)
        self.scan_version[ordinal] = computer.scan_version
        self._keep_facts(ordinal, computer)
        self._keep_states(ordinal, computer)
        self._keep_runs(ordinal, computer)

    def named(self, name: str) -> BitMap:
        """Give the enrolled computers of that name."""
        found = self._named.get(name.lower())
        return found & self.enrolled if found else BitMap()

    def in_shard(self, number: int, shards: int) -> BitMap:
        """Give the computers in one of so many shards, counted from 0 (S5)."""
        first, end = (-(-bound * _CIRCLE // shards) for bound in (number, number + 1))
        found = self._shard_position.at_least(first - _HALF_CIRCLE)
        return found - self._shard_position.at_least(end - _HALF_CIRCLE) if end < _CIRCLE else found

    def in_state(self, state: UpdateState, update: str) -> BitMap:
        """Give who was in that state at the last scan; not applicable is not kept."""
        return self.states[state].get(update) or BitMap()

    def _keep_name(self, ordinal: int, computer: Computer) -> None:
        old = self.names.get(ordinal)
        if old is not None:
            self._named[old].discard(ordinal)
        self.names[ordinal] = computer.name
        self._named[computer.name].add(ordinal)
        if computer.retired:
            self.enrolled.discard(ordinal)
        else:
            self.enrolled.add(ordinal)

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

    def _keep_states(self, ordinal: int, computer: Computer) -> None:
        for by_update in self.states.values():
            for bits in by_update.values():
                bits.discard(ordinal)
        for update, state in computer.states.items():
            if state in self.states:
                self.states[state][update].add(ordinal)
