"""One computer's offers as one run (S12a)."""

import pytest

from reconciler.model.updates import UpdateState
from tests.worlds import PlannerWorld, an_update

MISSING = UpdateState.MISSING
OLD, NEW, LIB = an_update("app"), an_update("app", "1.2"), an_update("lib")


def yields(world, name="ref"):
    offers = world.policy(name).offers
    return {one.id: one.yields_to for offer in offers for one in offer.updates}


def a_world(*updates, **facts):
    world = PlannerWorld()
    world.enrol("ref", ring="reference", **facts)
    world.publish(*updates)
    world.change("ref", states={one.id: MISSING for one in updates})
    world.change("ref", last_scan_at=world.now, scan_version=world.version)
    world.step()
    world.capture()
    return world


def test_lower_version_yields_to_the_higher_one_of_the_same_package():
    assert yields(a_world(OLD, NEW, LIB)) == {OLD.id: (NEW.id,), NEW.id: (), LIB.id: ()}


def test_update_of_more_packages_does_not_yield():
    extra = an_update("tool").packages[0]
    both = an_update("app", packages=(*OLD.packages, extra))

    assert yields(a_world(both, NEW)) == {both.id: (), NEW.id: ()}


@pytest.mark.parametrize(("family", "higher"), [("debian", "1.0-1"), ("rhel", "1.0^1")])
def test_versions_have_the_order_of_the_computers_family(family, higher):
    low, high = an_update("app", "1.0"), an_update("app", higher)
    found = yields(a_world(low, high, **{"os.family": family}))

    assert found == {low.id: (high.id,), high.id: ()}


def test_version_of_no_known_order_makes_nobody_yield():
    low, odd = an_update("app", "1.0"), an_update("app", "1.0^1")

    assert yields(a_world(low, odd)) == {low.id: (), odd.id: ()}
