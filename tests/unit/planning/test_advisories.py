"""An authorized advisory, of which no files are known, is never offered; the plan says so."""

from dataclasses import replace

from reconciler.catalog.slices import make_slices
from tests.advisories import an_advisory, listed
from tests.worlds import PlannerWorld, an_update

(ADVISORY,) = listed(an_advisory()).updates


def told(plan):
    return {one.type.value: one.message for one in plan.conditions if one.subject.startswith("Ro")}


def test_advisory_alone_is_not_offered_and_told():
    world = PlannerWorld()
    world.publish(ADVISORY)

    world.step()
    plan = world.plan()

    assert plan.actions == ()
    assert told(plan) == {
        "NothingToOffer": "the authorization selects no update whose files the catalog knows",
        "NoFiles": "no files are known of 1 authorized update(s): ALSA-2025:1",
    }


def test_release_holds_only_what_can_be_installed():
    world = PlannerWorld()
    world.publish(ADVISORY, an_update("app"))

    plan = world.step()

    (release,) = world.memory.releases.values()
    assert [one.id for one in release.offered()] == ["deb:Lab/security/app/1.1"]
    assert "NoFiles" in told(plan)
    assert world.plan().actions == ()


def test_update_that_loses_its_files_leaves_its_release():
    world = PlannerWorld()
    world.publish(an_update("app"), an_update("web"))
    world.step()
    world.publish(replace(an_update("app"), packages=()))

    world.step()

    (release,) = world.memory.releases.values()
    assert [one.id for one in release.offered()] == ["deb:Lab/security/web/1.1"]


def test_advisory_is_found_by_each_of_its_products():
    query = "{classification: [security]}"
    title = "Important: httpd and mod_http2 security update"
    for product, count in (("httpd", 1), ("mod_http2", 1), ("nginx", 0)):
        world = PlannerWorld()
        world.edit(query, f"{{product: [{product}]}}")
        world.publish(*listed(an_advisory(summary=title)).updates)

        assert len([one for one in told(world.plan()) if one == "NoFiles"]) == count


def test_agents_are_not_told_of_what_they_cannot_judge():
    world = PlannerWorld()
    world.publish(ADVISORY)

    assert make_slices(1, world.entries.values()) == {}
