"""How often computers scan, and whose scan is recent enough to believe (S10)."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeAlias

from pyroaring import BitMap, FrozenBitMap

from reconciler.desired.naming import leaves
from reconciler.desired.state import DesiredState
from reconciler.kinds.query import FactLeaf
from reconciler.kinds.scan_policy import Inventory, ScanPolicySpec
from reconciler.model.computers import CLASS_FACT, MachineClass
from reconciler.model.ids import PACKAGE_FACT, SOFTWARE_FACT
from reconciler.model.policy import InventoryOrder
from reconciler.observed.memo import Identity, Memo, Sets
from reconciler.observed.part import AnyFleet
from reconciler.observed.steps import Instants
from reconciler.planning.collections import Collections
from reconciler.planning.guidance import ScanClass

_DEFAULT = ScanPolicySpec(collection="all-computers")
_NO_POLICY = ""  # no manifest has this name

Governed: TypeAlias = tuple[MachineClass, str]
"""A class of machines, and the name of the policy that governs it."""


def machine_classes(fleet: AnyFleet) -> dict[MachineClass, BitMap]:
    """Give the enrolled computers of each class; without a known class it is a server."""
    column = fleet.fact(CLASS_FACT)
    classes = {
        kind: fleet.enrolled & (column.having(kind.value) if column else FrozenBitMap())
        for kind in (MachineClass.WORKSTATION, MachineClass.PORTABLE)
    }
    rest = fleet.enrolled - classes[MachineClass.WORKSTATION] - classes[MachineClass.PORTABLE]
    return {MachineClass.SERVER: rest, **classes}


def recently_scanned(desired: DesiredState, collections: Collections, memo: Memo) -> FrozenBitMap:
    """Give the computers whose last scan is not older than their `staleAfter` (S10)."""

    def recent(fleet: AnyFleet) -> BitMap:
        found = BitMap()
        for (kind, name), members in _governed(desired, collections, memo).items():
            age = getattr(_policy(desired, name).stale_after, kind.value)
            bound = memo.older_than(Instants.SCAN, age)
            found |= fleet.last_scan_at.at_least(bound) & members
        return found

    governed = _governed(desired, collections, memo).values()
    return memo.sets("recent", (), lambda fleet: {"recent": recent(fleet)}, *governed)["recent"]


def scan_classes(
    desired: DesiredState, collections: Collections, memo: Memo
) -> tuple[ScanClass, ...]:
    """Give every computer its cadence; an opened phase needs no other one.

    `staleAfter` is at least twice the recurrence, so computers scan at least every half of it,
    as S14 asks while a phase is open.
    """
    governed = _governed(desired, collections, memo)
    wanted = memo.value("software facts", (), lambda: _software_facts(desired))
    return memo.value(
        "cadences",
        Identity(governed),
        lambda: tuple(
            _cadence(_policy(desired, name), kind, members, wanted)
            for (kind, name), members in governed.items()
            if members
        ),
    )


def _software_facts(desired: DesiredState) -> tuple[str, ...]:
    """Give the facts of the inventory that queries ask for: agents report no others (A2)."""
    written = [one.document.spec.query for one in desired.collections.values()]
    written += [one.document.spec.applies_to.query for one in desired.custom_updates.values()]
    asked = (leaf for query in written if query is not None for _, leaf in leaves(query, ()))
    names = {leaf.fact for leaf in asked if isinstance(leaf, FactLeaf)}
    return tuple(sorted(one for one in names if one.startswith((PACKAGE_FACT, SOFTWARE_FACT))))


def _cadence(
    policy: ScanPolicySpec, kind: MachineClass, members: FrozenBitMap, wanted: tuple[str, ...]
) -> ScanClass:
    listed = policy.inventory or Inventory()
    return ScanClass(
        members=members,
        every=getattr(policy.recurrence, kind.value),
        first_within=policy.first_scan_within,
        report_every=policy.report_every,
        inventory=InventoryOrder(listed.software, listed.executables, wanted),
    )


def _governed(desired: DesiredState, collections: Collections, memo: Memo) -> Sets[Governed]:
    """Split each class by the policy that governs it: the one with the shortest `staleAfter`."""

    def split(fleet: AnyFleet) -> dict[Governed, BitMap]:
        found: dict[Governed, BitMap] = {}
        for kind, everybody in machine_classes(fleet).items():
            rest = everybody
            for name in _strictest_first(desired, kind):
                members = collections.members(desired.scan_policies[name].document.spec.collection)
                found[kind, name] = rest & members
                rest = rest - members
            found[kind, _NO_POLICY] = rest
        return found

    policies = (placed.document.spec.collection for placed in desired.scan_policies.values())
    among = [collections.members(name) for name in policies]
    return memo.sets("governed by scan policies", (), split, *among)


def _strictest_first(desired: DesiredState, kind: MachineClass) -> list[str]:
    policies = desired.scan_policies

    def rank(name: str) -> tuple[timedelta, str]:
        return getattr(policies[name].document.spec.stale_after, kind.value), name

    return sorted(policies, key=rank)


def _policy(desired: DesiredState, name: str) -> ScanPolicySpec:
    return desired.scan_policies[name].document.spec if name != _NO_POLICY else _DEFAULT
