"""What is really so on each computer, beside what its last scan said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pyroaring import BitMap

from reconciler.model.updates import UpdateState
from reconciler.observed.fleet import Fleet

_TOLD = (UpdateState.MISSING, UpdateState.INSTALLED, UpdateState.PENDING_RESTART)


class Truth:
    """Sets of computers by state and update; scans bring them into the fleet's columns."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._real = {
            state: defaultdict(
                BitMap, {update: BitMap(bits) for update, bits in fleet.states[state].items()}
            )
            for state in _TOLD
        }
        self._untold: defaultdict[str, BitMap] = defaultdict(BitMap)
        pending = self._real[UpdateState.PENDING_RESTART].values()
        self._waiting = BitMap(BitMap.union(BitMap(), *pending))

    @property
    def awaiting_restart(self) -> BitMap:
        """Who has installed something that needs a restart, and has not restarted."""
        return self._waiting

    def begin(self, update: str, missing: BitMap, installed: BitMap) -> None:
        """Say for whom an update is and who has it, of those that no scan has told of yet."""
        self._real[UpdateState.MISSING][update] |= missing
        self._real[UpdateState.INSTALLED][update] |= installed
        self._untold[update] |= missing | installed

    def install(self, updates: Iterable[str], who: BitMap, restarting: frozenset[str]) -> None:
        """Let computers have installed what they miss; some of it needs a restart."""
        for update in updates:
            done = self._real[UpdateState.MISSING][update] & who
            if done:
                waits = update in restarting
                state = UpdateState.PENDING_RESTART if waits else UpdateState.INSTALLED
                self._real[UpdateState.MISSING][update] -= done
                self._real[state][update] |= done
                self._untold[update] |= done
                if waits:
                    self._waiting |= done

    def remove(self, updates: Iterable[str], who: BitMap) -> None:
        """Let computers be rid of what they have: they miss it then."""
        for update in updates:
            for state in (UpdateState.INSTALLED, UpdateState.PENDING_RESTART):
                gone = self._real[state][update] & who
                self._real[state][update] -= gone
                self._real[UpdateState.MISSING][update] |= gone
                self._untold[update] |= gone

    def restart(self, who: BitMap) -> None:
        """Let computers have restarted."""
        for update, pending in self._real[UpdateState.PENDING_RESTART].items():
            done = pending & who
            if done:
                pending -= done  # noqa: PLW2901  # changes the bitmap in place
                self._real[UpdateState.INSTALLED][update] |= done
                self._untold[update] |= done
        self._waiting -= who

    def pending(self, updates: Iterable[str]) -> BitMap:
        """Give who waits for a restart because of one of these updates."""
        known = self._real[UpdateState.PENDING_RESTART]
        return BitMap.union(BitMap(), *(known[one] for one in updates if one in known))

    def missing(self, update: str) -> BitMap:
        """Give who really misses an update."""
        return self._real[UpdateState.MISSING].get(update) or BitMap()

    def scan(self, who: BitMap) -> None:
        """Bring into the fleet's columns what scans of these computers find."""
        for update, untold in self._untold.items():
            found = untold & who
            if not found:
                continue
            for state in _TOLD:
                told = self._fleet.states[state]
                told[update] = (told[update] - found) | (self._real[state][update] & found)
            unknown = self._fleet.states[UpdateState.UNKNOWN]
            if update in unknown:
                unknown[update] -= found
            self._untold[update] -= found
