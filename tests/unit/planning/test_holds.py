"""A collection that changes much waits for a commit; what protects, protects old and new (S7)."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import FrozenBitMap

from reconciler.model.times import later
from reconciler.observed.memo import Memo
from reconciler.observed.rolls import LOOK_BACK, CollectionRoll
from reconciler.planning.actions import Verb
from reconciler.planning.collections import Collections
from tests.worlds import HEADER, NOW, SITE, PlannerWorld, load_desired

SITE_DOCUMENT = HEADER + "kind: Site\nmetadata: {name: main}\nspec: {code: PWR}\n"
WEB = {"query": {"fact": "role", "op": "In", "values": ["web"]}}


def a_collection(name, **spec):
    header = {"apiVersion": "patchwright.dev/v1alpha1", "kind": "Collection"}
    return json.dumps({**header, "metadata": {"name": name}, "spec": spec})


class Town(PlannerWorld):
    """Computers with roles, and collections that select by them."""

    def collect(self, **specs):
        texts = [a_collection(name, **spec) for name, spec in specs.items()]
        self.manifests = [SITE_DOCUMENT, *texts]

    def people(self, count, role="web", start=0):
        for number in range(start, start + count):
            self.enrol(f"pc-{number}", role=role)

    def turn(self, numbers, role):
        self.change(*(f"pc-{number}" for number in numbers), facts={"role": role})

    def collections(self):
        observed = self.observed()
        now = later(self.now, observed.latest_transition)
        return Collections(
            load_desired(*self.manifests), observed, SITE.name, Memo.of(observed.fleet, now)
        )

    def size(self, name="web"):
        return len(self.collections().members(name))

    def held(self, name="web"):
        subject = f"Collection/{name}"
        found = self.plan().conditions
        return [one.message for one in found if (one.subject, one.type.value) == (subject, "Held")]


@pytest.fixture
def town():
    """Forty servers, of which twenty serve the web and have done so for days."""
    world = Town()
    world.collect(web=WEB)
    world.people(20)
    world.people(20, "mail", start=20)
    world.step()
    world.pass_time(days=3)
    return world


def test_first_evaluation_is_never_held(town):
    assert town.size() == 20
    assert not town.held()


def test_a_large_change_waits_and_is_told_with_its_counts(town):
    town.turn(range(20, 31), "web")

    assert town.size() == 20
    (message,) = town.held()
    assert (
        message == "11 would join and 0 leave of 20, more than maxChange 50%; the 20 in force stay"
    )


def test_half_of_the_members_is_no_large_change(town):
    town.people(4, start=40)
    town.step()
    town.pass_time(days=3)
    town.turn(range(12), "mail")

    assert town.size() == 12


def test_ten_computers_are_never_a_large_change(town):
    town.collect(web={**WEB, "maxChange": "1%"})
    town.step()
    town.turn(range(10), "mail")

    assert town.size() == 10
    assert not town.held()


def test_who_joins_and_who_leaves_add_up(town):
    town.turn(range(6), "mail")
    town.turn(range(20, 25), "web")

    (message,) = town.held()
    assert message.startswith("5 would join and 6 leave of 20")


def test_all_may_change_where_the_manifest_says_so(town):
    town.collect(web={**WEB, "maxChange": "100%"})
    town.step()
    town.turn(range(20), "mail")

    assert town.size() == 0
    assert not town.held()


def test_new_computers_join_and_do_not_count(town):
    town.people(30, start=40)

    assert town.size() == 50


def test_retired_computers_leave_and_do_not_count(town):
    town.change(*(f"pc-{number}" for number in range(15)), retired=True)

    assert town.size() == 5
    assert not town.held()


def test_a_held_collection_loses_retired_computers_and_takes_in_no_new_ones(town):
    town.turn(range(20, 31), "web")
    town.step()
    town.change("pc-0", retired=True)
    town.people(3, start=40)

    assert town.size() == 19
    assert town.step().actions
    assert town.plan().actions == ()


def test_plan_after_apply_is_empty_while_held(town):
    town.turn(range(20, 31), "web")
    plan = town.step()

    assert [action.verb for action in plan.actions] == [Verb.HOLD_MEMBERS]
    assert town.plan().actions == ()
    town.pass_time(days=5)
    assert town.plan().actions == ()
    assert town.held()


def test_the_hold_ends_when_the_change_shrinks(town):
    town.turn(range(20, 31), "web")
    town.step()
    town.turn([20], "mail")

    assert town.size() == 30
    town.step()
    assert not town.held()
    assert town.memory.rolls["web",].held_since is None


def test_the_hold_ends_when_a_commit_touches_the_collection(town):
    town.turn(range(20, 31), "web")
    town.step()
    town.collect(web={**WEB, "description": "Yes, all of them"})

    assert town.size() == 31
    assert not town.held()


def test_the_hold_ends_when_a_commit_touches_what_it_refers_to(town):
    town.collect(web=WEB, all={"include": ["web"]})
    town.step()
    town.pass_time(days=2)
    town.turn(range(20, 31), "web")
    assert town.size("all") == 20

    town.collect(web={**WEB, "description": "Yes, all of them"}, all={"include": ["web"]})

    assert town.size("all") == 31


def test_a_change_that_a_commit_makes_is_never_held(town):
    town.collect(web={"query": {"fact": "role", "op": "In", "values": ["mail"]}})
    town.step()

    assert town.size() == 20
    assert town.names(town.collections().members("web")) == {f"pc-{n}" for n in range(20, 40)}


def test_another_commit_lifts_no_hold(town):
    town.turn(range(20, 31), "web")
    town.step()
    town.collect(web=WEB, other={"query": {"all": True}})

    assert town.size() == 20


def test_after_a_commit_changes_count_from_it(town):
    town.turn(range(8), "mail")
    town.step()
    town.collect(web={**WEB, "description": "touched"})
    town.step()
    town.turn(range(8, 16), "mail")

    assert town.size() == 4


def test_small_changes_of_one_day_add_up(town):
    town.turn(range(8), "mail")
    town.step()
    town.pass_time(hours=23)
    town.turn(range(8, 11), "mail")

    assert town.size() == 12
    (message,) = town.held()
    assert message.startswith("0 would join and 11 leave of 20")


def test_the_base_moves_on_by_time_alone_and_the_plan_wakes_for_it(town):
    town.turn(range(8), "mail")
    town.step()
    changed_at = town.now
    town.pass_time(hours=23)
    town.turn(range(8, 14), "mail")
    town.step()
    assert town.size() == 12

    assert town.plan().wake_at == changed_at + LOOK_BACK
    town.now = changed_at + LOOK_BACK

    assert town.size() == 6
    assert not town.held()


def test_nothing_is_held_where_those_in_force_are_selected(town):
    """Each change was small when it came; only against the one between them they are large."""
    town.turn(range(8), "mail")
    town.step()
    town.pass_time(hours=23)
    town.turn([*range(8), *range(20, 30)], "web")
    town.step()
    town.pass_time(hours=1)

    assert town.size() == 30
    assert not town.held()


def test_a_protecting_collection_protects_old_and_new_members(town):
    town.turn(range(6), "mail")
    town.turn(range(20, 26), "web")

    assert town.size() == 20
    assert len(town.collections().guarded("web")) == 26


def test_what_excludes_a_held_collection_excludes_old_and_new_members(town):
    town.collect(web=WEB, rest={"query": {"all": True}, "exclude": ["web"], "maxChange": "100%"})
    town.step()
    town.pass_time(days=2)
    town.turn(range(6), "mail")
    town.turn(range(20, 26), "web")

    assert town.size("rest") == 40 - 26


def test_not_in_a_held_collection_means_neither_old_nor_new_members(town):
    outside = {"query": {"not": {"collection": "web"}}, "maxChange": "100%"}
    town.collect(web=WEB, rest=outside)
    town.step()
    town.pass_time(days=2)
    town.turn(range(6), "mail")
    town.turn(range(20, 26), "web")

    assert town.size("rest") == 40 - 26


def test_protection_through_other_collections_counts_old_and_new_members(town):
    town.collect(web=WEB, frozen={"include": ["web"], "maxChange": "100%"})
    town.step()
    town.pass_time(days=2)
    town.turn(range(6), "mail")
    town.turn(range(20, 26), "web")

    assert town.size("frozen") == 20
    assert len(town.collections().guarded("frozen")) == 26


def test_what_protects_all_but_a_held_collection_protects_the_most(town):
    """Who was and would be in what it excludes is out; of everybody else no one is sure."""
    town.collect(web=WEB, rest={"query": {"all": True}, "exclude": ["web"], "maxChange": "100%"})
    town.step()
    town.pass_time(days=2)
    town.turn(range(6), "mail")
    town.turn(range(20, 26), "web")

    assert len(town.collections().guarded("rest")) == 40 - 14


def test_a_budget_binds_old_and_new_members(town):
    budget = "kind: DisruptionBudget\nmetadata: {name: web}\n"
    town.manifests.append(f"{HEADER}{budget}spec: {{collection: web, concurrent: 1}}\n")
    town.turn(range(6), "mail")
    town.turn(range(20, 26), "web")

    (domain,) = town.plan().guidance.budgets
    assert len(domain.members) == 26


def test_on_a_stale_read_a_commit_is_measured_as_any_change(town):
    town.fresh = False
    town.collect(web={"query": {"fact": "role", "op": "In", "values": ["mail"]}})

    assert town.size() == 20
    assert town.names(town.collections().members("web")) == {f"pc-{n}" for n in range(20)}


def test_a_collection_is_forgotten_when_it_left_git_for_certain(town):
    town.collect(other={"query": {"all": True}})
    town.fresh = False
    town.step()
    assert ("web",) in town.memory.rolls

    town.fresh = True
    town.step()
    assert ("web",) not in town.memory.rolls


@given(st.lists(st.tuples(st.integers(1, 600), st.sets(st.integers(0, 9))), max_size=60))
@settings(deadline=None)
def test_a_roll_knows_every_membership_of_the_last_day(steps):
    """Against the plain history, as long as few changes are remembered to the instant."""
    now = NOW
    roll = CollectionRoll("web", "", now, FrozenBitMap())
    history: list[tuple[datetime, frozenset[int]]] = [(now, frozenset())]
    for minutes, members in steps:
        now += timedelta(minutes=minutes)
        roll = roll.renew(FrozenBitMap(members), now, None)
        history.append((now, frozenset(members)))

    for moment, _ in history:
        if moment >= now - LOOK_BACK:
            known = [members for at, members in history if at <= moment]
            assert frozenset(roll.members_at(moment)) == known[-1]


def test_a_roll_of_a_restless_collection_stays_small_and_right_to_a_quarter_of_an_hour():
    roll = CollectionRoll("web", "", NOW, FrozenBitMap())
    for minute in range(1, 3000):
        members = FrozenBitMap(range(minute))
        roll = roll.renew(members, NOW + timedelta(minutes=minute), None)

    assert len(roll.flips) <= 200
    day_ago = NOW + timedelta(minutes=2999) - LOOK_BACK
    assert 2999 - 1440 - 15 <= len(roll.members_at(day_ago)) <= 2999 - 1440
