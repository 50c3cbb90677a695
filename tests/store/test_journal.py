import pytest

from reconciler.model.errors import StoreError
from reconciler.planning.actions import Verb
from reconciler.store.journal import KEPT_PLANS
from tests.store.builders import LATER, MEMBERSHIP, NOW, PACKAGE, RECORDS, an_action

ACTIONS = [an_action(), an_action(MEMBERSHIP, Verb.SET_TARGETS)]


def test_pending_gives_the_actions_back_in_order(store):
    with store.write() as work:
        plan = work.journal.begin("d" * 64, "c0ffee", NOW, ACTIONS)

    with store.read() as view:
        intents = view.journal.pending()
    assert [intent.action for intent in intents] == ACTIONS
    assert {(intent.plan_id, intent.revision) for intent in intents} == {(plan, "c0ffee")}


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_kind_of_record_survives_the_journal(store, record):
    with store.write() as work:
        work.journal.begin("d" * 64, "c0ffee", NOW, [an_action(record)])

        assert work.journal.pending()[0].action.record == record


def test_done_actions_are_not_pending(store):
    with store.write() as work:
        plan = work.journal.begin("d" * 64, "c0ffee", NOW, ACTIONS)
        work.journal.mark_done(plan, 0, LATER)

        assert [intent.ordinal for intent in work.journal.pending()] == [1]


def test_abandoned_plan_has_nothing_pending(store):
    with store.write() as work:
        plan = work.journal.begin("d" * 64, "c0ffee", NOW, ACTIONS)
        work.journal.abandon(plan, LATER)

        assert work.journal.pending() == []
        assert work.journal.recent(5)[0].abandoned_at == LATER


def test_recent_counts_what_is_done(store):
    with store.write() as work:
        first = work.journal.begin("a" * 64, "c0ffee", NOW, ACTIONS)
        work.journal.begin("b" * 64, "c0ffee", LATER, [])
        work.journal.mark_done(first, 1, LATER)
        recent = work.journal.recent(5)

    assert [(plan.digest[0], plan.actions, plan.done) for plan in recent] == [
        ("b", 0, 0),
        ("a", 2, 1),
    ]


def test_old_plans_are_forgotten_but_no_pending_one(store):
    with store.write() as work:
        kept = work.journal.begin("d" * 64, "c0ffee", NOW, ACTIONS)
        finished = work.journal.begin("d" * 64, "c0ffee", NOW, [an_action(PACKAGE)])
        work.journal.mark_done(finished, 0, NOW)
        for _ in range(KEPT_PLANS):
            work.journal.begin("d" * 64, "c0ffee", NOW, [])
        plans = [plan.id for plan in work.journal.recent(1000)]

    assert kept in plans
    assert finished not in plans
    assert len(plans) == KEPT_PLANS + 1


def test_unknown_action_is_an_error(store):
    with pytest.raises(StoreError, match="no action 0"), store.write() as work:
        work.journal.mark_done(7, 0, NOW)


def test_unknown_plan_is_an_error(store):
    with pytest.raises(StoreError, match="no plan 7"), store.write() as work:
        work.journal.abandon(7, NOW)
