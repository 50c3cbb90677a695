"""The package, program and advertisement of a drill's run: a scan that is wanted at once (I5)."""

from __future__ import annotations

from datetime import timedelta

from reconciler.desired.expansion import DRILL
from reconciler.model.canonical import digest_of
from reconciler.model.drills import DrillRecord, DrillState
from reconciler.model.objects import Advertisement, Owner, Package, Program
from reconciler.planning.drills import PHASE, DrillView
from reconciler.planning.emergencies import SCAN_RELEASE
from reconciler.planning.scans import EXPEDITED_SCAN

_NAME = "Expedited drill"
_LONGEST = timedelta(hours=1)


def drill_package(drill: DrillView, run: DrillRecord, identity: str) -> Package:
    """Give the run's package, whose content is the catalog that is scanned for."""
    return Package(
        id=identity,
        version=run.content_version,
        name=drill.package_name(run),
        content_digest=digest_of(["scan", run.content_version]),
        rollout=drill.name,
        release=SCAN_RELEASE,
        priority="high",
        owner=Owner(DRILL, drill.placed.name, drill.placed.changed_in),
    )


def drill_program(package: Package) -> Program:
    """Give the scan that is practised."""
    return Program(package.id, package.version, _NAME, EXPEDITED_SCAN, _LONGEST, package.owner)


def drill_offer(
    drill: DrillView, run: DrillRecord, program: Program, identity: str
) -> Advertisement:
    """Offer the scan to who is in the collection, as soon as its content is there."""
    asked_at = run.entered_at(DrillState.ADVERTISED) or drill.world.now
    return Advertisement(
        id=identity,
        package=program.package,
        version=program.version,
        program=program.name,
        rollout=drill.name,
        release=run.run,
        phase=PHASE,
        updates=(),
        available_at=asked_at,
        mandatory_at=asked_at,
        recurrence=drill.spec.schedule,
        grace=timedelta(0),
        held=False,
        owner=program.owner,
    )
