"""What a plan is about to do, written before it is done (S26)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update

from reconciler.model.codec import encode
from reconciler.model.errors import StoreError
from reconciler.observed.memory import key_of
from reconciler.planning.actions import Action, Cause, Verb
from reconciler.store.record_rows import parse_record, record_json
from reconciler.store.rows import AnyRow, from_json, revive, to_json
from reconciler.store.schema import journal_intent, journal_plan

KEPT_PLANS = 200


@dataclass(frozen=True, slots=True)
class Intent:
    """One action of a plan that was begun and is not known to be done."""

    plan_id: int
    ordinal: int
    revision: str
    action: Action


@dataclass(frozen=True, slots=True)
class JournalledPlan:
    """A plan that was begun: how many actions it had, and how many of them are done."""

    id: int
    digest: str
    revision: str
    begun_at: datetime
    abandoned_at: datetime | None
    actions: int
    done: int


class JournalRepository:
    """The plans of the near past and what is left of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(
        self, plan_digest: str, revision: str, at: datetime, actions: Sequence[Action]
    ) -> int:
        """Write all actions as pending and give the plan's number."""
        row = {"digest": plan_digest, "revision": revision, "begun_at": at}
        made = self._connection.execute(insert(journal_plan).returning(journal_plan.c.id), row)
        plan_id = int(made.scalar_one())
        if actions:
            rows = [_row_of(plan_id, ordinal, action) for ordinal, action in enumerate(actions)]
            self._connection.execute(insert(journal_intent), rows)
        self._prune(plan_id)
        return plan_id

    def mark_done(self, plan_id: int, ordinal: int, at: datetime) -> None:
        """Write down, with the effect itself, that the action took effect."""
        done = (
            update(journal_intent)
            .where(journal_intent.c.plan == plan_id, journal_intent.c.ordinal == ordinal)
            .values(done_at=at)
        )
        if not self._connection.execute(done).rowcount:
            raise StoreError(f"plan {plan_id} has no action {ordinal} in the journal")

    def pending(self) -> list[Intent]:
        """Give what was begun, not done and not abandoned, in the order to do it."""
        columns = journal_intent.c
        query = (
            select(journal_intent, journal_plan.c.revision)
            .join(journal_plan)
            .where(columns.done_at.is_(None), journal_plan.c.abandoned_at.is_(None))
            .order_by(columns.plan, columns.ordinal)
        )
        return [_intent_of(row) for row in self._connection.execute(query)]

    def abandon(self, plan_id: int, at: datetime) -> None:
        """Give up what is pending of the plan."""
        gone = update(journal_plan).where(journal_plan.c.id == plan_id).values(abandoned_at=at)
        if not self._connection.execute(gone).rowcount:
            raise StoreError(f"the journal has no plan {plan_id}")

    def recent(self, limit: int) -> list[JournalledPlan]:
        """Give the newest plans first."""
        query = (
            select(
                journal_plan,
                func.count(journal_intent.c.ordinal),
                func.count(journal_intent.c.done_at),
            )
            .outerjoin(journal_intent)
            .group_by(journal_plan.c.id)
            .order_by(journal_plan.c.id.desc())
            .limit(limit)
        )
        return [JournalledPlan(*row) for row in self._connection.execute(query)]

    def _prune(self, newest: int) -> None:
        """Forget old plans, but none of which something is still pending."""
        left = select(journal_intent.c.plan).where(journal_intent.c.done_at.is_(None))
        finished = journal_plan.c.id.not_in(left) | journal_plan.c.abandoned_at.is_not(None)
        self._connection.execute(
            delete(journal_plan).where(and_(journal_plan.c.id <= newest - KEPT_PLANS, finished))
        )


def _row_of(plan_id: int, ordinal: int, action: Action) -> dict[str, Any]:
    return {
        "plan": plan_id,
        "ordinal": ordinal,
        "verb": action.verb.value,
        "kind": type(action.record).__name__,
        "key": to_json(list(key_of(action.record))),
        "cause": to_json(encode(action.cause)),
        "body": to_json(record_json(action.record)),
    }


def _intent_of(row: AnyRow) -> Intent:
    where = f"action {row.ordinal} of plan {row.plan}"
    action = Action(
        verb=Verb(row.verb),
        record=parse_record(row.kind, from_json(row.body, where), where),
        cause=revive(Cause, from_json(row.cause, where), where),
    )
    return Intent(row.plan, row.ordinal, row.revision, action)
