"""Each computer's own deadline (S17)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap, FrozenBitMap

from reconciler.model.updates import UpdateState
from reconciler.observed.cohorts import Cohorts
from reconciler.observed.memory import Membership
from reconciler.planning.own_deadlines import Terms, last_due, own_deadline, own_deadlines
from tests.worlds import NOW, PlannerWorld, an_update

MISSING = UpdateState.MISSING
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ROME = ZoneInfo("Europe/Rome")


def a_world(deadline="1d", grace="2h", **edits):
    """The first phase is open since NOW on one of two computers."""
    world = PlannerWorld()
    world.edit("deadline: 1d\n", f"deadline: {deadline}\n      grace: {grace}\n")
    for old, new in edits.items():
        world.edit(old, new)
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    world.capture()
    return world


def deadline(world, name="ref"):
    (offer,) = world.policy(name).offers
    return offer.mandatory_at


def membership(world, phase="first"):
    return world.memory.memberships["monthly", 1, phase]


def test_deadline_is_the_phases_for_who_was_there():
    assert deadline(a_world()) == NOW + DAY


def test_grace_counts_from_the_opening_at_least():
    assert deadline(a_world(grace="3d")) == NOW + 3 * DAY


def with_old():
    """`ref` was in contact at the opening, and `old` entered a moment later and is silent."""
    world = a_world()
    world.enrol("old", ring="reference")
    world.change("old", states=dict.fromkeys(world.entries, MISSING), last_contact_at=NOW - DAY)
    world.step()
    return world


@pytest.mark.parametrize("local", [True, False])
def test_last_deadline_of_a_phase_is_not_before_the_opening_and_the_grace(local):
    terms = Terms(NOW + HOUR, local, opened_at=NOW, grace=DAY)

    assert last_due(terms, BitMap([0]), lambda who: [(ROME, who)]) == NOW + DAY


def test_first_contact_that_can_move_no_deadline_is_noted_after_an_hour():
    world = with_old()
    world.pass_time(minutes=59)
    world.contact("old")
    assert world.step().actions == ()
    assert world.names(membership(world).awaited) == {"old"}

    world.pass_time(minutes=1)
    world.step()

    assert not membership(world).awaited
    assert membership(world).joined == Cohorts()


@pytest.mark.parametrize("noted", [True, False])
def test_after_an_outage_of_the_site_only_who_was_not_known_to_be_there_has_grace(noted):
    """The contact that was known is the first, whenever the next plan is made."""
    world = with_old()
    world.pass_time(hours=2)
    if noted:
        world.contact("old")
        world.step()
    world.pass_time(days=5)
    world.contact("ref", "old")
    world.step()

    expected = NOW + DAY if noted else world.now + 2 * HOUR
    assert (deadline(world, "ref"), deadline(world, "old")) == (NOW + DAY, expected)


def test_first_contact_before_it_matters_moves_nothing_when_it_is_seen_after():
    """The plan after the outage sees a contact from before contacts begin to move deadlines."""
    world = with_old()
    world.pass_time(hours=21)
    world.contact("old")
    world.pass_time(hours=12)
    world.step()

    assert not membership(world).awaited
    assert deadline(world, "old") == NOW + DAY


def test_plan_wakes_when_first_contacts_begin_to_move_deadlines():
    world = a_world()
    wakes = set()
    while (at := world.plan().wake_at) is not None and at <= NOW + DAY:
        wakes.add(at)
        world.now = at

    assert NOW + DAY - 2 * HOUR in wakes


def silent_world():
    """`ref` was in contact after the opening, `old` was not before contacts count."""
    world = with_old()
    world.pass_time(hours=1)
    world.contact("ref")
    world.pass_time(hours=21)
    world.step()
    return world


def test_who_was_in_contact_in_time_keeps_the_deadline():
    world = silent_world()
    world.pass_time(days=5)
    world.contact("ref")
    world.step()

    assert deadline(world, "ref") == NOW + DAY


def test_who_comes_back_after_the_deadline_has_grace_from_the_first_contact():
    world = silent_world()
    assert world.names(membership(world).awaited) == {"old"}

    world.pass_time(days=5)
    world.contact("old")
    back_at = world.now
    world.step()
    world.pass_time(days=1)
    world.contact("old")
    world.step()

    assert deadline(world, "old") == back_at + 2 * HOUR
    assert membership(world).joined.moments == (back_at,)


def test_policy_of_a_first_contact_does_not_wait_for_a_plan_to_see_it():
    world = silent_world()
    world.pass_time(days=5)

    assert deadline(world, "old") == world.now + 2 * HOUR


def test_who_entered_has_its_grace_where_a_commit_brings_the_deadline_forward():
    world = a_world(deadline="30d")
    world.pass_time(days=10)
    world.enrol("new", ring="reference")
    world.scan("new", app=MISSING)
    came_at = world.now
    world.step()
    world.edit("deadline: 30d", "deadline: 5d")
    world.pass_time(minutes=1)
    world.step()

    assert deadline(world, "new") == came_at + 2 * HOUR
    assert deadline(world, "ref") == NOW + 5 * DAY


def test_entering_is_not_joining():
    """Who enters and stays silent has grace from the first contact after that."""
    world = a_world()
    world.pass_time(days=3)
    world.change("web", facts={"ring": "reference"}, last_contact_at=world.now - HOUR)
    world.step()
    world.pass_time(days=1)
    world.contact("web")
    world.step()

    assert deadline(world, "web") == world.now + 2 * HOUR


def test_without_a_deadline_nothing_is_recorded():
    world = PlannerWorld()
    world.edit("      deadline: 1d\n", "")
    world.enrol("ref", ring="reference")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    world.step()
    world.pass_time(days=9)
    world.contact("ref")

    assert world.step().actions == ()


def two_phases(first_deadline):
    """Both phases are open; `web` is in the second, due two days after its opening."""
    world = a_world(first_deadline)
    world.install("ref")
    world.step()
    world.pass_time(hours=1)
    world.contact("ref")
    world.step()
    world.capture()
    assert world.state("rest") == "open"
    return world


def test_move_between_phases_never_makes_a_deadline_later():
    world = two_phases("9d")
    before = deadline(world, "web")
    world.change("web", facts={"ring": "reference"})
    world.step()

    assert world.targets("first") == {"ref", "web"}
    assert deadline(world, "web") == before
    assert before < NOW + 9 * DAY


def test_move_between_phases_may_make_a_deadline_earlier():
    world = two_phases("1d")
    before = deadline(world, "web")
    world.change("web", facts={"ring": "reference"})
    world.step()

    assert deadline(world, "web") == NOW + DAY < before


LOCAL = {"releases: {every: 1h}": "timeBasis: local\n  releases: {every: 1h}"}


@pytest.mark.parametrize(
    ("zone", "hours"), [("Europe/Rome", -1), ("Asia/Tokyo", -9), ("America/New_York", 5), (None, 0)]
)
def test_instant_is_read_as_each_computers_wall_time(zone, hours):
    world = a_world("2026-03-05T00:00:00Z", **LOCAL)
    world.change("ref", facts={"timezone": zone} if zone else {})

    assert deadline(world) == datetime(2026, 3, 5, tzinfo=UTC) + hours * HOUR


def test_site_zone_counts_where_the_computer_tells_none():
    world = a_world(
        "2026-03-05T00:00:00Z",
        **LOCAL,
        **{"code: PWR,": "code: PWR, timezone: Asia/Tokyo,"},
    )

    assert deadline(world) == datetime(2026, 3, 4, 15, tzinfo=UTC)


def test_duration_runs_from_the_opening_whatever_the_time_basis():
    world = a_world("1d", **LOCAL)
    world.change("ref", facts={"timezone": "Asia/Tokyo"})

    assert deadline(world) == NOW + DAY


def test_local_deadline_that_has_passed_stays_passed():
    """A computer that flies west does not get its evening back."""
    world = a_world("2026-03-05T00:00:00Z", **LOCAL)
    world.change("ref", facts={"timezone": "Asia/Tokyo"})
    world.step()
    world.now = datetime(2026, 3, 4, 15, tzinfo=UTC)
    world.contact("ref")
    world.step()
    world.change("ref", facts={"timezone": "America/New_York"})

    assert deadline(world) == datetime(2026, 3, 4, 15, tzinfo=UTC)


def test_local_deadline_ahead_follows_the_computer():
    world = a_world("2026-03-05T00:00:00Z", **LOCAL)
    world.change("ref", facts={"timezone": "Asia/Tokyo"})
    world.step()
    world.change("ref", facts={"timezone": "America/New_York"})
    world.step()

    assert deadline(world) == datetime(2026, 3, 5, 5, tzinfo=UTC)


def test_plan_wakes_at_the_local_deadline():
    world = a_world("2026-03-05T00:00:00Z", **LOCAL)
    world.change("ref", facts={"timezone": "Asia/Tokyo"})
    world.now = datetime(2026, 3, 4, 14, tzinfo=UTC)
    world.step()

    assert world.plan().wake_at == datetime(2026, 3, 4, 15, tzinfo=UTC)


def test_gate_is_missed_only_after_the_last_zone_and_the_spread():
    world = a_world("2026-03-05T00:00:00Z", grace="0s\n      spread: 1h", **LOCAL)
    world.change("ref", facts={"timezone": "America/New_York"})
    world.now = datetime(2026, 3, 5, 5, 59, tzinfo=UTC)
    world.scan("ref")
    assert "GateMissed" not in world.told()

    world.pass_time(minutes=1)
    assert "GateMissed" in world.told()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        # The clock goes from 02:00 to 03:00, at 01:00Z; what lies between is the gap's end.
        ("2026-03-29T01:59:59Z", "2026-03-29T00:59:59+00:00"),
        ("2026-03-29T02:00:00Z", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T02:59:59Z", "2026-03-29T01:00:00+00:00"),
        ("2026-03-29T03:00:00Z", "2026-03-29T01:00:00+00:00"),
        # The clock goes from 03:00 back to 02:00, at 01:00Z; the first of two counts.
        ("2026-10-25T01:59:59Z", "2026-10-24T23:59:59+00:00"),
        ("2026-10-25T02:30:00Z", "2026-10-25T00:30:00+00:00"),
        ("2026-10-25T03:00:00Z", "2026-10-25T02:00:00+00:00"),
    ],
)
def test_wall_times_where_the_clock_changes(written, expected):
    due_at = datetime.fromisoformat(written)
    terms = Terms(due_at, local=True, opened_at=due_at - 9 * DAY, grace=timedelta(0))

    assert terms.due_in(ROME) == datetime.fromisoformat(expected)


ordinals = st.sets(st.integers(0, 7))
moments = st.integers(0, 72).map(lambda hours: NOW + hours * HOUR)


@st.composite
def memberships(draw):
    cohorts = Cohorts()
    for _ in range(draw(st.integers(0, 3))):
        cohorts = cohorts.at(draw(moments), BitMap(draw(ordinals)))
    capped = Cohorts()
    for _ in range(draw(st.integers(0, 3))):
        capped = capped.at(draw(moments), BitMap(draw(ordinals)))
    everybody = FrozenBitMap(range(8))
    awaited = draw(
        st.none() | ordinals.map(lambda who: FrozenBitMap(BitMap(who) - cohorts.everybody))
    )
    return Membership("r", 1, "p", everybody, joined=cohorts, capped=capped, awaited=awaited)


graces = st.integers(0, 48).map(lambda hours: hours * HOUR)
some_terms = st.builds(Terms, moments, st.booleans(), moments, graces)


@given(memberships(), ordinals, some_terms)
def test_one_computers_deadline_is_the_one_of_its_set(one, romans, terms):
    """The policy's rule and the planner's set operations are two forms of one rule."""

    def zoned(who):
        return [(ROME, who & BitMap(romans)), (UTC, who - BitMap(romans))]

    now = NOW + 80 * HOUR
    parts = list(own_deadlines(terms, one, one.members, zoned, now))

    assert sorted(ordinal for _, who in parts for ordinal in who) == list(range(8))
    for due, who in parts:
        for ordinal in who:
            zone = ROME if ordinal in romans else UTC
            assert own_deadline(terms, one, ordinal, zone, now) == due
