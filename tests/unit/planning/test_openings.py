"""When phases open, and who is in them (S12 to S13)."""

from datetime import timedelta

import pytest

from reconciler.model.updates import UpdateState
from reconciler.observed.catalog import SourceFreshness
from tests.worlds import PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
REST = "collection: everybody, deadline: 2d,"
TEN = "2026-03-02T10:00:00Z"
TICK = timedelta(microseconds=1)


def a_world(opens=""):
    """Two reference computers and one other miss an update; `opens` is the second phase's."""
    world = PlannerWorld()
    if opens:
        world.edit(REST, f"{REST} opens: {opens},")
    world.edit("gate: {success: 90%, soak: 1h}", "gate: {success: 90%}")
    for name in ("ref-1", "ref-2"):
        world.enrol(name, ring="reference")
    world.enrol("web")
    world.publish(an_update("app"))
    world.scan(app=MISSING)
    return world


def pass_first(world):
    world.step()
    world.now += TICK
    world.install("ref-1", "ref-2")
    world.step()


def take_first_out(world):
    """Take the first phase out of the list; give the manifests as they were."""
    before = world.manifests
    text = before[0]
    start, stop = text.index("    - name: first"), text.index("    - {name: rest")
    world.manifests = [text[:start] + text[stop:], *before[1:]]
    return before


@pytest.mark.parametrize(("early", "state"), [(0 * TICK, "open"), (TICK, "pending")])
def test_instant_replaces_what_comes_before(early, state):
    world = a_world(f"{{at: {TEN}}}")
    world.step()
    world.now += timedelta(hours=1) - early
    world.step()

    assert (world.state("first"), world.state("rest")) == ("open", state)


@pytest.mark.parametrize(
    ("opens", "hours", "state"),
    [
        ("", 0, "open"),
        ("{after: previous}", 0, "open"),
        (f"{{notBefore: {TEN}}}", 0, "pending"),
        (f"{{notBefore: {TEN}}}", 1, "open"),
        (f"{{after: previous, notBefore: {TEN}}}", 0, "pending"),
        (f"{{at: {TEN}}}", 0, "pending"),
    ],
)
def test_phase_opens_after_the_one_before_and_not_before_its_instant(opens, hours, state):
    world = a_world(opens)
    pass_first(world)
    world.pass_time(hours=hours)
    world.scan("ref-1", "ref-2")
    world.step()

    assert world.state("rest") == state


def test_not_before_does_not_replace_the_phase_before():
    world = a_world(f"{{notBefore: {TEN}}}")
    world.step()
    world.pass_time(hours=2)
    world.step()

    assert world.state("rest") == "pending"


def test_plan_wakes_at_the_instant_of_an_opening():
    world = a_world(f"{{at: {TEN}}}")
    world.step()

    assert f"{world.plan().wake_at:%H:%M}" == "10:00"


def regressed_world(resume=""):
    world = a_world(f"{{notBefore: {TEN}}}")
    pass_first(world)
    if resume:
        text = f"resume: {{token: t, how: {resume}, reason: r, by: b, release: 1, phase: first}}"
        world.edit("  authorization: monthly\n", f"  authorization: monthly\n  {text}\n")
        world.step()
    world.pass_time(hours=2)
    world.scan("ref-1", app=MISSING)
    world.scan("ref-2")
    world.step()
    return world


@pytest.mark.parametrize(
    ("resume", "state"), [("", "pending"), ("accept", "open"), ("skip", "open")]
)
def test_regressed_phase_holds_the_next_one_unless_a_person_let_it_pass(resume, state):
    world = regressed_world(resume)

    assert world.state("first") == "succeeded"
    assert world.state("rest") == state
    assert ("Regressed" in world.told()) == (not resume)


def test_regressed_phase_that_recovers_lets_the_next_one_open():
    world = regressed_world()
    world.install("ref-1")
    world.step()

    assert world.state("rest") == "open"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  releases: {every: 1h}\n", "  suspend: {reason: r, by: b}\n"),
        ("{group: rollup}", "{group: rollup, suspend: {reason: r, by: b}}"),
        ("type: rollup,", "type: rollup, suspend: {reason: r, by: b},"),
        ("{group: rollup}", "{group: rollup, from: 2026-04-01T00:00:00Z}"),
        ("{group: rollup}", f"{{group: rollup, until: {TEN}}}"),
    ],
)
def test_nothing_opens_while_the_rollout_is_paused(old, new):
    world = a_world(f"{{at: {TEN}}}")
    world.step()
    world.edit(old, new)
    world.pass_time(hours=1)
    world.step()

    assert world.state("rest") == "pending"
    assert all(offer.held for offer in world.offers())
    assert world.plan().actions == ()


def test_suspension_ends_by_itself():
    world = a_world(f"{{at: {TEN}}}")
    world.edit("{group: rollup}", f"{{group: rollup, suspend: {{reason: r, by: b, until: {TEN}}}}}")
    world.step()
    assert f"{world.plan().wake_at:%H:%M}" == "10:00"
    world.pass_time(hours=1)
    world.step()

    assert (world.state("first"), world.state("rest")) == ("open", "open")


@pytest.mark.parametrize(
    ("span", "condition"),
    [("from: 2026-04-01T00:00:00Z", "NothingToOffer"), (f"until: {TEN}", "Ended")],
)
def test_authorization_out_of_force_is_told(span, condition):
    world = a_world()
    world.edit("{group: rollup}", f"{{group: rollup, {span}}}")
    world.pass_time(hours=1)
    world.step()

    assert condition in world.told()
    assert not world.memory.releases


def test_ended_authorization_retires_the_objects_and_keeps_the_record():
    world = a_world()
    world.edit("{group: rollup}", f"{{group: rollup, until: {TEN}}}")
    world.step()
    assert world.offers()
    world.pass_time(hours=1)
    world.step()

    assert (world.offers(), world.memory.packages) == ([], {})
    assert world.memory.releases["monthly", 1].offered()
    assert world.plan().actions == ()


def test_plan_never_runs_behind_the_newest_transition():
    world = a_world()
    world.step()
    opened_at = world.now
    world.pass_time(hours=-3)
    plan = world.plan()

    assert plan.now == opened_at
    assert "ClockBehind" in {condition.type for condition in plan.conditions}


def test_entry_of_a_late_computer_is_a_transition():
    world = a_world()
    pass_first(world)
    world.pass_time(days=2)
    world.enrol("late")
    world.step()

    assert world.memory.latest_transition() == world.now


def test_memory_without_records_holds_no_transition():
    assert PlannerWorld().memory.latest_transition() is None


def test_seen_token_is_a_transition():
    world = a_world()
    world.step()
    world.pass_time(minutes=5)
    text = "resume: {token: t, how: retry, reason: r, by: b}"
    world.edit("  authorization: monthly\n", f"  authorization: monthly\n  {text}\n")
    world.step()

    assert world.memory.latest_transition() == world.now


@pytest.mark.parametrize(("aside", "is_told"), [("2 records", True), ("", False)])
def test_records_that_are_set_aside_are_told(aside, is_told):
    world = a_world()
    world.step()
    world.sources = {"lab": SourceFreshness("lab", world.now, set_aside=aside)}

    assert ("RecordsSetAside" in world.told()) == is_told


@pytest.mark.parametrize(("problem", "is_told"), [("404", True), ("", False)])
def test_source_that_cannot_be_read_is_told_and_retires_nothing(problem, is_told):
    world = a_world()
    world.step()
    world.sources = {"lab": SourceFreshness("lab", world.now, problem)}

    assert ("CatalogStale" in world.told()) == is_told
    assert world.plan().actions == ()


def test_next_release_waits_for_a_first_phase_that_has_not_opened():
    """The second phase opened at its instant, so the release takes nothing in any more."""
    world = a_world(f"{{at: {TEN}}}")
    world.edit("deadline: 1d\n", "opens: {notBefore: 2026-04-01T00:00:00Z}\n")
    world.pass_time(hours=1)
    world.step()
    world.pass_time(hours=5)
    world.publish(an_update("lib"))
    world.step()

    assert (world.state("first"), world.state("rest")) == ("pending", "open")
    assert ("monthly", 2) not in world.memory.releases
    assert "ReleaseWaiting" in world.told()


def test_computer_moves_to_an_earlier_phase_that_has_opened():
    world = a_world()
    pass_first(world)
    world.change("web", facts={"ring": "reference"})
    world.step()

    assert world.targets("first") == {"ref-1", "ref-2", "web"}
    assert world.targets("rest") == set()


def test_computer_does_not_move_to_a_later_phase_while_it_belongs_to_its_own():
    world = a_world()
    pass_first(world)
    swapped = world.manifests[0]
    first = swapped[swapped.index("    - name: first") : swapped.index("    - {name: rest")]
    rest = swapped[swapped.index("    - {name: rest") :]
    world.manifests = [swapped.replace(first + rest, rest + first)]
    world.step()

    assert world.targets("rest") == {"web", "ref-1", "ref-2"}


def test_computer_that_left_the_collection_leaves_the_phase():
    world = a_world()
    pass_first(world)
    world.change("ref-2", facts={"ring": "none"})
    world.step()

    assert world.targets("first") == {"ref-1"}
    assert world.targets("rest") == {"web", "ref-2"}


def test_removed_phase_ends():
    world = a_world()
    pass_first(world)
    take_first_out(world)
    world.step()

    assert [offer.phase for offer in world.offers()] == ["rest"]
    assert world.targets("rest") == {"ref-1", "ref-2", "web"}
    assert world.plan().actions == ()


def test_removed_phase_that_is_written_again_opens_anew():
    world = a_world()
    pass_first(world)
    before = take_first_out(world)
    world.step()
    world.manifests = before
    world.pass_time(days=3)
    world.step()

    assert world.record("first").opened_at == world.now


def test_nobody_is_late_in_a_phase_that_is_written_again():
    world = a_world()
    pass_first(world)
    before = take_first_out(world)
    world.step()
    assert ("monthly", 1, "first") not in world.memory.memberships

    world.enrol("ref-3", ring="reference")
    world.manifests = before
    world.pass_time(days=3)
    world.step()

    assert "ref-3" in world.targets("first")
    assert not world.memory.memberships["monthly", 1, "first"].entered.everybody


def test_inserted_phase_opens_by_itself():
    world = a_world()
    pass_first(world)
    world.edit(
        "    - name: first\n",
        "    - {name: canary, collection: reference, gate: {success: 50%}}\n    - name: first\n",
    )
    world.step()

    assert world.state("canary") == "open"
    assert (world.state("first"), world.state("rest")) == ("succeeded", "open")
    assert world.plan().actions == ()
