"""Updates that some computers need not have (S11)."""

from datetime import timedelta

import pytest

from reconciler.model.updates import UpdateState
from tests.worlds import HEADER, NOW, PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
APP, LIB = an_update("app"), an_update("lib")
NEWER = an_update("app", "1.2", supersedes=(APP.id,))


def waiver(updates, until=NOW + timedelta(days=3), name="w", who="computers: [ref]"):
    listed = ", ".join(f'"{one.id}"' for one in updates)
    return HEADER + (
        f"kind: Waiver\nmetadata: {{name: {name}}}\n"
        f"spec: {{{who}, updates: [{listed}], reason: r, approvedBy: [ines],"
        f" until: {until.strftime('%Y-%m-%dT%H:%M:%SZ')}}}\n"
    )


def a_world(*updates, manifests=(), grace=None):
    """Two reference computers miss everything, and the first phase is open."""
    world = PlannerWorld()
    world.manifests += manifests
    if grace is not None:
        world.edit("deadline: 1d\n", f"deadline: 1d\n      grace: {grace}\n")
    world.enrol("ref", ring="reference")
    world.enrol("two", ring="reference")
    world.publish(*updates)
    world.scan(**{one.product: MISSING for one in updates})
    world.step()
    world.capture()
    return world


def offered(world, name):
    return [one.id for offer in world.policy(name).offers for one in offer.updates]


def count(world, phase="first"):
    (found,) = (one for one in world.plan().counts if one.phase == phase)
    return found


def test_waived_update_is_left_out_of_that_computers_installs():
    world = a_world(APP, LIB, manifests=[waiver([APP])])

    assert offered(world, "ref") == [LIB.id]
    assert offered(world, "two") == [APP.id, LIB.id]


def test_waived_update_counts_as_not_applicable():
    world = a_world(APP, LIB, manifests=[waiver([APP])])
    world.scan("ref", lib=INSTALLED)

    assert (count(world).compliant, count(world).waived) == (1, 0)


def test_waiver_covers_the_members_of_its_collection_too():
    world = a_world(APP, LIB, manifests=[waiver([APP], who="collection: reference")])

    assert offered(world, "ref") == offered(world, "two") == [LIB.id]


def test_computer_with_nothing_but_waived_updates_is_reported_apart():
    world = a_world(APP, manifests=[waiver([APP])])

    found = count(world)
    assert (found.target, found.waived, found.compliant, found.missing) == (2, 1, 0, 1)


def test_computer_is_waived_only_when_every_other_update_is_known_not_to_apply():
    world = a_world(APP, LIB, manifests=[waiver([APP])])
    world.change("ref", states={APP.id: MISSING})
    assert count(world).waived == 1

    world.change("ref", states={APP.id: MISSING, LIB.id: UpdateState.UNKNOWN})
    assert count(world).waived == 0

    world.change("ref", states={APP.id: MISSING}, last_scan_at=None, scan_version=0)
    assert count(world).waived == 0


def test_computer_that_never_scanned_is_waived_where_all_updates_are():
    world = a_world(APP, manifests=[waiver([APP])])
    world.change("ref", states={}, last_scan_at=None, scan_version=0)

    assert (count(world).waived, count(world).unknown) == (1, 0)


def test_gate_counts_the_target_without_the_waived():
    """One of two complies, the other is waived: that is everybody who is counted (S14)."""
    world = a_world(APP, manifests=[waiver([APP])])
    world.pass_time(minutes=1)
    world.install("two")
    world.step()
    world.pass_time(hours=1)
    world.contact("two")
    world.step()

    assert world.state("first") == "succeeded"


def test_phase_of_waived_computers_only_passes_where_it_may_be_empty():
    both = waiver([APP], who="collection: reference")
    world = a_world(APP, manifests=[both])
    assert "EmptyTarget" in world.told()

    world.edit("gate: {success: 90%, soak: 1h}", "gate: {success: 90%, allowEmpty: true}")
    world.step()
    assert world.state("first") == "succeeded"


def test_silent_waived_computers_are_not_unreachable():
    world = a_world(APP, manifests=[waiver([APP], until=NOW + timedelta(days=30))])
    world.edit("soak: 1h}", "soak: 1h, unreachableAfter: 1d, maxUnreachable: 20%}")
    world.pass_time(days=2)
    world.contact("two")

    assert "TooManyUnreachable" not in world.told()
    assert count(world).unreachable == 0


def test_halt_needs_as_many_reports_as_there_are_who_are_not_waived():
    """`minReported` 2, but one of the two is waived: one failure is enough (S15)."""
    world = a_world(APP, manifests=[waiver([APP])])
    world.edit("halt: {failures: 50%}", "halt: {failures: 50%, minReported: 2}")
    world.change("ref", states={}, last_scan_at=None, scan_version=0)
    world.pass_time(minutes=1)
    world.fail("two")
    world.step()

    assert world.state("first") == "halted"


def test_superseding_update_that_is_waived_does_not_supersede():
    world = a_world(APP, NEWER, manifests=[waiver([NEWER])])

    assert offered(world, "ref") == [APP.id]
    assert offered(world, "two") == [NEWER.id]
    assert count(world).missing == 2


def test_of_two_waivers_the_one_that_ends_last_counts():
    soon = waiver([APP], NOW + timedelta(hours=1))
    world = a_world(APP, manifests=[soon, waiver([APP], NOW + timedelta(days=9), name="v")])
    world.pass_time(hours=2)

    assert offered(world, "ref") == []


def test_plan_wakes_when_a_waiver_ends():
    world = a_world(APP, manifests=[waiver([APP], NOW + timedelta(minutes=7))])

    assert world.plan().wake_at == NOW + timedelta(minutes=7)


def expired(grace="2h", until=NOW + timedelta(days=3)):
    world = a_world(APP, manifests=[waiver([APP], until)], grace=grace)
    world.now = max(world.now, until)
    world.scan(app=MISSING)
    world.step()
    return world


def test_expired_pair_joins_anew_and_waits_for_its_own_deadline():
    world = expired()
    (offer,) = world.policy("ref").offers

    assert count(world).missing == 2
    assert [one.not_before for one in offer.updates] == [NOW + timedelta(days=3, hours=2)]


def test_expired_pair_waits_at_least_for_the_deadline_of_the_phase():
    (offer,) = expired(until=NOW + timedelta(hours=2)).policy("ref").offers

    assert [one.not_before for one in offer.updates] == [NOW + timedelta(days=1)]


def test_waiver_that_ended_before_the_phase_opened_says_nothing():
    (offer,) = expired(until=NOW).policy("ref").offers

    assert [one.not_before for one in offer.updates] == [None]


def test_deleting_an_expired_waiver_makes_its_updates_due_as_any_other():
    world = expired()
    world.manifests.pop()
    world.step()
    (offer,) = world.policy("ref").offers

    assert [one.not_before for one in offer.updates] == [None]


@pytest.mark.parametrize("name", ["REF", "main/ref"])
def test_computers_are_named_as_in_collections(name):
    world = a_world(APP, manifests=[waiver([APP], who=f"computers: [{name}]")])

    assert offered(world, "ref") == []


def test_unknown_computer_of_a_waiver_is_told():
    world = a_world(APP, manifests=[waiver([APP], who="computers: [nobody]")])

    assert ("Waiver/w", "UnknownComputer") in {
        (one.subject, one.type.value) for one in world.plan().conditions
    }
