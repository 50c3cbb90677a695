"""Updates are taken off computers again, phase by phase (I4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.computers import RunOutcome
from reconciler.model.updates import UpdateState
from reconciler.planning.permits import Settlement
from tests.unit.planning.explanations import explained
from tests.unit.planning.test_permits import holds
from tests.unit.planning.test_waivers import waiver
from tests.worlds import BASICS, HEADER, PlannerWorld, custom_manifest, removable_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
NAME = "Removal/bad"
APP, LIB = removable_update("app"), removable_update("lib")
NEWER = removable_update("app", "1.2", supersedes=(APP.id,))
FIXED = removable_update("fixed", removable=False)
OWN = [custom_manifest(one) for one in (APP, LIB, NEWER, FIXED)]
GROUP = "---\napiVersion: patchwright.dev/v1alpha1\nkind: UpdateGroup"
FLEET, ROLLOUT = BASICS[: BASICS.index(GROUP)], BASICS[BASICS.index(GROUP) + 4 :]


def removal(*updates):
    listed = ", ".join(f'"{one.id}"' for one in updates)
    return f"""{HEADER}kind: Removal
metadata: {{name: bad}}
spec:
  updates: [{listed}]
  phases:
    - name: first
      collection: reference
      deadline: 1d
      gate: {{success: 100%, soak: 1h}}
      halt: {{failures: 50%}}
    - {{name: rest, collection: everybody, deadline: 2d}}
"""


def a_world(*updates, manifests=(), state=INSTALLED, listed=None):
    """One reference computer and one other have all the updates, which a Removal names."""
    world = PlannerWorld([FLEET, removal(*(listed or updates)), *OWN, *manifests])
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.publish(*updates)
    world.scan(**{one.product: state for one in updates})
    world.step()
    world.capture()
    return world


def found(world, name, **states):
    """Have a computer scan, and tell all of its updates anew."""
    ids = {entry.update.product: one for one, entry in world.entries.items()}
    world.pass_time(seconds=1)
    world.scan(name)
    world.change(name, states={ids[product]: state for product, state in states.items()})


def uninstall(world, name, **left):
    """Have a computer run release 1 and scan: what it says then is all that is left there."""
    world.run(name, rollout=NAME)
    found(world, name, **left)


def offered(world, name):
    return [
        (offer.rollout, offer.program, [one.id for one in offer.updates])
        for offer in world.policy(name).offers
    ]


def count(world, phase="first"):
    (counted,) = (one for one in world.plan().counts if (one.rollout, one.phase) == (NAME, phase))
    return counted


def conditions(world):
    return {(one.subject, one.type.value, one.reason) for one in world.plan().conditions}


def test_it_passes_two_phases_by_its_gate():
    world = a_world(APP, LIB)
    assert offered(world, "ref") == [(NAME, "uninstall", [APP.id, LIB.id])]
    assert offered(world, "web") == []

    uninstall(world, "ref")
    world.step()
    assert world.state("first", rollout=NAME) == "open"
    assert offered(world, "ref") == []
    world.pass_time(hours=1)
    found(world, "ref")
    world.step()
    assert world.state("first", rollout=NAME) == "succeeded"
    assert offered(world, "web") == [(NAME, "uninstall", [APP.id, LIB.id])]

    uninstall(world, "web", lib=INSTALLED)
    world.step()
    assert offered(world, "web") == [(NAME, "uninstall", [LIB.id])]
    uninstall(world, "web")
    world.step()

    assert world.state("rest", rollout=NAME) == "succeeded"
    assert world.plan().actions == ()


def test_its_program_is_an_uninstallation():
    world = a_world(APP)
    (program,) = world.memory.programs.values()

    assert (program.name, program.type) == ("uninstall", "uninstall")


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (UpdateState.INSTALLED, "missing"),
        (UpdateState.PENDING_RESTART, "missing"),
        (UpdateState.UNKNOWN, "unknown"),
        (UpdateState.MISSING, "compliant"),
        (UpdateState.NOT_APPLICABLE, "compliant"),
    ],
)
def test_a_computer_complies_when_nothing_of_it_is_there(state, verdict):
    counted = count(a_world(APP, state=state))

    assert getattr(counted, verdict) == 1
    assert counted.compliant + counted.missing + counted.unknown + counted.pending_restart == 1


def test_what_is_there_outweighs_what_is_unknown():
    world = a_world(APP, LIB)
    world.scan("ref", lib=UpdateState.UNKNOWN)

    assert (count(world).missing, count(world).unknown) == (1, 0)


def test_a_scan_of_an_older_catalog_says_nothing():
    world = a_world(APP)
    world.change("ref", scan_version=0, states={})

    assert count(world).unknown == 1


def test_an_update_goes_whatever_supersedes_it():
    world = a_world(APP, NEWER, listed=[APP])

    assert count(world).missing == 1
    assert offered(world, "ref") == [(NAME, "uninstall", [APP.id])]


def test_an_update_and_the_one_that_supersedes_it_are_both_removed():
    assert offered(a_world(APP, NEWER), "ref") == [(NAME, "uninstall", [APP.id, NEWER.id])]


def test_a_failing_removal_halts_and_opens_nothing():
    world = a_world(APP, LIB)
    world.pass_time(seconds=1)
    world.run("ref", rollout=NAME, outcome=RunOutcome.FAILED)
    found(world, "ref", app=INSTALLED)
    world.step()

    assert world.state("first", rollout=NAME) == "halted"
    assert world.record("first", rollout=NAME).blocked == (APP.id,)
    assert all(offer.held for offer in world.offers())
    assert (f"{NAME}/1/first", "Halted", "TooManyFailed") in conditions(world)


def test_taking_the_update_out_of_it_lifts_the_halt():
    world = a_world(APP, LIB)
    world.pass_time(seconds=1)
    world.run("ref", rollout=NAME, outcome=RunOutcome.FAILED)
    found(world, "ref", app=INSTALLED)
    world.step()
    world.manifests[1] = removal(LIB)
    world.step()

    assert world.state("first", rollout=NAME) == "open"
    assert [offer.updates for offer in world.offers()] == [(LIB.id,)]


def test_what_broke_computers_when_it_came_can_be_removed():
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    world.publish(APP)
    world.scan(app=MISSING)
    world.step()
    world.pass_time(seconds=1)
    world.fail("ref")
    world.step()
    assert world.record("first").blocked == (APP.id,)

    world.manifests += [removal(APP), *OWN]
    found(world, "ref", app=INSTALLED)
    world.step()
    world.capture()

    assert world.state("first", rollout=NAME) == "open"
    assert (NAME, "uninstall", [APP.id]) in offered(world, "ref")


def test_a_waived_computer_keeps_the_update():
    world = a_world(APP, manifests=[waiver([APP])])

    assert offered(world, "ref") == []
    assert (count(world).waived, count(world).missing) == (1, 0)


def test_what_cannot_be_removed_is_left_out():
    world = a_world(APP, FIXED)

    assert offered(world, "ref") == [(NAME, "uninstall", [APP.id])]
    assert (NAME, "NotRemovable", "NoUninstallCommand") in conditions(world)


def test_nothing_is_offered_where_nothing_can_be_removed():
    world = a_world(FIXED)

    assert world.memory.releases == {}
    assert {kind for _, kind, _ in conditions(world)} >= {"NotRemovable", "NothingToOffer"}


def test_rejected_and_withdrawn_updates_are_removed():
    rejected = (
        f"{HEADER}kind: Rejection\nmetadata: {{name: app}}\n"
        f'spec: {{updates: ["{APP.id}"], reason: r, by: ines}}\n'
    )
    world = a_world(APP, LIB, manifests=[rejected])
    world.withdraw(LIB)
    world.step()

    assert [offer.updates for offer in world.offers()] == [(APP.id, LIB.id)]


def test_it_retires_when_it_leaves_git():
    world = a_world(APP)
    world.allow_prune()
    del world.manifests[1]
    world.step()

    memory = world.memory
    assert [*memory.advertisements, *memory.programs, *memory.packages] == []
    assert world.plan().actions == ()


def test_a_rollup_of_its_updates_does_not_retire_it():
    """S20 is about what rollups install."""
    world = a_world(APP, manifests=[ROLLOUT])
    uninstall(world, "ref")
    world.step()
    world.pass_time(hours=1)
    found(world, "ref")
    world.step()
    uninstall(world, "web")
    world.step()
    world.step()

    assert world.state("rest", rollout=NAME) == "succeeded"
    assert not world.memory.releases[NAME, 1].retired


def test_a_removal_yields_to_no_higher_version():
    world = a_world(APP, NEWER, manifests=[ROLLOUT], listed=[APP])
    found(world, "ref", app=INSTALLED)
    states = {APP.id: INSTALLED, NEWER.id: MISSING}
    world.change("ref", states=states)
    world.step()
    world.capture()

    offers = {one.program: one.updates for one in world.policy("ref").offers}
    assert [(one.id, one.yields_to) for one in offers["uninstall"]] == [(APP.id, ())]
    assert [(one.id, one.yields_to) for one in offers["install"]] == [(NEWER.id, ())]


def pass_first(world):
    """Have `ref` be rid of everything, and the first phase soak."""
    uninstall(world, "ref")
    world.step()
    world.pass_time(hours=1)
    found(world, "ref")
    world.step()


def test_an_update_that_it_gains_waits_for_the_next_release():
    world = a_world(APP, LIB, listed=[LIB])
    world.manifests[1] = removal(APP, LIB)
    world.step()
    assert "ReleaseWaiting" in world.told()

    pass_first(world)
    world.now += timedelta(days=1)
    found(world, "ref")
    world.step()

    assert world.memory.releases[NAME, 2].ids == (APP.id, LIB.id)


def test_a_rollout_of_the_same_updates_is_counted_apart():
    counts = a_world(APP, LIB, manifests=[ROLLOUT]).plan().counts
    first = {one.rollout: (one.compliant, one.missing) for one in counts if one.phase == "first"}

    assert first == {NAME: (0, 1), "monthly": (1, 0)}


def test_a_permit_is_kept_until_a_scan_finds_it_gone():
    world = a_world(APP)
    (offer,) = world.offers()
    computer, began = world.computers["ref"], world.now
    permit = holds(
        computer.ordinal,
        computer=computer.id,
        advertisement=offer.id,
        rollout=NAME,
        granted_at=began,
    )

    def settled():
        computers = {one.id: one for one in world.computers.values()}
        return Settlement(computers, world.memory, world.catalog(), world.now).settle(permit)

    uninstall(world, "ref", app=UpdateState.PENDING_RESTART)
    assert settled() == replace(permit, began=True)
    found(world, "ref")

    assert settled() is None


def test_a_removal_does_not_explain_why_an_update_is_missing():
    world = a_world(APP, manifests=[ROLLOUT], state=MISSING)
    told = explained(world, "ref", APP.id)[APP.id]

    assert told.way == "Rollout/monthly/1"
    assert told.others == ()


def test_its_halt_keeps_back_other_removals_alone():
    """Another removal of what broke computers on its way out waits; an installation does not."""
    other = removal(APP).replace("name: bad", "name: other")
    world = a_world(APP, manifests=[other, ROLLOUT])
    world.pass_time(seconds=1)
    world.run("ref", rollout=NAME, outcome=RunOutcome.FAILED)
    found(world, "ref", app=INSTALLED)
    world.step()
    told = {one.subject for one in world.plan().conditions if one.type == "HaltedElsewhere"}

    assert told == {"Removal/other/1"}
