"""The catalog that `validate --catalog` names: a file, a folder, or a site."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler.app.home import Home
from reconciler.app.settings import SETTINGS_FILE
from reconciler.app.wiring import make_identity
from reconciler.cli.catalog_import import Brought, read_listing
from reconciler.desired.state import DesiredState
from reconciler.engine.observer import Observer
from reconciler.engine.snapshots import (
    Snapshot,
    blind_spots,
    is_snapshot,
    load_snapshot,
    recognising,
)
from reconciler.model.codes import Code
from reconciler.model.problems import Location, Problem, Severity
from reconciler.model.updates import CatalogEntry
from reconciler.observed.catalog import Catalog
from reconciler.observed.state import ObservedState
from reconciler.planning.catalog_checks import check_updates
from reconciler.planning.fleet_checks import check_fleet
from reconciler.planning.governance import check_by_catalog, check_policies
from reconciler.planning.world import SiteIdentity
from reconciler.ports import SetAside

_NAME = "catalog"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FleetAtHand:
    """A site as it is, or as a snapshot keeps it."""

    observed: ObservedState
    site: SiteIdentity


@dataclass(frozen=True, slots=True)
class CatalogAtHand:
    """A catalog, where it is from, and the records of it that could not be read.

    A site and a snapshot bring their fleet as well.
    """

    path: Path
    catalog: Catalog
    set_aside: tuple[SetAside, ...] = ()
    fleet: FleetAtHand | None = None
    snapshot: Snapshot | None = None

    def check(self, state: DesiredState, now: datetime) -> Iterator[Problem]:
        """Tell what the catalog shows to be wrong; its broken records are told once."""
        unread = frozenset(one.id for one in self.set_aside)
        yield from check_updates(state, self.catalog, unread, now)
        if self.snapshot is not None:
            yield from self._check_snapshot(state, self.snapshot)
        elif self.fleet is not None:
            yield from check_fleet(state, self.fleet.observed.fleet)
        if self.set_aside:
            first = self.set_aside[0]
            message = (
                f"{len(self.set_aside)} record(s) of the catalog are set aside;"
                f" the first is {first.where}: {first.reason}"
            )
            at = Location(str(self.path))
            yield Problem(at, Code.NOT_CHECKED.value, message, severity=Severity.NOTE)

    def govern(self, state: DesiredState, now: datetime) -> Iterator[Problem]:
        """Tell what fails a policy of manifests that are linked without an error (S24)."""
        fleet = self.fleet
        if self.snapshot is not None:
            known = recognising(self.snapshot, state)
            fleet = FleetAtHand(known.observed, known.site)
        if fleet is None:
            yield from check_by_catalog(state, self.catalog, now)
        else:
            yield from check_policies(state, fleet.observed, fleet.site, now)

    def _check_snapshot(self, state: DesiredState, snapshot: Snapshot) -> Iterator[Problem]:
        """Say what a redacted snapshot cannot tell, in place of guessing it."""
        known = recognising(snapshot, state)
        blind = known.redacted and known.matching is None
        for problem in check_fleet(state, known.observed.fleet):
            if not (blind and problem.code == Code.NO_SUCH_COMPUTER.value):
                yield problem
        for told in blind_spots(known, state):
            at = Location(str(self.path))
            message = f"not checked here: {told}"
            yield Problem(at, Code.NOT_CHECKED.value, message, severity=Severity.NOTE)


def catalog_of_snapshot(path: Path, snapshot: Snapshot) -> CatalogAtHand:
    """Give a snapshot's catalog with its fleet."""
    fleet = FleetAtHand(snapshot.observed, snapshot.site)
    return CatalogAtHand(path, snapshot.observed.catalog, fleet=fleet, snapshot=snapshot)


def load_catalog_at_hand(path: Path) -> CatalogAtHand:
    """Read a site's catalog, a snapshot's, an archive, a JSON file or a folder.

    Raises CatalogError, and SnapshotError.
    """
    if (path / SETTINGS_FILE).is_file():
        home = Home(path)
        store = home.open_store()
        try:
            observed = Observer(store).observe(fresh=True)
        finally:
            store.close()
        site = make_identity(home.settings())
        return CatalogAtHand(path, observed.catalog, fleet=FleetAtHand(observed, site))
    if is_snapshot(path):
        return catalog_of_snapshot(path, load_snapshot(path))
    listing = read_listing(Brought(path), _NAME)
    entries = {
        one.id: CatalogEntry(one, 1, 1, one.released_at or _LONG_AGO) for one in listing.updates
    }
    return CatalogAtHand(path, Catalog(1, entries), listing.set_aside)
