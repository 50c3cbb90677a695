"""An emergency goes through its states in order, each entered once (S21, D4)."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from reconciler.desired.expansion import expand
from reconciler.model.objects import ContentState
from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import SourceFreshness
from tests.unit.planning.emergency_worlds import (
    BLASTER,
    EMERGENCY,
    advertise,
    emergency_world,
    state_of,
)
from tests.worlds import LAB_SOURCE, load_desired

FOLDING = EMERGENCY.replace("  reference: ref", "  foldInto: rollup\n  reference: ref")


@pytest.fixture
def world():
    return emergency_world()


def bring_to_all(world):
    """Advertise the emergency, and have both computers comply, the reference first."""
    advertise(world)
    for name in ("ref", "web"):
        world.install(name, rollout=BLASTER)
        world.step()


def names_of(records):
    return sorted(one.name for one in records.values())


def test_it_waits_until_the_sources_were_read_anew(world):
    world.manifests.append(LAB_SOURCE)
    world.sources["lab"] = SourceFreshness("lab", world.now - timedelta(hours=1))
    world.step()
    assert state_of(world) == "Syncing"

    world.pass_time(seconds=5)
    world.sources["lab"] = SourceFreshness("lab", world.now)
    world.step()

    assert state_of(world) == "Staging"


def test_it_waits_for_an_update_that_the_catalog_lacks(world):
    world.entries.clear()
    world.step()

    assert state_of(world) == "Syncing"


def test_nothing_is_built_before_the_reference_computers_have_scanned(world):
    world.step()
    world.capture()
    world.step()
    assert state_of(world) == "ReferenceScan"
    assert not world.memory.releases
    assert {one.program for one in world.offers()} == {"Expedited MS03-039"}

    world.pass_time(seconds=1)
    world.scan("ref")
    world.step()

    assert state_of(world) == "Building"
    assert [key for key in world.memory.releases if key[0] == BLASTER] == [(BLASTER, 1)]


def test_reference_computers_are_asked_to_scan_at_once(world):
    world.step()
    world.capture()
    plan = world.step()

    asked_at = world.memory.emergencies[BLASTER,].steps[-1].at
    assert world.policy("ref", plan).scan.asked == ((asked_at, asked_at),)
    assert world.policy("web", plan).scan.asked == ()


def test_nothing_is_advertised_before_its_package_is_on_the_points(world):
    world.step()
    world.capture()
    world.step()
    world.pass_time(seconds=1)
    world.scan("ref")
    world.step()
    world.step()
    assert state_of(world) == "Building"

    world.capture()
    world.step()

    assert state_of(world) == "Advertised"
    assert world.targets("reference", rollout=BLASTER) == {"ref"}


def test_scan_programs_are_named_after_the_bulletin_and_the_install_depends_on_one(world):
    advertise(world)

    programs = {one.name: one for one in world.memory.programs.values()}
    assert set(programs) == {"Expedited MS03-039", "Non-expedited MS03-039", "install"}
    assert programs["install"].depends_on == "Non-expedited MS03-039"
    assert programs["Expedited MS03-039"].type == "expedited scan"


def test_production_follows_the_reference_computers(world):
    advertise(world)
    assert world.state("everybody", rollout=BLASTER) == "pending"

    world.install("ref", rollout=BLASTER)
    world.step()

    assert world.targets("everybody", rollout=BLASTER) == {"web"}
    assert state_of(world) == "Verifying"


def test_without_a_group_to_fold_into_it_ends_when_all_comply(world):
    bring_to_all(world)

    assert state_of(world) == "Retired"
    assert world.offers() == []
    assert not world.memory.packages
    assert not world.memory.memberships.get((BLASTER, 0, "reference"))
    assert world.plan().actions == ()


def test_once_ended_it_makes_no_release_of_a_later_revision(world):
    bring_to_all(world)
    world.revise("deb:Lab/security/app/1.1")

    assert state_of(world) == "Retired"
    assert "ReleaseWaiting" not in world.told()
    world.pass_time(days=2)
    assert world.plan().actions == ()


def test_every_state_is_entered_once_with_time_and_evidence(world):
    bring_to_all(world)

    steps = world.memory.emergencies[BLASTER,].steps
    assert [step.state.value for step in steps] == [
        "Syncing",
        "Staging",
        "ReferenceScan",
        "Building",
        "Advertised",
        "Verifying",
        "Folding",
        "Retired",
    ]
    assert all(step.evidence for step in steps)
    assert [step.at for step in steps] == sorted(step.at for step in steps)


def test_it_folds_into_the_mainline_before_it_ends():
    """The rollup takes its updates as if the group named them; then the package retires."""
    world = emergency_world(mainline=True)
    world.edit("query: {classification: [security]}", 'updates: ["deb:Lab/security/other/1"]')
    world.manifests[1] = FOLDING
    advertise(world)
    assert "monthly" not in {release.rollout for release in world.memory.releases.values()}
    world.install("ref", rollout=BLASTER)
    world.step()
    world.install("web", rollout=BLASTER)
    world.step()

    assert state_of(world) == "Retired"
    offered = world.memory.releases["monthly", 1].offered()
    assert [one.id for one in offered] == ["deb:Lab/security/app/1.1"]


def test_a_rollup_that_serves_too_few_keeps_it_folding():
    world = emergency_world(mainline=True)
    world.manifests[1] = FOLDING
    world.edit(
        "    - {name: rest, collection: everybody", "    - {name: rest, collection: reference"
    )
    advertise(world)
    for name in ("ref", "web"):
        world.install(name, rollout=BLASTER)
        world.step()

    assert state_of(world) == "Folding"


def test_its_offer_hides_other_offers_of_the_same_update():
    world = emergency_world(mainline=True)
    advertise(world)

    offers = world.policy("ref").offers
    assert [offer.rollout for offer in offers] == [BLASTER]


def test_suspended_it_stays_where_it_is(world):
    world.manifests[1] = EMERGENCY + "  suspend: {reason: wait, by: ines}\n"
    world.step()

    assert BLASTER not in {key for (key,) in world.memory.emergencies}


def test_on_stale_reads_it_stays_where_it_is(world):
    world.step()
    world.capture()
    world.fresh = False
    world.step()

    assert state_of(world) == "Staging"


def test_deleting_its_manifest_retires_what_it_made_and_nothing_else(world):
    advertise(world)
    before = dict(world.computers)
    world.manifests.pop()
    world.allow_prune()
    world.step()

    assert world.offers() == []
    assert not world.memory.emergencies
    assert not world.memory.packages
    assert world.computers == before


def test_its_manifest_is_guarded_before_it_has_advertised_anything(world):
    world.step()
    assert state_of(world) == "Staging"
    before = world.memory
    world.manifests.pop()
    plan = world.step()

    assert "PruneBlocked" in {one.type.value for one in plan.conditions}
    assert world.memory.emergencies == before.emergencies
    assert world.memory.packages == before.packages

    world.allow_prune()
    world.step()
    assert not world.memory.emergencies
    assert not world.memory.packages


def test_an_emergency_that_has_ended_is_not_guarded(world):
    bring_to_all(world)
    world.manifests.pop()
    world.step()

    assert not world.memory.emergencies


def test_asap_is_due_when_the_phase_opens(world):
    advertise(world)

    (offer,) = (one for one in world.offers() if one.updates)
    assert offer.mandatory_at == offer.available_at


def test_its_phases_have_a_gate_and_a_halt_of_their_own(world):
    phases = expand(load_desired(*world.manifests)).rollouts[BLASTER].document.spec.phases

    assert {phase.gate and phase.gate.success for phase in phases} == {Fraction(98, 100)}
    assert {phase.halt and phase.halt.min_reported for phase in phases} == {5}


def test_its_objects_and_causes_name_its_manifest(world):
    plan = world.step()

    assert {(action.cause.kind, action.cause.name) for action in plan.actions} == {
        ("EmergencyChange", "blaster"),
        ("Collection", "everybody"),
        ("Collection", "reference"),
    }
    owners = {(one.owner.kind, one.owner.name) for one in world.memory.packages.values()}
    assert owners == {("EmergencyChange", "blaster")}


@pytest.mark.parametrize(("windows", "overrides"), [("respect", False), ("override", True)])
def test_windows_are_overridden_only_where_it_says_so(world, windows, overrides):
    world.manifests[1] = EMERGENCY + f"  windows: {windows}\n"
    advertise(world)

    assert {one.order.override_windows for one in world.offers() if one.updates} == {overrides}


def test_a_halt_elsewhere_does_not_stop_it():
    """Another rollout halted on the update; an emergency is the way out (S15)."""
    world = emergency_world(mainline=True)
    world.manifests.pop()
    world.step()
    world.pass_time(seconds=1)
    world.fail("ref")
    world.step()
    assert world.state("first") == "halted"

    world.manifests.append(EMERGENCY)
    advertise(world)

    assert world.state("reference", rollout=BLASTER) == "open"


def test_a_halt_elsewhere_keeps_it_from_nobody_who_joins_later():
    world = emergency_world(mainline=True)
    advertise(world)
    world.fail("ref")
    world.step()
    assert world.state("first") == "halted"
    assert world.state("reference", rollout=BLASTER) == "open"
    world.pass_time(minutes=1)
    world.enrol("ref-2", ring="reference")
    world.scan("ref-2", app=UpdateState.MISSING)
    world.step()
    world.capture()

    (offer,) = world.policy("ref-2").offers
    assert offer.rollout == BLASTER
    assert [one.id for one in offer.updates] == ["deb:Lab/security/app/1.1"]


def test_content_that_a_point_lost_holds_it_back(world):
    world.step()
    lost = {
        key: replace(one, state=ContentState.STARTED)
        for key, one in world.memory.assignments.items()
    }
    world.memory = replace(world.memory, assignments=lost)
    world.step()

    assert state_of(world) == "Staging"


def test_what_it_waits_for_is_told(world):
    world.step()

    assert "EmergencyProgressing" in world.told()


def test_a_scan_of_an_older_catalog_is_no_result(world):
    world.step()
    world.capture()
    world.step()
    world.pass_time(seconds=1)
    world.scan("ref", app=UpdateState.MISSING)
    world.change("ref", scan_version=0)
    world.step()

    assert state_of(world) == "ReferenceScan"


def test_it_is_verified_when_exactly_enough_of_all_comply():
    world = emergency_world(more="  retireAt: 50%\n")
    world.enrol("ref-2", ring="reference")
    world.enrol("web-2")
    world.scan(app=UpdateState.MISSING)
    advertise(world)
    for name in ("ref", "web"):
        world.pass_time(seconds=1)
        world.install(name, rollout=BLASTER)
        world.step()

    evidence = {
        step.state.value: step.evidence for step in world.memory.emergencies[BLASTER,].steps
    }
    assert evidence["Folding"] == "2 of 4 comply"
