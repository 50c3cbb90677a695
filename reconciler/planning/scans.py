"""The scan package, programs and advertisement of an emergency (S21, D4 steps 2 to 7)."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.desired.expansion import REFERENCE, kind_and_name
from reconciler.model.canonical import digest_of
from reconciler.model.emergencies import EmergencyRecord, EmergencyState
from reconciler.model.objects import Advertisement, Owner, Package, Program
from reconciler.planning.emergencies import SCAN_RELEASE
from reconciler.planning.world import RolloutView

EXPEDITED_SCAN = "expedited scan"
SCAN = "scan"


@dataclass(frozen=True, slots=True)
class Scans:
    """What an emergency scans with: one package of the catalog, and two programs in it."""

    package: Package
    expedited: Program
    non_expedited: Program


def scan_package_name(rollout: RolloutView) -> str:
    """Give the name under which the package keeps its id."""
    return f"{rollout.name}/scan"


def has_scans(rollout: RolloutView) -> EmergencyRecord | None:
    """Give the record of an emergency whose scans should exist now; nothing for all others."""
    record = rollout.emergency
    if record is None or not record.has_reached(EmergencyState.STAGING):
        return None
    return None if record.has_reached(EmergencyState.RETIRED) else record


def scans_of(rollout: RolloutView, record: EmergencyRecord, identity: str) -> Scans:
    """Give the scan package with its programs, named after the bulletin (S21)."""
    owner = Owner(*kind_and_name(rollout.name), rollout.placed.changed_in)
    package = Package(
        id=identity,
        version=record.content_version,
        name=scan_package_name(rollout),
        content_digest=digest_of(["scan", record.content_version]),
        rollout=rollout.name,
        release=SCAN_RELEASE,
        priority=rollout.placed.document.spec.priority,
        owner=owner,
    )
    return Scans(
        package,
        _program(package, f"Expedited {bulletin_of(rollout)}", EXPEDITED_SCAN, rollout),
        _program(package, non_expedited_name(rollout), SCAN, rollout),
    )


def non_expedited_name(rollout: RolloutView) -> str:
    """Give the name of the scan that has to have run before the install program (D4, step 9)."""
    return f"Non-expedited {bulletin_of(rollout)}"


def bulletin_of(rollout: RolloutView) -> str:
    """Give the vendor's bulletin that the emergency answers to."""
    _, name = kind_and_name(rollout.name)
    return rollout.world.desired.emergency_changes[name].document.spec.bulletin


def scan_offer(
    rollout: RolloutView, record: EmergencyRecord, program: Program, identity: str
) -> Advertisement:
    """Offer the expedited scan to the reference computers since its content is there."""
    asked_at = record.entered_at(EmergencyState.REFERENCE_SCAN) or rollout.world.now
    spec, phase = rollout.placed.document.spec, rollout.phases[0]
    return Advertisement(
        id=identity,
        package=program.package,
        version=program.version,
        program=program.name,
        rollout=rollout.name,
        release=SCAN_RELEASE,
        phase=REFERENCE,
        updates=(),
        available_at=asked_at,
        mandatory_at=asked_at,
        recurrence=phase.recurrence or spec.recurrence,
        grace=phase.grace,
        held=rollout.is_paused,
        owner=program.owner,
    )


def _program(package: Package, name: str, kind: str, rollout: RolloutView) -> Program:
    longest = rollout.group.document.spec.max_runtime
    return Program(package.id, package.version, name, kind, longest, package.owner)
