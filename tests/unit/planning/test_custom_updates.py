"""Updates of one's own in plans: whom they are for, who looks for them, what they are offered."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.desired.custom import custom_updates
from reconciler.model.custom import CUSTOM, Detection, DetectOrder
from reconciler.model.policy import InventoryOrder
from reconciler.model.updates import UpdateState
from tests.worlds import BASICS, HEADER, PlannerWorld, an_update, load_desired, revised

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
TOOL = "custom:tool/2.1"
ABLE = {"agent.abilities": (CUSTOM,)}
GROUP = "query: {classification: [security]}"
OWN = BASICS.replace(GROUP, "query: {product: [tool]}")
BOTH = BASICS.replace(GROUP, "query: {product: [tool, app]}")
assert OWN != BASICS


def a_manifest(query="{fact: role, op: In, values: [cad]}", **changes):
    spec = {"version": '"2.1"', "install": "[./install.sh]", "maxRuntime": "20m", **changes}
    lines = "".join(f"  {name}: {text}\n" for name, text in spec.items())
    return f"""{HEADER}kind: CustomUpdate
metadata: {{name: tool}}
spec:
  product: tool
  appliesTo: {{query: {query}}}
  detect: {{package: tool, version: ">=2.1"}}
{lines}"""


def a_world(manifest=None, basics=OWN, *updates, **facts):
    """One reference computer and two others are for CAD, where the tool is in the catalog."""
    manifest = manifest or a_manifest()
    world = PlannerWorld([basics, manifest])
    for name, ring in (("ref", "reference"), ("web", "other"), ("old", "other")):
        world.enrol(name, ring=ring, **{"role": "cad", **ABLE, **facts})
    world.publish(*custom_updates(load_desired(basics, manifest)), *updates)
    return world


def told(world):
    return {(one.subject, one.type.value): one.message for one in world.plan().conditions}


def orders(world, name):
    return world.policy(name).scan.custom


def count(world, phase="first"):
    (counted,) = (one for one in world.plan().counts if one.phase == phase)
    return counted


def test_who_it_is_for_looks_for_it():
    world = a_world()
    world.change("old", facts={"role": "office"})
    world.step()

    order = DetectOrder(TOOL, Detection(package="tool", version=">=2.1"))
    assert orders(world, "ref") == (order,)
    assert orders(world, "old") == ()


def test_agents_that_cannot_look_are_not_asked_and_told():
    world = a_world()
    world.change("web", facts={"agent.abilities": ()})
    world.scan(tool=MISSING)
    world.step()

    assert orders(world, "web") == ()
    assert told(world)["CustomUpdate/tool", "AgentTooOld"].startswith("the agents of 1 computer(s)")


def test_nothing_of_it_is_offered_to_agents_that_cannot_run_it():
    world = a_world(None, BOTH, an_update("app"))
    world.change("ref", facts={"agent.abilities": ()})
    world.scan(tool=MISSING, app=MISSING)
    world.step()
    world.capture()

    (offer,) = world.policy("ref").offers
    assert [one.id for one in offer.updates] == [an_update("app").id]


@pytest.mark.parametrize(
    ("states", "verdict"),
    [
        ({"tool": MISSING}, "missing"),
        ({"tool": INSTALLED}, "compliant"),
        ({"tool": UpdateState.UNKNOWN}, "unknown"),
        ({"tool": UpdateState.PENDING_RESTART}, "pending_restart"),
        ({}, "unknown"),
    ],
)
def test_verdict_follows_from_what_was_said(states, verdict):
    """Who it is for and says nothing of it has not looked: that is not the same as not for it."""
    world = a_world()
    world.scan(**states)
    world.step()

    assert getattr(count(world), verdict) == 1


def test_whom_it_is_not_for_complies():
    world = a_world()
    world.change("ref", facts={"role": "office"})
    world.scan()
    world.step()

    assert count(world).compliant == 1


def test_gate_waits_for_who_came_to_be_selected():
    world = a_world()
    world.change("ref", facts={"role": "office"})
    world.scan()
    world.step()
    world.change("ref", facts={"role": "cad"})
    world.pass_time(hours=2)
    world.step()
    assert (count(world).unknown, world.state("first")) == (1, "open")

    world.scan(tool=INSTALLED)
    world.step()
    world.pass_time(hours=1)
    world.scan(tool=INSTALLED)
    world.step()
    assert world.state("first") == "succeeded"


def test_offer_holds_the_command_and_its_files():
    content = '[{path: install.sh, sha256: "' + "a" * 64 + '"}]'
    world = a_world(a_manifest(content=content, restart="[194]"))
    world.scan(tool=MISSING)
    world.step()
    world.capture()

    (offer,) = world.policy("ref").offers
    (update,) = offer.updates
    assert (update.id, update.packages) == (TOOL, ())
    step = update.step
    assert (step.name, step.version, step.command) == ("tool", "2.1", ("./install.sh",))
    assert (step.success, step.restart, step.max_runtime) == ((0,), (194,), timedelta(minutes=20))
    assert [one.path for one in step.files] == ["install.sh"]


def test_command_that_git_changed_waits_for_the_next_release():
    world = a_world()
    world.scan(tool=MISSING)
    world.step()
    world.capture()
    changed = a_manifest(install="[./install.sh, --wipe]")
    (update,) = custom_updates(load_desired(OWN, changed))
    world.version += 1
    world.entries[TOOL] = replace(revised(world.entries[TOOL], world.version), update=update)
    world.manifests[1] = changed
    assert world.policy("ref").offers == ()

    world.scan(tool=MISSING)
    world.pass_time(hours=1)
    world.step()
    world.capture()
    commands = [one.updates[0].step.command for one in world.policy("ref").offers]
    assert commands == [("./install.sh", "--wipe")]


def test_facts_of_software_that_queries_ask_for_are_reported():
    query = "{anyOf: [{fact: package.tool, op: Exists}, {fact: software./opt/tool, op: Exists}]}"
    world = a_world(a_manifest(query))
    policy = f"""{HEADER}kind: ScanPolicy
metadata: {{name: everybody}}
spec: {{collection: everybody, inventory: {{software: false, executables: ["/opt/*"]}}}}
"""
    world.manifests.append(policy)
    world.step()

    order = InventoryOrder(
        software=False, executables=("/opt/*",), facts=("package.tool", "software./opt/tool")
    )
    assert world.policy("ref").scan.inventory == order


def test_program_has_room_for_packages_and_commands():
    world = a_world(None, BOTH, an_update("app"))
    world.scan(tool=MISSING, app=MISSING)
    world.step()
    (program,) = world.memory.programs.values()
    assert program.max_runtime == timedelta(hours=1, minutes=20)

    alone = a_world()
    alone.scan(tool=MISSING)
    alone.step()
    (program,) = alone.memory.programs.values()
    assert program.max_runtime == timedelta(minutes=20)


def test_removal_offers_the_command_that_removes():
    removal = f"""{HEADER}kind: Removal
metadata: {{name: bad}}
spec: {{updates: ["{TOOL}"], phases: [{{name: all, collection: everybody, deadline: 1d}}]}}
"""
    world = a_world(a_manifest(uninstall="[./install.sh, --remove]"))
    world.manifests.append(removal)
    world.scan(tool=INSTALLED)
    world.step()
    world.capture()

    (offer,) = world.policy("web").offers
    assert (offer.program, offer.updates[0].step.command) == (
        "uninstall",
        ("./install.sh", "--remove"),
    )


def test_computer_of_a_release_without_updates_gets_the_empty_slice():
    world = a_world(**{"os.release": "fedora-40"})
    world.step()
    slices = {"": "e" * 64, "debian-12": "f" * 64}

    assert world.policy("ref", slices=slices).scan.catalog == "e" * 64
    world.change("ref", facts={"role": "office"})
    assert world.policy("ref", slices=slices).scan.catalog == "e" * 64, "it is not for it"


def test_computer_that_tells_no_release_gets_no_slice():
    """Else nothing would seem to apply to it."""
    world = a_world(**{"os.release": ""})
    world.step()

    assert world.policy("ref", slices={"": "e" * 64}).scan.catalog is None
