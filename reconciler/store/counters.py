"""Numbers that only rise, and the marks by which other processes notice a change."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Connection, select

from reconciler.store.rows import insert_into
from reconciler.store.schema import counter


class Counter(StrEnum):
    """The closed list of counters; each has one row once it has risen."""

    CHANGE = "change"
    POLICY = "policy"
    SITE_POLICY = "site_policy"
    CONTENT = "content"
    CATALOG = "catalog"
    OBJECT = "object"
    ORDINAL = "ordinal"


class Counters:
    """The counters as one transaction sees them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._risen: dict[Counter, int] = {}

    def value(self, name: Counter) -> int:
        """Give the number, 0 where it never rose."""
        found = self._connection.scalar(select(counter.c.value).where(counter.c.name == name))
        return found or 0

    def rise(self, name: Counter) -> int:
        """Raise the number by one and give it."""
        statement = insert_into(counter, self._connection).values(name=name, value=1)
        risen = self._connection.scalar(
            statement.on_conflict_do_update(
                index_elements=[counter.c.name], set_={"value": counter.c.value + 1}
            ).returning(counter.c.value)
        )
        return int(risen or 0)

    def rise_to(self, name: Counter, value: int) -> None:
        """Raise the number to the value, where it is lower."""
        statement = insert_into(counter, self._connection).values(name=name, value=value)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=[counter.c.name],
                set_={"value": statement.excluded.value},
                where=counter.c.value < statement.excluded.value,
            )
        )

    def mark_change(self) -> int:
        """Say that rows changed: once in a transaction, because others see only its end."""
        return self._rise_once(Counter.CHANGE)

    def mark_site_policy(self) -> None:
        """Say that the policy of any computer may have changed."""
        self.rise_to(Counter.SITE_POLICY, self._rise_once(Counter.POLICY))
        self.mark_change()

    def mark_computer_policy(self) -> int:
        """Say that the policy of one computer may have changed, and give its version."""
        return self._rise_once(Counter.POLICY)

    def _rise_once(self, name: Counter) -> int:
        if name not in self._risen:
            self._risen[name] = self.rise(name)
        return self._risen[name]
