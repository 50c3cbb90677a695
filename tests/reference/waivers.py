"""Who is let off what (S11)."""

from datetime import datetime

from reconciler.kinds.waiver import WaiverSpec
from tests.reference.collections import MembersOf
from tests.reference.sight import SITE, Sight

Pair = tuple[str, str]
"""A computer and an update."""


def waived_pairs(sight: Sight, protected_of: MembersOf) -> tuple[set[Pair], dict[Pair, datetime]]:
    """Give the pairs that are waived, and when those that no longer are ended (S11)."""
    waived: set[Pair] = set()
    ended: dict[Pair, datetime] = {}
    for placed in sight.desired.waivers.values():
        spec = placed.document.spec
        for pair in _pairs(sight, spec, protected_of):
            if sight.now < spec.until:
                waived.add(pair)
            else:
                ended[pair] = max(spec.until, ended.get(pair, spec.until))
    return waived, {pair: moment for pair, moment in ended.items() if pair not in waived}


def _pairs(sight: Sight, spec: WaiverSpec, protected_of: MembersOf) -> set[Pair]:
    """Give the named computers and those of the collection, with each update."""
    who = {
        one.name
        for one in sight.enrolled()
        if one.name in spec.computers or f"{SITE}/{one.name}" in spec.computers
    }
    if spec.collection is not None:
        who |= protected_of(spec.collection)
    return {(name, update) for name in who for update in spec.updates}
