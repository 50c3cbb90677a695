"""Conditions of the status follow the conventions of Kubernetes (S30)."""

from datetime import timedelta

import pytest

from reconciler.engine.conditions import FALSE, TRUE, Told, follow, site_conditions, told_by
from reconciler.engine.desire import Desire
from reconciler.model.codec import encode
from tests.worlds import NOW, PlannerWorld, an_update

HALTED = Told("Rollout/web/1/first", "Halted", TRUE, "TooManyFailed", "too many runs failed")
LATER = NOW + timedelta(hours=1)


def statuses(told):
    return {one.type: (one.status, one.reason) for one in told}


def test_transition_time_stays_while_the_status_stays():
    before, _ = follow([HALTED], [], "a" * 40, NOW)
    after, events = follow([HALTED], before, "b" * 40, LATER)

    assert [one["lastTransitionTime"] for one in after] == [encode(NOW)]
    assert [one["observedGeneration"] for one in after] == ["b" * 40]
    assert events == []


def test_a_condition_that_begins_or_ends_is_one_event():
    before, began = follow([HALTED], [], "a" * 40, NOW)
    after, ended = follow([], before, "a" * 40, LATER)

    assert [(one.type, one.status, one.at) for one in began] == [("Halted", TRUE, NOW)]
    assert [(one.type, one.status, one.at) for one in ended] == [("Halted", FALSE, LATER)]
    assert after == []


def test_what_is_false_from_the_start_is_no_event():
    _, events = follow([Told("Site/main", "Stalled", FALSE, "Converged", "")], [], "", NOW)

    assert events == []


def test_a_status_of_an_older_form_counts_as_nothing_known():
    before = [{"subject": HALTED.subject, "type": HALTED.type, "message": "x"}]
    after, events = follow([HALTED], before, "", NOW)

    assert len(after) == len(events) == 1


def test_every_condition_of_a_plan_has_its_reason():
    world = PlannerWorld()
    (told,) = (one for one in told_by(world.plan().conditions) if one.type == "NothingToOffer")

    assert told.reason == "NothingSelected"


def test_a_fleet_on_its_way_is_reconciling():
    world = PlannerWorld()
    world.publish(an_update("app"))

    assert statuses(site_conditions("main", world.plan(), Desire())) == {
        "Ready": (FALSE, "Progressing"),
        "Reconciling": (TRUE, "Progressing"),
        "Stalled": (FALSE, "Progressing"),
    }


def test_a_fleet_without_anything_to_do_is_ready():
    world = PlannerWorld()
    world.step()

    assert statuses(site_conditions("main", world.plan(), Desire()))["Ready"] == (TRUE, "Converged")


def test_a_site_that_observes_is_neither():
    world = PlannerWorld()
    world.edit("mode: enforce", "mode: observe")
    world.publish(an_update("app"))

    found = statuses(site_conditions("main", world.plan(), Desire()))
    assert {status for status, _ in found.values()} == {FALSE}
    assert {reason for _, reason in found.values()} == {"Observing"}


@pytest.mark.parametrize(
    ("desire", "failure", "reason"),
    [
        (Desire(failure="no route"), "", "SourceUnreadable"),
        (Desire(), "disk full", "PassFailed"),
        (Desire(), "", "NoRevision"),
    ],
)
def test_what_needs_a_person_is_stalled(desire, failure, reason):
    found = statuses(site_conditions("main", None, desire, failure))

    assert found["Stalled"] == (TRUE, reason)
    assert found["Ready"] == (FALSE, reason)
