"""What a pull request was told to do is what the site then does: to the computer, to the byte."""

import json
from datetime import timedelta

import pytest
from pyroaring import FrozenBitMap

from reconciler.app.home import Home
from reconciler.content.depot import Depot
from reconciler.model.canonical import Json
from reconciler.model.codec import decode
from reconciler.model.messages import StatusId
from reconciler.model.objects import DEB_INDEX, PackageManifest
from reconciler.model.rollouts import PhaseState
from reconciler.observed.memory import Memory
from tests.e2e.site import NEW, SiteWorld, make_package, replacing, update_of

pytestmark = pytest.mark.e2e

APP, TOOL = update_of("app"), update_of("tool")
WITHOUT_TOOL = f'spec:\n  group: security\n  except: ["{TOOL}"]\n'
WITH_TOOL = "spec:\n  group: security\n"
WIDER = "query: {fact: ring, op: In, values: [reference, pilot]}"
NARROW = "query: {fact: ring, op: In, values: [reference]}"


@pytest.fixture
def told(world: SiteWorld) -> Json:
    """Have all of the fleet on its first release, and review a change with the site at rest."""
    names = ("reference-1", "pilot-1", "web-1", "web-2")
    world.add_machines(*names, packages=("app", "tool"))
    world.publish(make_package("app", NEW), make_package("tool", NEW))
    world.commit("Leave the tool alone", {"rollout.yaml": replacing(WITH_TOOL, WITHOUT_TOOL)})
    world.begin()
    world.wait_until_converged(1)
    world.wait_until_missing(TOOL, *names)
    world.server.stop()
    world.git("checkout", "--quiet", "-b", "change")
    edits = {
        "rollout.yaml": replacing(WITHOUT_TOOL, WITH_TOOL),
        "collections.yaml": replacing(NARROW, WIDER),
    }
    world.commit("Bring the tool, pilots first too", edits)
    return review(world)


def review(world: SiteWorld) -> Json:
    """Export a snapshot, and plan the change against it as CI does: without the site."""
    snapshot = world.folder / "site.snapshot"
    world.patchwright("snapshot", "export", str(snapshot), "--site", str(world.site))
    key = world.folder / "site.pub"
    key.write_text(world.patchwright("snapshot", "key", "--site", str(world.site)))
    done = world.try_patchwright(
        "plan", "--manifests", str(world.repository), "--base", "main", "--head", "change",
        "--snapshot", str(snapshot), "--snapshot-key", str(key), "--max-age", "1h",
        "--until", "1d", "-o", "json",
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    return json.loads(done.stdout)


def merge(world: SiteWorld) -> None:
    world.git("checkout", "--quiet", "main")
    world.git("merge", "--quiet", "--no-ff", "--message=Merge", "change")


def newly(told: Json, state: str) -> dict[tuple[str, int, str], int]:
    """Give how many are targeted newly, by phase, of phases in a state."""
    return {
        (one["rollout"], one["release"], one["phase"]): one["newly"]
        for one in told["phases"]
        if one["after"]["state"] == state and one["newly"]
    }


def moves(before: Memory, after: Memory) -> dict[tuple[str, int, str], int]:
    """Give how many are in a phase of the second and not in that of the first."""
    nobody = FrozenBitMap()
    known = {key: one.members for key, one in before.memberships.items()}
    found = {
        key: len(one.members - known.get(key, nobody)) for key, one in after.memberships.items()
    }
    return {key: number for key, number in found.items() if number}


def test_first_pass_does_what_the_comment_counts(world, told):
    before = world.memory()
    merge(world)
    applied = world.command("apply")
    after = world.memory()

    assert applied.returncode in {0, 2}, applied.stderr
    entered, left = moves(before, after), moves(after, before)
    opened = {**newly(told, "open"), **newly(told, "succeeded")}
    assert entered == opened
    gone = {
        (one["rollout"], one["release"], one["phase"]): one["noLonger"]
        for one in told["phases"]
        if one["noLonger"]
    }
    assert left == gone
    offered = {update.id for update in after.releases["web", 2].offered()}
    assert offered - set(before.releases["web", 1].ids) == {
        one["id"] for one in told["updates"] if one["fate"] == "added"
    }
    brought = {(one.point, one.version) for one in after.assignments.values()} - {
        (one.point, one.version) for one in before.assignments.values()
    }
    assert brought == {(one["point"], one["version"]) for one in told["content"]}
    assert len(before.advertisements.keys() - after.advertisements.keys()) == len(
        told["retirements"]
    )


@pytest.mark.timeout(240)
def test_in_the_end_as_many_install_and_as_many_bytes_are_held(world, told):
    merge(world)
    world.start_server()
    # The agents were left alone for a while, and take their time to come back.
    passed = PhaseState.SUCCEEDED
    is_done = lambda: world.state("production", 2) is passed and world.status()["converged"]  # noqa: E731
    world.wait_for(is_done, "release 2 to converge", timedelta(minutes=3))

    memory = world.memory()
    pending = newly(told, "pending")
    assert {key: len(memory.memberships[key].members) for key in pending} == pending
    ran = [
        name
        for name in world.machines
        if any(one.release == 2 for one in world.messages(name, StatusId.PROGRAM_SUCCEEDED))
    ]
    assert len(ran) == told["totals"]["installs"] == 4
    (content,) = told["content"]
    held = next(one for one in memory.assignments.values() if one.version == content["version"])
    files = [one for one in manifest_of(world, held.manifest).files if one.path != DEB_INDEX]
    assert (len(files), sum(one.size for one in files)) == (content["files"], content["size"])


def manifest_of(world: SiteWorld, digest: str) -> PackageManifest:
    content = Depot(Home(world.site).content).read(digest, 1 << 20)
    return decode(PackageManifest, json.loads(content))
