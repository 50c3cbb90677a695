"""Times in which nothing starts and nothing opens (S13a)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.freeze import FreezeSpec
from reconciler.model.updates import UpdateState
from reconciler.planning.freezes import frozen_spans, subtract
from tests.unit.planning.emergency_worlds import BLASTER, advertise, emergency_world
from tests.worlds import HEADER, NOW, PlannerWorld, an_update

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = NOW.replace(hour=0)
WINDOWS = 'maintenanceWindows: [{name: n, recurrence: "FREQ=DAILY", start: "08:00", duration: 4h}]'


def freeze(begin=HOUR, end=3 * HOUR, **spec):
    fields = {
        "from": f"{NOW + begin:%Y-%m-%dT%H:%M:%SZ}",
        "until": f"{NOW + end:%Y-%m-%dT%H:%M:%SZ}",
    }
    return written(**fields, **spec)


def written(name="f", **spec):
    fields = ", ".join(f"{key}: {value}" for key, value in spec.items())
    return HEADER + f"kind: Freeze\nmetadata: {{name: {name}}}\nspec: {{{fields}}}\n"


def a_world(*manifests, **edits):
    world = PlannerWorld()
    world.manifests += manifests
    for old, new in edits.pop("edits", ()):
        world.edit(old, new)
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.publish(an_update("app"))
    world.scan(app=UpdateState.MISSING)
    return world


def windows(world, name="ref"):
    return world.policy(name).windows


def conditions(world):
    return {(one.subject, one.type.value) for one in world.plan().conditions}


def test_frozen_span_is_cut_out_of_windows():
    world = a_world(freeze(), edits=[("maintenanceWindows: always", WINDOWS)])
    opens_at = TODAY + 8 * HOUR

    assert windows(world).updates[:2] == (
        (opens_at, NOW + HOUR),
        (opens_at + DAY, opens_at + DAY + 4 * HOUR),
    )
    assert windows(world).restarts == windows(world).updates


def test_always_becomes_the_time_around_the_freeze():
    found = windows(a_world(freeze()))

    assert found.always is False
    assert found.updates == ((TODAY, NOW + HOUR), (NOW + 3 * HOUR, TODAY + 15 * DAY))
    assert found.restarts == found.updates
    assert found.frozen == ((NOW + HOUR, NOW + 3 * HOUR),)


def test_no_freeze_leaves_always_as_it_is():
    assert windows(a_world()).always is True
    assert windows(a_world(freeze(20 * DAY, 21 * DAY))).always is True


def test_freeze_that_ended_is_cut_out_for_as_long_as_starts_are_spread():
    """Starts are spread from where an opening begins: the end of the freeze (S17)."""
    ended = freeze(-2 * DAY, -1 * DAY)
    spread = ("deadline: 1d\n", "deadline: 1d\n      spread: 3d\n")

    assert windows(a_world(ended)).always is True
    assert windows(a_world(ended, edits=[spread])).updates[-1][0] == NOW - DAY


def test_freeze_of_a_collection_freezes_its_members_only():
    world = a_world(freeze(collections="[reference]"))

    assert windows(world, "ref").always is False
    assert windows(world, "web").always is True


def test_freezes_add_up():
    world = a_world(freeze(name="a"), freeze(2 * HOUR, 5 * HOUR, name="b"))

    assert windows(world).frozen == ((NOW + HOUR, NOW + 5 * HOUR),)


def test_freeze_gives_nobody_a_window():
    world = a_world(freeze(), edits=[(", maintenanceWindows: always", "")])

    assert windows(world).updates == ()


def test_emergencies_pass_freezes_that_do_not_include_them():
    world = a_world(
        freeze(name="a"), freeze(4 * HOUR, 5 * HOUR, name="b", includeEmergencies="true")
    )
    policy = world.policy("ref")

    assert len(policy.windows.frozen) == 2
    assert policy.emergency_windows.frozen == ((NOW + 4 * HOUR, NOW + 5 * HOUR),)


def test_emergencies_have_no_windows_of_their_own_where_nothing_differs():
    assert a_world(freeze(includeEmergencies="true")).policy("ref").emergency_windows is None
    assert a_world().policy("ref").emergency_windows is None


def test_emergencies_have_open_windows_where_only_others_are_frozen():
    found = a_world(freeze()).policy("ref").emergency_windows

    assert (found.always, found.frozen) == (True, ())


@pytest.mark.parametrize(
    ("zone", "begins"),
    [("Europe/Rome", 23), ("Asia/Tokyo", 15), ("America/New_York", 5 + 24), (None, 24)],
)
def test_wall_times_are_each_computers_own(zone, begins):
    daily = written(recurrence='"FREQ=DAILY"', start='"00:00"', duration="1h")
    world = a_world(daily)
    world.change("ref", facts={"timezone": zone} if zone else {})

    assert (TODAY + begins * HOUR, TODAY + (begins + 1) * HOUR) in windows(world).frozen


@pytest.mark.parametrize(
    ("day", "start", "end", "expected"),
    [
        # The clock goes from 02:00 to 03:00, that is from 01:00Z to 01:00Z.
        ("2026-03-29", "02:30", "04:00", ((1, 0), (2, 0))),
        ("2026-03-29", "01:30", "02:30", ((0, 30), (1, 0))),
        # The clock goes from 03:00 back to 02:00, that is at 01:00Z; the first 02:30 counts.
        ("2026-10-25", "02:30", "03:30", ((0, 30), (2, 30))),
        ("2026-10-25", "01:30", "02:30", ((-1, 30), (0, 30))),
    ],
)
def test_wall_times_follow_the_change_of_the_clock(day, start, end, expected):
    spec = FreezeSpec(recurrence="FREQ=DAILY", start=start, end=end, timezone="local")
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    begin, close = (midnight + timedelta(hours=hours, minutes=more) for hours, more in expected)
    spans = frozen_spans(spec, ZoneInfo("Europe/Rome"), midnight, midnight + timedelta(hours=3))

    assert spans == ((begin, close),)


def test_whole_target_frozen_keeps_the_phase_from_opening():
    world = a_world(freeze(-HOUR, HOUR, collections="[reference]"))
    world.step()

    assert world.state("first") == "pending"
    assert ("Rollout/monthly/1/first", "Frozen") in conditions(world)


def test_freeze_holds_openings_from_the_instant_of_its_begin():
    world = a_world(freeze(begin=timedelta(0)))
    world.step()

    assert world.state("first") == "pending"


def test_phase_opens_when_the_freeze_ends():
    world = a_world(freeze(-HOUR, HOUR, collections="[reference]"))
    plan = world.step()
    assert plan.wake_at == NOW + HOUR
    world.now = plan.wake_at
    world.step()

    assert world.state("first") == "open"


def test_phase_with_somebody_who_is_not_frozen_opens():
    world = a_world(freeze(-HOUR, HOUR, collections="[reference]"))
    world.enrol("free", ring="reference")
    world.manifests.append(
        HEADER + "kind: Collection\nmetadata: {name: one}\nspec: {computers: [ref]}\n"
    )
    world.manifests[1] = freeze(-HOUR, HOUR, collections="[one]")
    world.step()

    assert world.state("first") == "open"


def test_freeze_without_collections_keeps_even_empty_phases_from_opening():
    world = PlannerWorld()
    world.manifests.append(freeze(-HOUR, HOUR))
    world.publish(an_update("app"))
    world.step()
    assert world.state("first") == "pending"

    world.manifests[1] = freeze(-HOUR, HOUR, collections="[everybody]")
    world.step()
    assert world.state("first") == "open"


def test_for_openings_local_is_utc():
    daily = written(recurrence='"FREQ=DAILY"', start='"00:00"', duration="10h")
    world = a_world(daily)
    world.change("ref", "web", facts={"timezone": "Asia/Tokyo"})
    world.step()
    assert world.state("first") == "pending"

    world.pass_time(hours=1)
    world.step()
    assert world.state("first") == "open"


def test_gate_goes_on_and_frozen_computers_stay_counted():
    world = a_world()
    world.step()
    world.manifests.append(freeze(-HOUR, 9 * HOUR))
    world.pass_time(minutes=1)
    world.install("ref")
    world.step()
    world.pass_time(hours=1)
    world.contact("ref")
    world.step()

    assert world.state("first") == "succeeded"
    assert world.state("rest") == "pending"


@pytest.mark.parametrize(("included", "state"), [("false", "open"), ("true", "pending")])
def test_emergency_opens_unless_the_freeze_includes_emergencies(included, state):
    world = emergency_world(mainline=True)
    world.manifests.append(freeze(-HOUR, HOUR, includeEmergencies=included))
    advertise(world)

    assert world.state("reference", rollout=BLASTER) == state
    assert world.state("first") == "pending"


def test_emergencys_offers_are_marked():
    world = emergency_world(mainline=True)
    advertise(world)
    marks = {one.rollout: one.order.emergency for one in world.offers() if one.updates}

    assert marks == {BLASTER: True, "monthly": False}


def test_freeze_in_force_is_told_with_how_many_it_freezes():
    world = a_world(freeze(-HOUR, HOUR, collections="[reference]"))
    told = {one.subject: one.message for one in world.plan().conditions}

    assert told["Freeze/f"] == "1 computer(s) start nothing until it ends"
    world.pass_time(hours=1)
    assert ("Freeze/f", "Frozen") not in conditions(world)


def test_plan_wakes_when_a_freeze_begins():
    assert a_world(freeze(timedelta(minutes=5), HOUR)).plan().wake_at == NOW + timedelta(minutes=5)


intervals = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda one: (one[0], one[0] + one[1])),
    max_size=6,
)


@given(intervals, intervals)
def test_what_is_left_of_openings_is_every_open_moment_that_is_not_frozen(openings, spans):
    def moments(parts):
        return {hour for begin, end in parts for hour in range(begin, end)}

    def at(parts):
        return [(NOW + begin * HOUR, NOW + end * HOUR) for begin, end in parts]

    left = subtract(at(openings), at(spans))

    hours = [((begin - NOW) // HOUR, (end - NOW) // HOUR) for begin, end in left]
    assert moments(hours) == moments(openings) - moments(spans)
    assert all(begin < end for begin, end in left)
