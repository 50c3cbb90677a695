"""A CustomUpdate from git to machines and off them again: a whole site and real agents."""

from types import MappingProxyType

import pytest

from reconciler.model.ids import sha256_hex
from reconciler.model.messages import StatusId
from reconciler.model.rollouts import PhaseState
from reconciler.model.updates import UpdateState
from tests.e2e.site import make_package, replacing, writing

pytestmark = pytest.mark.e2e

TOOL = "custom:tool/2.1"
SCRIPT = """#!/bin/sh
set -e
if test "$1" = --remove; then rm -f /opt/tool; exit 0; fi
mkdir -p /opt
cp tool /opt/tool
"""
SOFTWARE = "the tool, version 2.1\n"
UPDATE = f"""apiVersion: patchwright.dev/v1alpha1
kind: CustomUpdate
metadata: {{name: tool}}
spec:
  product: tool
  version: "2.1"
  severity: important
  appliesTo: {{query: {{fact: ring, op: In, values: [reference, web]}}}}
  detect: {{file: /opt/tool, sha256: "{sha256_hex(SOFTWARE.encode())}"}}
  install: [./install.sh]
  uninstall: [./install.sh, --remove]
  maxRuntime: 1m
  content:
    - {{path: install.sh, sha256: "{sha256_hex(SCRIPT.encode())}"}}
    - {{path: tool, sha256: "{sha256_hex(SOFTWARE.encode())}"}}
"""
ROLLOUT = f"""---
apiVersion: patchwright.dev/v1alpha1
kind: UpdateGroup
metadata: {{name: own}}
spec: {{type: standalone, updates: ["{TOOL}"]}}
---
apiVersion: patchwright.dev/v1alpha1
kind: Authorization
metadata: {{name: own}}
spec: {{group: own}}
---
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {{name: own}}
spec:
  authorization: own
  releases: {{every: 1s}}
  phases:
    - {{name: reference, collection: reference, deadline: 0s, gate: {{success: 100%}}}}
    - {{name: production, collection: everybody, deadline: 0s, gate: {{success: 100%}}}}
"""
REMOVAL = f"""---
apiVersion: patchwright.dev/v1alpha1
kind: Removal
metadata: {{name: tool}}
spec:
  updates: ["{TOOL}"]
  phases:
    - {{name: reference, collection: reference, deadline: 0s, gate: {{success: 100%}}}}
    - {{name: production, collection: everybody, deadline: 0s, gate: {{success: 100%}}}}
---
apiVersion: patchwright.dev/v1alpha1
kind: Rejection
metadata: {{name: tool}}
spec: {{updates: ["{TOOL}"], reason: loses drawings, by: ines}}
"""


def begin_with_tool(world, *machines, changes=MappingProxyType({}), rollout=ROLLOUT):
    world.add_machines(*machines)
    folder = world.repository / "own/tool"
    folder.mkdir(parents=True)
    (folder / "install.sh").write_text(SCRIPT)
    (folder / "tool").write_text(SOFTWARE)
    world.commit("Bring the tool", {"own/tool.yaml": writing(UPDATE + rollout), **changes})
    world.begin()


def wait_for_last_phase(world, rollout):
    def has_succeeded():
        record = world.memory().phases.get((rollout, 1, "production"))
        return record is not None and record.state is PhaseState.SUCCEEDED

    world.wait_for(has_succeeded, f"{rollout} to succeed")


def has_tool(world, name):
    return (world.machines[name].root / "opt/tool").exists()


def state_of(world, name):
    return world.computer(name).states.get(TOOL)


def test_it_is_rolled_out_to_whom_it_is_for_and_removed_again(world):
    begin_with_tool(world, "reference-1", "web-1", "office-1")
    wait_for_last_phase(world, "own")

    assert [has_tool(world, name) for name in world.machines] == [True, True, False]
    assert [state_of(world, name) for name in world.machines] == [
        UpdateState.INSTALLED,
        UpdateState.INSTALLED,
        None,
    ]
    assert not world.has_run("office-1")
    (first,) = world.messages("reference-1", StatusId.PROGRAM_SUCCEEDED)
    (second,) = world.messages("web-1", StatusId.PROGRAM_STARTED)
    assert first.at < second.at

    world.commit("Take the tool back", {"own/tool.yaml": writing(UPDATE + ROLLOUT + REMOVAL)})
    wait_for_last_phase(world, "Removal/tool")
    assert [has_tool(world, name) for name in world.machines] == [False, False, False]
    assert state_of(world, "web-1") is UpdateState.MISSING
    assert "converged" in world.command("status").stdout


def test_changed_file_takes_no_force_until_its_digest_is_reviewed(world):
    begin_with_tool(world, "reference-1")
    world.wait_for(lambda: has_tool(world, "reference-1"), "the tool to be there")
    applied = world.status()["revision"]["applied"]
    (world.repository / "own/tool/install.sh").write_text(SCRIPT + "rm -rf /\n")
    attempted = world.commit("Smuggle", {})
    world.wait_for(
        lambda: world.status()["revision"]["attempted"] == attempted, "the commit to be read"
    )

    assert world.status()["revision"]["applied"] == applied
    assert "PW1146" in world.command("status").stdout


def test_it_is_one_run_with_packages(world):
    world.publish(make_package("app", "1.1-1"))
    query = "query: {release: [debian-12], classification: [security]}"
    both = replacing(query, f'{query}\n  updates: ["{TOOL}"]')
    begin_with_tool(world, "reference-1", changes={"rollout.yaml": both}, rollout="")
    world.wait_for(lambda: has_tool(world, "reference-1"), "the tool to be there")
    world.wait_for(
        lambda: world.versions("reference-1")["app"] == "1.1-1", "the package to be there"
    )
    world.wait_for(
        lambda: world.messages("reference-1", StatusId.PROGRAM_SUCCEEDED), "word of the run"
    )

    assert len(world.messages("reference-1", StatusId.PROGRAM_STARTED)) == 1
