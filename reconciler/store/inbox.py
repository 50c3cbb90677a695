"""Batches of agents, taken in once and in order, kept until the engine has used them (J6)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from reconciler.model.codec import decode
from reconciler.model.errors import ProtocolError, StoreError
from reconciler.model.messages import Batch, BatchReply
from reconciler.store.counters import Counters
from reconciler.store.rows import upsert
from reconciler.store.schema import inbox, reception, set_aside

_LAST_SERIAL = 2**63 - 1
_KEPT_LIVES = 8
_LONGEST_INSTANCE = 64
Mark = tuple[int, int]
"""Epoch and serial of a batch."""
Lives = dict[str, Mark]
"""The random words of an agent's processes, who spoke last at the end, with the newest of each."""
_NOTHING_SAID = (-1, -1)


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One batch that waits, and when the server received it."""

    id: int
    received_at: datetime
    batch: Batch


class InboxRepository:
    """Everything that was received and not used yet."""

    def __init__(self, connection: Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def accept(self, batch: Batch, body: bytes, received_at: datetime) -> BatchReply:
        """Keep a batch that is the next one, or a newer full one; `body` is its JSON text.

        A repeat is answered and not kept. A gap, a step back to an older epoch or a first batch
        that is not full asks the agent for everything; its life is noted all the same. Raises
        ProtocolError for numbers that no agent may send.
        """
        mark = _checked_mark(batch)
        known = self._mark_of(batch.computer)
        lives = self._lives_of(batch.computer)
        if not _is_next(batch, mark, known):
            if known is not None:
                self._note_lives(batch.computer, _with_life(lives, batch.instance, mark))
            return _refusal(mark, known)
        row = {
            "computer": batch.computer,
            "epoch": batch.epoch,
            "serial": batch.serial,
            "instances": _lives_text(_with_life(lives, batch.instance, mark)),
        }
        self._connection.execute(upsert(reception, self._connection), row)
        packed = zlib.compress(body, 1)
        kept = {"computer": batch.computer, "received_at": received_at, "body": packed}
        self._connection.execute(insert(inbox), kept)
        self._counters.mark_change()
        return BatchReply(batch.epoch, batch.serial, accepted=True, resync=False)

    def is_of_another_machine(self, batch: Batch) -> bool:
        """Tell whether the agent's life that speaks had already given way to another one (L3).

        A machine that restarts begins a new life and never goes on with an older one: two
        machines that speak by turns with one credential do. A late repeat of what an older life
        said before is no sign. Ask before the batch is accepted; raises ProtocolError as it does.
        """
        mark = _checked_mark(batch)
        *older, _ = self._lives_of(batch.computer).items() or [("", mark)]
        return mark > dict(older).get(_word(batch.instance), mark)

    def forget(self, computer: str) -> None:
        """Forget what was received of a computer, which begins anew."""
        self._connection.execute(delete(reception).where(reception.c.computer == computer))

    def take(self, limit: int) -> list[InboxItem]:
        """Give the oldest batches that wait, in order of their arrival.

        A batch that this release cannot read is set aside and counted, so it needs a unit of work.
        """
        query = select(inbox).order_by(inbox.c.id).limit(limit)
        items = []
        for row in self._connection.execute(query).all():
            try:
                batch = decode(Batch, json.loads(zlib.decompress(row.body)))
            except (ValueError, OverflowError, zlib.error) as error:
                self.set_aside(row.id, f"cannot be read: {error}")
                continue
            items.append(InboxItem(row.id, row.received_at, batch))
        return items

    def done(self, ids: Iterable[int]) -> None:
        """Forget batches that were used."""
        rows = [{"used": one} for one in ids]
        if rows:
            self._forget(rows)

    def set_aside(self, item_id: int, reason: str) -> None:
        """Move a batch that cannot be used to where a person finds it."""
        row = self._connection.execute(select(inbox).where(inbox.c.id == item_id)).first()
        if row is None:
            raise StoreError(f"the inbox has no batch {item_id}")
        kept = {"id": row.id, "computer": row.computer, "received_at": row.received_at}
        self._connection.execute(insert(set_aside).values(**kept, body=row.body, reason=reason))
        self._forget([{"used": item_id}])

    def waiting(self) -> int:
        """Count the batches that wait."""
        return self._connection.scalar(select(func.count()).select_from(inbox)) or 0

    def aside(self) -> int:
        """Count the batches that were set aside."""
        return self._connection.scalar(select(func.count()).select_from(set_aside)) or 0

    def _forget(self, rows: list[dict[str, int]]) -> None:
        for row in rows:
            self._connection.execute(delete(inbox).where(inbox.c.id == row["used"]))

    def _lives_of(self, computer: str) -> Lives:
        query = select(reception.c.instances).where(reception.c.computer == computer)
        return _read_lives(self._connection.scalar(query) or "")

    def _note_lives(self, computer: str, lives: Lives) -> None:
        mine = reception.c.computer == computer
        self._connection.execute(update(reception).where(mine).values(instances=_lives_text(lives)))

    def _mark_of(self, computer: str) -> Mark | None:
        query = select(reception.c.epoch, reception.c.serial).where(
            reception.c.computer == computer
        )
        row = self._connection.execute(query).first()
        return None if row is None else (row.epoch, row.serial)


def _with_life(lives: Lives, instance: str, mark: Mark) -> Lives:
    """Note the newest that a life said, and that it spoke last; a late repeat is no news."""
    life = _word(instance)
    if not life or mark <= lives.get(life, _NOTHING_SAID):
        return lives
    others = [(one, said) for one, said in lives.items() if one != life]
    return dict([*others, (life, mark)][-_KEPT_LIVES:])


def _word(instance: str) -> str:
    return "".join(instance.split())[:_LONGEST_INSTANCE]


def _lives_text(lives: Lives) -> str:
    return " ".join(f"{one}@{epoch}.{serial}" for one, (epoch, serial) in lives.items())


def _read_lives(text: str) -> Lives:
    """Read what `_lives_text` wrote; a life that was kept without its mark had said nothing."""
    lives: Lives = {}
    for one in text.split():
        life, _, said = one.rpartition("@")
        epoch, _, serial = said.partition(".")
        lives[life or one] = (int(epoch), int(serial)) if life else _NOTHING_SAID
    return lives


def _checked_mark(batch: Batch) -> Mark:
    for name, number in (("epoch", batch.epoch), ("serial", batch.serial)):
        if not 0 <= number <= _LAST_SERIAL:
            raise ProtocolError(f"{name} is {number}, which is not between 0 and 2^63 - 1")
    return batch.epoch, batch.serial


def _is_next(batch: Batch, mark: Mark, known: Mark | None) -> bool:
    if known is None:
        return batch.full
    return mark == (known[0], known[1] + 1) or (batch.full and mark > known)


def _refusal(mark: Mark, known: Mark | None) -> BatchReply:
    epoch, serial = known or (0, 0)
    is_repeat = known is not None and mark[0] == epoch and mark[1] <= serial
    return BatchReply(epoch, serial, accepted=False, resync=not is_repeat)
