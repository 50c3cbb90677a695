"""Who may start within a budget, in which order, and when a permit ends (S19)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroaring import FrozenBitMap

from reconciler.model.computers import RunOutcome
from reconciler.model.permits import Permit, Waiting
from reconciler.model.updates import UpdateState
from reconciler.observed.cohorts import Cohorts
from reconciler.planning.guidance import BudgetDomain, WaivedUpdate
from reconciler.planning.permits import Settlement, may_start
from tests.worlds import HEADER, NOW, PlannerWorld, an_update

HOUR = timedelta(hours=1)
APP = "deb:Lab/security/app/1.1"
RETRY = 'resume: {token: "1", how: retry, reason: mended, by: ops}'


def asks(ordinal, **changes):
    made = Waiting(
        computer=f"c{ordinal}",
        ordinal=ordinal,
        name=f"name-{ordinal}",
        advertisement="PWR00002",
        rollout="monthly",
        release=1,
        phase="first",
        rank=2,
        failed_before=False,
        deadline=NOW,
        asked_at=NOW,
    )
    return replace(made, **changes)


def holds(ordinal, **changes):
    made = Permit(
        computer=f"c{ordinal}",
        ordinal=ordinal,
        name=f"name-{ordinal}",
        advertisement="PWR00002",
        rollout="monthly",
        release=1,
        phase="first",
        granted_at=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(made, **changes)


def domain(members, limit, phase=None):
    return BudgetDomain("DisruptionBudget/web", "all", FrozenBitMap(members), limit, phase)


def test_without_a_budget_everybody_may_start():
    assert may_start(asks(1), [asks(1), asks(2)], [holds(3)], [])


@pytest.mark.parametrize(("limit", "granted"), [(1, False), (2, True)])
def test_a_permit_is_given_while_fewer_than_the_limit_are_disrupted(limit, granted):
    assert may_start(asks(1), [], [holds(2)], [domain([1, 2, 3], limit)]) is granted


def test_every_budget_that_applies_has_to_have_room():
    domains = [domain([1, 2], 5), domain([1, 3], 1)]

    assert not may_start(asks(1), [], [holds(3)], domains)


def test_a_phases_budget_binds_only_its_starts_and_counts_everybody():
    domains = [domain([1, 2], 1, ("monthly", 1, "first"))]

    assert not may_start(asks(1), [], [holds(2, rollout="other")], domains)
    assert may_start(asks(1, rollout="other"), [], [holds(2)], domains)


def test_a_computer_that_is_disrupted_already_takes_no_more_room():
    assert may_start(asks(1), [], [holds(1, advertisement="PWR00009")], [domain([1, 2], 1)])


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"rank": 0}, id="an-emergency"),
        pytest.param({"rank": 1}, id="a-higher-priority"),
        pytest.param({"deadline": NOW - HOUR}, id="an-earlier-deadline"),
        pytest.param({"name": "a"}, id="a-smaller-name"),
    ],
)
def test_who_goes_first_is_waited_for(first):
    waiting = [asks(1), asks(2, **first)]

    assert not may_start(asks(1), waiting, [], [domain([1, 2], 1)])
    assert may_start(asks(2, **first), waiting, [], [domain([1, 2], 1)])


def test_who_failed_before_goes_last():
    waiting = [asks(1, failed_before=True), asks(2)]

    assert not may_start(waiting[0], waiting, [], [domain([1, 2], 1)])


def test_who_waits_for_another_budget_holds_up_nobody():
    waiting = [asks(1), asks(2, rank=0)]
    domains = [domain([1, 2], 1), domain([2, 3], 1)]

    assert may_start(waiting[0], waiting, [holds(3)], domains)


@given(st.data())
def test_a_domain_never_has_more_permits_than_its_limit(data):
    """Whoever asks in whatever order; each that is granted keeps its permit."""
    ordinals = st.integers(0, 9)
    domains = [domain(data.draw(st.sets(ordinals)), data.draw(st.integers(1, 3))) for _ in range(3)]
    waiting: dict[int, Waiting] = {}
    permits: list[Permit] = []
    for ordinal in data.draw(st.lists(ordinals, max_size=30)):
        request = asks(ordinal, rank=data.draw(st.integers(0, 3)))
        held = {one.ordinal for one in permits}
        if ordinal in held:
            continue
        waiting[ordinal] = request
        if may_start(request, waiting.values(), permits, domains):
            permits.append(holds(ordinal))
            del waiting[ordinal]
        for one in domains:
            assert sum(permit.ordinal in one.members for permit in permits) <= one.limit


BUDGET = (
    HEADER
    + """
kind: DisruptionBudget
metadata: {name: web}
spec: {collection: everybody, concurrent: 50%, per: cluster}
"""
)


@pytest.fixture
def world():
    world = PlannerWorld()
    world.publish(an_update("app"))
    world.enrol("ref", ring="reference", cluster="a")
    world.enrol("web", cluster="a")
    world.enrol("sql", cluster="a")
    world.enrol("odd")
    world.scan(app=UpdateState.MISSING)
    return world


def test_domains_are_the_parts_that_share_a_value(world):
    """A share is rounded up; those without the fact form one part."""
    world.manifests.append(BUDGET)
    domains = world.plan().guidance.budgets

    assert [(one.value, world.names(one.members), one.limit) for one in domains] == [
        ("cluster=a", {"ref", "web", "sql"}, 2),
        ("no cluster", {"odd"}, 1),
    ]


def test_a_rollouts_budget_is_of_each_phases_target(world):
    world.edit("  releases: {every: 1h}", "  budget: {concurrent: 1}\n  releases: {every: 1h}")
    world.step()

    (found,) = world.plan().guidance.budgets
    assert (found.phase, found.limit) == (("monthly", 1, "first"), 1)
    assert world.names(found.members) == {"ref"}


def test_a_budget_of_what_is_no_longer_offered_binds_nobody(world):
    world.edit("  releases: {every: 1h}", "  budget: {concurrent: 1}\n  releases: {every: 1h}")
    world.step()
    world.edit("spec: {group: rollup}", "spec: {group: rollup, until: 2026-03-02T10:00:00Z}")
    world.pass_time(hours=2)

    assert world.plan().guidance.budgets == ()


def test_agents_are_told_where_they_have_to_ask(world):
    world.step()
    world.capture()
    assert not any(offer.needs_permit for offer in world.policy("ref").offers)

    world.manifests.append(BUDGET)

    assert [offer.needs_permit for offer in world.policy("ref").offers] == [True]


def settled(world, permit, **later):
    """Give what becomes of a permit of `ref` after some time."""
    computers = {one.id: one for one in world.computers.values()}
    now = world.now + timedelta(**later)
    return Settlement(computers, world.memory, world.catalog(), now).settle(permit)


def test_a_permit_ends_where_all_is_waived(world, permit):
    """Also of one that began and fell silent (S19)."""
    computers = {one.id: one for one in world.computers.values()}
    (offer,) = world.offers()
    let_off = WaivedUpdate(FrozenBitMap([permit.ordinal]), Cohorts())
    waivers = dict.fromkeys(offer.updates, let_off)
    catalog = world.catalog()

    assert Settlement(computers, world.memory, catalog, world.now).settle(permit) == permit
    assert Settlement(computers, world.memory, catalog, world.now, waivers).settle(permit) is None


@pytest.fixture
def permit(world):
    world.step()
    (offer,) = world.offers()
    world.pass_time(seconds=1)
    ref = world.computers["ref"]
    return holds(
        ref.ordinal,
        computer=ref.id,
        advertisement=offer.id,
        granted_at=world.now,
        expires_at=world.now + HOUR,
    )


def test_a_permit_that_is_not_used_ends_after_its_time(world, permit):
    assert settled(world, permit, minutes=59) == permit
    assert settled(world, permit, minutes=60) is None


def test_contact_renews_it(world, permit):
    world.pass_time(minutes=50)
    world.contact("ref")

    assert settled(world, permit, minutes=59) == permit


def test_one_that_has_begun_a_run_is_kept_also_when_silent(world, permit):
    world.pass_time(seconds=1)
    world.run("ref", outcome=RunOutcome.BEGAN, ended_at=None)

    assert settled(world, permit, days=30) == replace(permit, began=True)


def test_it_ends_when_a_scan_verifies_the_run(world, permit):
    world.pass_time(seconds=1)
    world.run("ref")
    assert settled(world, permit) == replace(permit, began=True)

    world.pass_time(seconds=1)
    world.scan("ref", app=UpdateState.INSTALLED)

    assert settled(world, permit) is None


@pytest.mark.parametrize(("rule", "is_kept"), [("suppress", False), ("if-required", True)])
def test_a_restart_that_is_due_belongs_to_the_disruption_unless_suppressed(
    world, permit, rule, is_kept
):
    world.edit(
        "  releases: {every: 1h}", f"  restart: {{servers: {rule}}}\n  releases: {{every: 1h}}"
    )
    world.step()
    world.pass_time(seconds=1)
    world.run("ref")
    world.pass_time(seconds=1)
    world.scan("ref", app=UpdateState.PENDING_RESTART)

    assert (settled(world, permit) is not None) == is_kept


def test_a_failed_one_is_kept_for_a_day_at_most(world, permit):
    """The recurrence is seven days."""
    world.pass_time(seconds=1)
    world.run("ref", outcome=RunOutcome.FAILED)

    assert settled(world, permit, hours=23) == replace(permit, began=True, failed=True)
    assert settled(world, permit, hours=24) is None


def test_an_order_to_retry_frees_the_permits_of_those_that_failed_before(world, permit):
    world.pass_time(seconds=1)
    world.run("ref", outcome=RunOutcome.FAILED)
    failed = replace(permit, began=True, failed=True)
    world.step()
    assert world.state("first") == "halted"
    assert settled(world, permit) == failed

    world.edit("  releases: {every: 1h}", f"  {RETRY}\n  releases: {{every: 1h}}")
    world.step()
    assert world.state("first") == "open"
    assert settled(world, permit) is None

    world.pass_time(seconds=1)
    world.run("ref", outcome=RunOutcome.FAILED)
    assert settled(world, permit) == failed


def test_accepting_a_halted_phase_leaves_permits_with_those_that_failed(world, permit):
    world.pass_time(seconds=1)
    world.run("ref", outcome=RunOutcome.FAILED)
    world.step()
    accept = RETRY.replace("retry", "accept, release: 1, phase: first")
    world.edit("  releases: {every: 1h}", f"  {accept}\n  releases: {{every: 1h}}")
    world.step()

    assert world.state("first") == "succeeded"
    assert settled(world, permit) == replace(permit, began=True, failed=True)


@pytest.mark.parametrize("change", [{"retired": True}, {"refusal": "diskFull"}])
def test_a_retired_computer_or_a_refused_run_gives_it_back(world, permit, change):
    world.change("ref", **change)

    assert settled(world, permit) is None


def test_a_held_advertisement_gives_it_back(world, permit):
    offers = {key: replace(one, held=True) for key, one in world.memory.advertisements.items()}
    world.memory = replace(world.memory, advertisements=offers)

    assert settled(world, permit) is None


@pytest.mark.parametrize(
    ("change", "is_told"),
    [({"failed": True, "began": True}, True), ({"began": True}, False), ({}, False)],
)
def test_a_budget_is_exhausted_when_only_failed_or_silent_ones_hold_it(
    world, permit, change, is_told
):
    world.manifests.append(BUDGET.replace("50%", "1"))
    world.permits = (replace(permit, **change),)
    world.contact("ref")

    assert ("BudgetExhausted" in world.told()) == is_told


def test_a_silent_holder_exhausts_a_budget_too(world, permit):
    world.manifests.append(BUDGET.replace("50%", "1"))
    world.permits = (replace(permit, began=True),)
    world.pass_time(hours=3)

    assert "BudgetExhausted" in world.told()


@pytest.mark.parametrize(("second", "is_told"), [({}, False), ({"failed": True}, True)])
def test_a_budget_with_a_holder_that_may_still_succeed_is_not_exhausted(
    world, permit, second, is_told
):
    """User starts count without a permit's leave: more may be disrupted than the budget allows."""
    world.manifests.append(BUDGET.replace("50%", "1"))
    world.contact("ref", "web")
    other = replace(permit, computer=world.computers["web"].id, ordinal=1, name="web", began=True)
    world.permits = (replace(permit, began=True, failed=True), replace(other, **second))

    assert ("BudgetExhausted" in world.told()) == is_told
