"""What one computer is told (J1, S15 to S18)."""

from datetime import timedelta

import pytest

from reconciler.model.ids import spread_offset
from reconciler.model.updates import UpdateState
from tests.worlds import PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
APP = "deb:Lab/security/app/1.1"
NEWER = an_update("app", "1.2", supersedes=(APP,))
SECOND = """
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {name: second}
spec:
  authorization: monthly
  phases: [{name: all, collection: everybody}]
"""


@pytest.fixture
def world():
    """The first phase is open on one computer of two, its content is there."""
    made = PlannerWorld()
    made.enrol("ref", ring="reference")
    made.enrol("web")
    made.publish(an_update("app"))
    made.scan(app=MISSING)
    made.step()
    made.capture()
    return made


def offered(world, name):
    """Give the offers of a computer with the products and versions that each holds."""
    offers = world.policy(name).offers
    return [tuple(one.id.split("/", 2)[2] for one in offer.updates) for offer in offers]


def test_only_targeted_computers_are_offered_anything(world):
    assert offered(world, "ref") == [("app/1.1",)]
    assert offered(world, "web") == []


def test_only_what_is_missing_is_offered(world):
    world.scan("ref", app=INSTALLED)

    assert offered(world, "ref") == []


@pytest.mark.parametrize("state", ["unknown", "pendingRestart", "notApplicable"])
def test_what_is_not_known_to_be_missing_is_not_offered(world, state):
    world.scan("ref", app=UpdateState(state))

    assert offered(world, "ref") == []


def test_offer_pins_packages_by_name_architecture_and_version(world):
    (offer,) = world.policy("ref").offers

    assert [update.packages for update in offer.updates] == [(("app", "all", "1.1"),)]
    assert (offer.manifest, offer.max_runtime) == ("a" * 64, timedelta(hours=1))


def test_nothing_is_offered_before_its_content_is_there(world):
    world.memory = world.memory.__class__(**{**vars(world.memory), "assignments": {}})

    assert offered(world, "ref") == []


def test_retired_computer_is_offered_nothing(world):
    world.change("ref", retired=True)

    assert offered(world, "ref") == []


def test_update_that_the_catalog_lost_is_not_offered(world):
    world.entries.clear()

    assert offered(world, "ref") == []


def superseded_world(**group):
    """Both versions of app are in the release, and the old one is missing."""
    world = PlannerWorld()
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"), NEWER)
    for key, value in group.items():
        world.edit("type: rollup,", f"type: rollup, {key}: {value},")
    world.scan("ref", app=MISSING)
    world.step()
    world.capture()
    return world


def test_superseded_update_is_left_out():
    assert offered(superseded_world(), "ref") == [("app/1.2",)]


def test_superseded_update_is_offered_where_the_group_includes_it():
    assert offered(superseded_world(superseded="include"), "ref") == [("app/1.1", "app/1.2")]


def test_superseded_update_is_offered_where_the_newer_one_does_not_apply():
    world = superseded_world()
    world.change("ref", states={APP: MISSING})

    assert offered(world, "ref") == [("app/1.1",)]


def test_update_counts_as_installed_where_a_newer_one_of_no_release_is(world):
    world.publish(NEWER)
    world.change("ref", states={APP: MISSING, NEWER.id: INSTALLED})

    assert offered(world, "ref") == []


@pytest.mark.parametrize(
    ("deadline", "grace", "late", "expected"),
    [
        ("1d", "0s", None, timedelta(days=1)),
        ("1d", "3d", None, timedelta(days=3)),
        ("1d", "2h", timedelta(hours=1), timedelta(days=1)),
        ("1d", "2h", timedelta(days=2), timedelta(days=2, hours=2)),
        ("2026-03-02T00:00:00Z", "2h", None, timedelta(hours=2)),
        ("2026-03-05T09:00:00Z", "2h", None, timedelta(days=3)),
    ],
)
def test_own_deadline_gives_late_ones_their_grace(deadline, grace, late, expected):
    """The last of the deadline, opening + grace and joining + grace (S17)."""
    world = PlannerWorld()
    world.edit("deadline: 1d\n", f"deadline: {deadline}\n      grace: {grace}\n")
    world.publish(an_update("app"))
    world.enrol("ref", ring="reference")
    opened_at = world.now
    world.scan(app=MISSING)
    world.step()
    if late is not None:
        world.now += late
        world.enrol("new", ring="reference")
        world.scan("new", app=MISSING)
        world.step()
    world.capture()
    (offer,) = world.policy("ref" if late is None else "new").offers

    assert offer.mandatory_at == opened_at + expected


def test_without_a_deadline_it_is_only_offered(world):
    world.edit("      deadline: 1d\n", "")
    world.step()

    assert [offer.mandatory_at for offer in world.policy("ref").offers] == [None]


@pytest.mark.parametrize(
    ("kind", "has_user"),
    [("server", False), (None, False), ("workstation", True), ("portable", True)],
)
def test_only_workstations_and_portables_have_a_user(world, kind, has_user):
    """A server does not wait for its deadline (S17)."""
    world.change("ref", facts={"class": kind} if kind else {})

    assert [offer.order.user.available for offer in world.policy("ref").offers] == [has_user]


def test_suspended_offer_is_kept_and_held(world):
    world.edit("  releases: {every: 1h}\n", "  suspend: {reason: fire, by: ines}\n")
    world.step()

    assert [offer.held for offer in world.policy("ref").offers] == [True]


def halted_world():
    """A second rollout offers app to everybody before the first one halts on it."""
    world = PlannerWorld()
    world.manifests.append(SECOND)
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.publish(an_update("app"), an_update("lib"))
    world.scan(app=MISSING, lib=MISSING)
    world.step()
    world.pass_time(minutes=1)
    world.scan("ref", lib=INSTALLED)
    world.fail("ref")
    world.step()
    world.pass_time(minutes=1)
    world.enrol("new")
    world.scan("new", app=MISSING, lib=MISSING)
    world.step()
    world.capture()
    return world


def test_halted_update_is_kept_from_those_who_join_another_rollout_later():
    world = halted_world()

    assert offered(world, "web") == [("app/1.1", "lib/1.1")]
    assert offered(world, "new") == [("lib/1.1",)]


def test_halted_update_reaches_late_ones_after_the_lift():
    world = halted_world()
    resume = "  resume: {token: t, how: retry, reason: r, by: b}\n"
    world.edit("  releases: {every: 1h}\n", resume)
    world.step()

    assert offered(world, "new") == [("app/1.1", "lib/1.1")]


def test_scan_is_asked_for_after_every_opening_that_targets_the_computer(world):
    assert world.policy("ref").scan.asked == ((world.now, world.now),)
    assert world.policy("web").scan.asked == ()


def test_scans_asked_for_are_spread_as_the_starts_are(world):
    """Opening a phase asks its targets for one scan within `spread` (S14)."""
    world.edit("deadline: 1d\n", "deadline: 1d\n      spread: 2h\n")
    world.step()
    ((after, by),) = world.policy("ref").scan.asked
    share = spread_offset("monthly", "first", world.computers["ref"].id, timedelta(hours=2))

    assert (after, by) == (world.now, world.now + share)


def test_scan_order_names_the_slice_of_the_release(world):
    world.change("web", facts={"os.release": "debian-11"})

    assert world.policy("ref").scan.catalog == "5" * 64
    assert world.policy("web").scan.catalog is None
    assert world.policy("web").scan.content_version == 1


@pytest.mark.parametrize(("kind", "hours"), [("server", 12), ("workstation", 72)])
def test_cadence_follows_the_class(world, kind, hours):
    world.change("web", facts={"class": kind})
    policy = world.policy("web")

    assert policy.scan.every == timedelta(hours=hours)
    assert policy.report_every == timedelta(minutes=15)


def test_computer_that_no_plan_has_seen_starts_nothing_and_scans(world):
    plan = world.plan()
    world.enrol("new")
    policy = world.policy("new", plan)

    assert (policy.windows.always, policy.windows.updates, policy.offers) == (False, (), ())
    assert policy.scan.every == timedelta(hours=1)


def test_policy_ends_after_its_lifetime(world):
    policy = world.policy("ref")

    assert policy.expires_at - policy.issued_at == timedelta(hours=1)
    assert policy.enforce
