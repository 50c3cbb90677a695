"""How often computers scan, and whose scan is recent enough to believe (S10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.state import DesiredState
from reconciler.kinds.scan_policy import ScanPolicySpec
from reconciler.model.computers import CLASS_FACT, MachineClass
from reconciler.observed.columns import micros
from reconciler.observed.fleet import Fleet
from reconciler.planning.collections import Collections
from reconciler.planning.guidance import ScanClass

_DEFAULT = ScanPolicySpec(collection="all-computers")


def machine_classes(fleet: Fleet) -> dict[MachineClass, BitMap]:
    """Give the enrolled computers of each class; without a known class it is a server."""
    column = fleet.facts.get(CLASS_FACT)
    classes = {
        kind: column.having(kind.value) & fleet.enrolled if column else FrozenBitMap()
        for kind in (MachineClass.WORKSTATION, MachineClass.PORTABLE)
    }
    rest = fleet.enrolled - classes[MachineClass.WORKSTATION] - classes[MachineClass.PORTABLE]
    return {MachineClass.SERVER: rest, **{kind: BitMap(who) for kind, who in classes.items()}}


def recently_scanned(
    desired: DesiredState, fleet: Fleet, collections: Collections, now: datetime
) -> BitMap:
    """Give the computers whose last scan is not older than their `staleAfter` (S10)."""
    recent = BitMap()
    for members, policy, kind in _governed(desired, fleet, collections):
        bound = micros(now - getattr(policy.stale_after, kind.value))
        recent |= fleet.last_scan_at.at_least(bound) & members
    return recent


def scan_classes(
    desired: DesiredState, fleet: Fleet, collections: Collections
) -> tuple[ScanClass, ...]:
    """Give every computer its cadence; an opened phase needs no other one.

    `staleAfter` is at least twice the recurrence, so computers scan at least every half of it,
    as S14 asks while a phase is open.
    """
    return tuple(
        ScanClass(
            members=FrozenBitMap(members),
            every=getattr(policy.recurrence, kind.value),
            first_within=policy.first_scan_within,
            report_every=policy.report_every,
        )
        for members, policy, kind in _governed(desired, fleet, collections)
        if members
    )


def _governed(
    desired: DesiredState, fleet: Fleet, collections: Collections
) -> Iterator[tuple[BitMap, ScanPolicySpec, MachineClass]]:
    """Split each class by the policy that governs it: the one with the shortest `staleAfter`."""
    for kind, everybody in machine_classes(fleet).items():
        rest = everybody
        specs = sorted(
            (getattr(placed.document.spec.stale_after, kind.value), name)
            for name, placed in desired.scan_policies.items()
        )
        for _, name in specs:
            policy = desired.scan_policies[name].document.spec
            members = rest & collections.members(policy.collection)
            rest = rest - members
            yield members, policy, kind
        yield rest, _DEFAULT, kind
