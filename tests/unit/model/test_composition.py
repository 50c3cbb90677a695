"""Several offers as one run (S12a)."""

from dataclasses import replace

import pytest

from reconciler.agent.due import runnable_offers
from reconciler.model.composition import compose
from reconciler.model.orders import RestartOrder, RunOrder
from reconciler.model.policy import OfferedUpdate
from tests.unit.agent.test_due import HOUR, MEMORY, NOW, OFFER, open_until

LOW = OfferedUpdate("u1", (("app", "all", "1.1"),), yields_to=("u2",))
HIGH = OfferedUpdate("u2", (("app", "all", "1.2"),))
OTHER = OfferedUpdate("u3", (("lib", "all", "1.0"),))


def an_offer(release, *updates, **order):
    return replace(OFFER, release=release, updates=updates, order=RunOrder(**order))


def test_highest_version_wins_in_one_run():
    run = compose([an_offer(1, LOW, OTHER), an_offer(2, HIGH)])

    assert [offer.updates for offer in run] == [(OTHER,), (HIGH,)]


def test_offer_of_which_nothing_is_left_is_not_run():
    assert [offer.release for offer in compose([an_offer(1, LOW), an_offer(2, HIGH)])] == [2]


def test_lower_version_is_installed_where_the_higher_one_does_not_start():
    assert compose([an_offer(1, LOW)])[0].updates == (LOW,)


def test_lower_version_is_installed_where_the_higher_one_has_no_room():
    second = replace(an_offer(2, HIGH), max_runtime=3 * HOUR, mandatory_at=NOW)
    first = replace(an_offer(1, LOW), mandatory_at=NOW)
    policy = replace(open_until(NOW + 2 * HOUR), offers=(first, second))

    assert [offer.updates for offer in runnable_offers(policy, MEMORY, NOW)] == [(LOW,)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("suppress", "if-required", "if-required"),
        ("if-required", "force", "force"),
        ("force", "suppress", "force"),
    ],
)
def test_stricter_restart_rule_wins_for_each_class(one, other, expected):
    first = RestartOrder(servers=one, workstations="suppress", grace=HOUR)
    second = RestartOrder(servers=other, workstations="force")
    run = compose([an_offer(1, LOW, restart=first), an_offer(2, OTHER, restart=second)])

    assert {offer.order.restart for offer in run} == {RestartOrder(expected, "force", HOUR)}


def test_emergencys_restart_rule_wins():
    mine = RestartOrder(servers="if-required")
    run = compose(
        [
            an_offer(1, LOW, restart=RestartOrder(servers="force")),
            an_offer(2, OTHER, restart=mine, emergency=True),
        ]
    )

    assert {offer.order.restart for offer in run} == {mine}
