"""Which computers find out which custom facts (A2)."""

from __future__ import annotations

from pyroaring import FrozenBitMap

from reconciler.desired.state import DesiredState
from reconciler.kinds.custom_fact import CommandProbe, CustomFactSpec
from reconciler.model.policy import ProbeOrder
from reconciler.observed.fleet import Fleet
from reconciler.planning.collections import Collections
from reconciler.planning.guidance import ProbeClass


def probe_classes(
    desired: DesiredState, fleet: Fleet, collections: Collections
) -> tuple[ProbeClass, ...]:
    """Give each fact's probe with the computers that it is for; without a collection, all."""
    specs = [placed.document.spec for placed in desired.custom_facts.values()]
    return tuple(
        ProbeClass(
            members=FrozenBitMap(
                collections.members(spec.collection) if spec.collection else fleet.enrolled
            ),
            probe=_order(spec),
        )
        for spec in sorted(specs, key=lambda spec: spec.name)
    )


def _order(spec: CustomFactSpec) -> ProbeOrder:
    probe = spec.probe
    if isinstance(probe, CommandProbe):
        return ProbeOrder(spec.name, spec.type, spec.every, command=tuple(probe.command))
    return ProbeOrder(spec.name, spec.type, spec.every, file=probe.file, match=probe.match)
