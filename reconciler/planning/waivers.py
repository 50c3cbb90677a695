"""Who need not have which update, and who had not to until when (S11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.state import DesiredState
from reconciler.kinds.waiver import WaiverSpec
from reconciler.observed.cohorts import Cohorts
from reconciler.planning.collections import Collections
from reconciler.planning.guidance import WaivedUpdate


def waived_updates(
    desired: DesiredState, collections: Collections, now: datetime
) -> Mapping[str, WaivedUpdate]:
    """Give every update of a waiver with the computers that are let off it, or were (S11).

    Of several waivers of a pair the one that ends last counts. One that has expired and still
    stands in git tells when its pairs joined anew; deleting it makes them due as any other.
    """
    waived: defaultdict[str, BitMap] = defaultdict(BitMap)
    ended: defaultdict[str, Cohorts] = defaultdict(Cohorts)
    placed = sorted(desired.waivers.items(), key=lambda one: one[1].document.spec.until)
    for name, waiver in placed:
        spec = waiver.document.spec
        who = _holders(f"Waiver/{name}", spec, collections)
        for update in spec.updates:
            if now < spec.until:
                waived[update] |= who
            else:
                ended[update] = ended[update].at(spec.until, who)
    updates = sorted(waived.keys() | ended.keys())
    return {one: _waived_update(waived[one], ended[one]) for one in updates}


def waiver_ends(desired: DesiredState) -> tuple[datetime, ...]:
    """Give the instants at which waivers end."""
    return tuple(waiver.document.spec.until for waiver in desired.waivers.values())


def _waived_update(waived: BitMap, ended: Cohorts) -> WaivedUpdate:
    return WaivedUpdate(FrozenBitMap(waived), ended.within(ended.everybody - waived))


def _holders(subject: str, spec: WaiverSpec, collections: Collections) -> BitMap:
    who = BitMap()
    if spec.collection is not None:
        who |= collections.guarded(spec.collection)
    who |= collections.named(spec.computers, subject)
    return who
