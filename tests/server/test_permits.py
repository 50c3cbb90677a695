"""A computer asks for a permit; the answer is one transaction (S19)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from pyroaring import FrozenBitMap

from reconciler.engine.permits import PermitDesk, settle_permits
from reconciler.model.computers import Run, RunOutcome
from reconciler.observed.catalog import Catalog
from reconciler.observed.fleet import Fleet
from reconciler.observed.memory import Membership
from reconciler.observed.state import ObservedState
from reconciler.planning.guidance import BudgetDomain, Guidance
from tests.server.world import NOW
from tests.store.builders import ADVERTISEMENT, PACKAGE, PROGRAM

ASKED = {"advertisement": ADVERTISEMENT.id}
EVERYBODY = FrozenBitMap(range(10))


def guidance(limit=1):
    budget = BudgetDomain("DisruptionBudget/web", "all", EVERYBODY, limit)
    return Guidance(enforce=True, windows=(), scans=(), budgets=(budget,))


@pytest.fixture
def offered(world):
    with world.store.write() as work:
        for record in (PACKAGE, PROGRAM, ADVERTISEMENT):
            work.records.put(record)
        work.documents.save_guidance(guidance())
    return world


def permits(world):
    with world.store.read() as view:
        return view.permits.all()


def ask_for(world, computer, at=NOW):
    with world.store.write() as work:
        return PermitDesk(timedelta(seconds=30)).ask(work, computer, ADVERTISEMENT.id, at)


def enrol(world, name):
    with world.store.write() as work:
        return work.computers.enrol(name, name, NOW)


def test_a_permit_lives_as_long_as_the_program_may_run(offered, client):
    response = client.post("/v1/permits", json=ASKED)

    assert response.status_code == 200
    assert response.json() == {"granted": True, "expiresAt": "2026-03-01T13:00:00Z"}
    assert [one.computer for one in permits(offered)] == [offered.computer]


def test_asking_again_gives_the_same_permit(offered, client):
    first, second = (client.post("/v1/permits", json=ASKED).json() for _ in range(2))

    assert first == second
    assert len(permits(offered)) == 1


def test_when_the_budget_is_used_up_it_is_not_granted(offered, client):
    other = enrol(offered, "web-02")
    assert ask_for(offered, other.id).granted

    assert client.post("/v1/permits", json=ASKED).json() == {"granted": False, "expiresAt": None}


@pytest.mark.parametrize("identity", ["PWR0FFFF", "x", ""])
def test_for_what_is_not_advertised_there_is_no_permit(offered, client, identity):
    assert not client.post("/v1/permits", json={"advertisement": identity}).json()["granted"]
    assert permits(offered) == ()


def test_a_stranger_is_refused(client):
    headers = {"authorization": "Bearer forged"}

    assert client.post("/v1/permits", json=ASKED, headers=headers).status_code == 401


def test_a_malformed_request_is_refused(client):
    assert client.post("/v1/permits", json={"ad": 1}).status_code == 400


def test_asking_at_once_grants_no_more_than_the_limit(offered):
    computers = [enrol(offered, f"web-{number}") for number in range(2, 8)]
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda one: ask_for(offered, one.id), computers))

    assert sum(reply.granted for reply in replies) == 1


def test_who_asked_long_ago_is_not_waited_for(offered):
    """Two polls later nobody knows whether it could still start."""
    first, second, third = (enrol(offered, name) for name in ("a", "b", "c"))
    assert ask_for(offered, third.id).granted
    assert not ask_for(offered, first.id).granted
    with offered.store.write() as work:
        work.permits.release(third.id)

    assert not ask_for(offered, second.id, NOW + timedelta(seconds=60)).granted
    assert ask_for(offered, second.id, NOW + timedelta(seconds=61)).granted


def observed(world, computers):
    memory_of = {(ADVERTISEMENT.id,): ADVERTISEMENT}
    with world.store.read() as view:
        memory, held = view.records.load_memory(), view.permits.all()
    membership = Membership("web", 1, "reference", EVERYBODY)
    memory = replace(
        memory, advertisements=memory_of, memberships={("web", 1, "reference"): membership}
    )
    return ObservedState(Fleet(computers), Catalog(), memory, permits=held)


def begin(world, computer):
    """Have a computer begin a run."""
    run = Run("web", 1, RunOutcome.BEGAN, NOW)
    begun = replace(computer, runs={"web/1": run})
    with world.store.write() as work:
        work.computers.save(begun)
    return begun


def test_a_start_by_the_user_counts_without_having_asked(offered):
    web = begin(offered, enrol(offered, "web-02"))
    settle_permits(offered.store, observed(offered, [web]), guidance(), NOW)

    (permit,) = permits(offered)
    assert (permit.computer, permit.by_user, permit.began) == (web.id, True, True)
    assert not ask_for(offered, offered.computer).granted


def test_a_released_permit_of_a_silent_run_does_not_come_back(offered):
    """Its end was never told: only the next contact shows that it is under way still."""
    web = begin(offered, enrol(offered, "web-02"))
    settle_permits(offered.store, observed(offered, [web]), guidance(), NOW)
    later = NOW + timedelta(hours=1)
    settle_permits(offered.store, observed(offered, [web]), guidance(), later)
    assert [one.began for one in permits(offered)] == [True]

    with offered.store.write() as work:
        work.permits.release(web.id)
    settle_permits(offered.store, observed(offered, [web]), guidance(), later)
    assert permits(offered) == ()
    assert ask_for(offered, offered.computer, later).granted

    back = replace(web, last_contact_at=later)
    settle_permits(offered.store, observed(offered, [back]), guidance(), later)
    assert web.id in {one.computer for one in permits(offered)}


def test_a_permit_that_ended_makes_room(offered):
    web = enrol(offered, "web-02")
    ask_for(offered, web.id)
    later = NOW + timedelta(hours=1)
    settle_permits(offered.store, observed(offered, [web]), guidance(), later)

    assert permits(offered) == ()
    assert ask_for(offered, offered.computer, later).granted


def test_without_permits_nothing_is_written(offered):
    before = offered.store.change()
    settle_permits(offered.store, observed(offered, []), guidance(), NOW)

    assert offered.store.change() == before
