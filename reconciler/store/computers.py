"""Computers: one packed row each, their last contact apart, their inventory apart."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

import numpy as np
from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    case,
    delete,
    insert,
    or_,
    select,
    type_coerce,
    update,
)

from reconciler.model.canonical import digest_of
from reconciler.model.codec import encode
from reconciler.model.computers import Computer
from reconciler.model.errors import ProtocolError, StoreError
from reconciler.model.messages import Executable, InventoryReport
from reconciler.observed.order import Ints, Ordinals
from reconciler.store.counters import Counter, Counters
from reconciler.store.rows import AnyRow, Insert, insert_into, pack, revive, unpack, upsert
from reconciler.store.schema import (
    Instant,
    computer_contact,
    computer_inventory,
    credential,
    next_credential,
)
from reconciler.store.schema import computer as table

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,251}[a-z0-9])?", re.ASCII)
_LONGEST_HARDWARE_ID = 256
_AT_ONCE = 5000
_FOR_POLICY = ("facts", "states", "retired", "quarantine")
_ROWS = select(table.c.id, table.c.body, computer_contact.c.last_contact_at).outerjoin(
    computer_contact
)


@dataclass(frozen=True)
class _Software:
    """What a computer has: versions of packages by name, programs by path."""

    packages: dict[str, str] = field(default_factory=dict)
    executables: dict[str, Executable] = field(default_factory=dict)


class ComputerRepository:
    """All computers that ever enrolled."""

    def __init__(self, connection: Connection, counters: Counters) -> None:
        self._connection = connection
        self._counters = counters

    def enrol(self, name: str, hardware_id: str, at: datetime, collection: str = "") -> Computer:
        """Make a computer with a new id and the next ordinal.

        A machine that was built anew has the name and the hardware of a computer that is not
        retired, and takes its place: id and history stay, and nothing of its state is believed
        (L2). Raises ProtocolError with status 400 for a name that cannot be one, and 409 where
        a computer with other hardware has it.
        """
        name = _checked_name(name, hardware_id)
        taken = select(table.c.id, table.c.hardware_id).where(table.c.live_name == name)
        row = self._connection.execute(taken).first()
        if row is not None and row.hardware_id == hardware_id:
            return self._begin_anew(row.id, collection)
        if row is not None:
            raise ProtocolError(
                f"a computer named {name!r} is enrolled already",
                status=409,
                hint="retire the old one first, or give this machine another name",
            )
        ordinal = self._counters.rise(Counter.ORDINAL) - 1
        made = Computer(
            id=uuid4().hex, ordinal=ordinal, name=name, enrolled_at=at, collection=collection
        )
        made = replace(made, facts=made.site_facts)
        packed = self._row_of(made, self._counters.mark_computer_policy())
        kept = {"id": made.id, "ordinal": ordinal, "name": name, "hardware_id": hardware_id}
        self._connection.execute(insert(table).values(**kept, **packed))
        return made

    def find(self, computer_id: str) -> Computer | None:
        """Give one computer, also a retired one."""
        row = self._connection.execute(_ROWS.where(table.c.id == computer_id)).first()
        return None if row is None else _computer_of(row)

    def named(self, name: str) -> Computer | None:
        """Give the enrolled computer of that name, or None."""
        row = self._connection.execute(_ROWS.where(table.c.live_name == name)).first()
        return None if row is None else _computer_of(row)

    def save(self, computer: Computer) -> None:
        """Save what is known of a computer; its last contact only ever moves forward."""
        known = self._connection.execute(
            select(table.c.policy_digest, table.c.policy_version).where(
                table.c.id == computer.id,
                table.c.ordinal == computer.ordinal,
                table.c.name == computer.name,
            )
        ).first()
        if known is None:
            raise StoreError(f"no computer {computer.id} is named {computer.name!r}")
        row = self._row_of(computer, known.policy_version)
        if row["policy_digest"] != known.policy_digest:
            row["policy_version"] = self._counters.mark_computer_policy()
        self._connection.execute(update(table).where(table.c.id == computer.id).values(**row))
        if computer.last_contact_at is not None:
            self.contacts({computer.id: computer.last_contact_at})

    def changed_since(self, change: int) -> tuple[list[Computer], int]:
        """Give the computers saved or in contact after that change, by ordinal.

        The second value is the change to ask with next time; 0 gives all.
        """
        later = or_(table.c.change > change, computer_contact.c.change > change)
        query = (_ROWS if change <= 0 else _ROWS.where(later)).order_by(table.c.ordinal)
        newest = self._counters.value(Counter.CHANGE)
        return [_computer_of(row) for row in self._connection.execute(query)], newest

    def saved_since(self, change: int) -> Iterator[list[Computer]]:
        """Give the computers saved after that change, by ordinal, some thousands at a time.

        Those that only made contact are left out: `contacts_since` gives them, many times faster.
        """
        query = (_ROWS if change <= 0 else _ROWS.where(table.c.change > change)).order_by(
            table.c.ordinal
        )
        rows = self._connection.execution_options(yield_per=_AT_ONCE).execute(query)
        for partition in rows.partitions():
            yield [_computer_of(row) for row in partition]

    def contacts_since(self, change: int) -> tuple[Ordinals, Ints]:
        """Give who was in contact after that change, and when last, in microseconds."""
        query = (
            select(table.c.ordinal, type_coerce(computer_contact.c.last_contact_at, BigInteger))
            .join_from(table, computer_contact)
            .where(computer_contact.c.change > change)
        )
        rows = self._connection.execute(query).all()
        numbers = (number for row in rows for number in row)
        found = np.fromiter(numbers, np.int64, 2 * len(rows)).reshape(-1, 2)
        return found[:, 0].astype(np.uint32), found[:, 1]

    def contacts(self, contacts: Mapping[str, datetime]) -> None:
        """Note when computers were last heard of; unknown ones are left out."""
        if not contacts:
            return
        change = self._counters.mark_change()
        rows = [{"one": one, "at": at, "risen": change} for one, at in sorted(contacts.items())]
        self._connection.execute(_note_contact(self._connection), rows)

    def retire(self, computer_id: str, at: datetime) -> None:
        """Take a computer out of the fleet: its name is free, its credential is void (L4)."""
        found = self.find(computer_id)
        if found is None:
            raise StoreError(f"there is no computer {computer_id}")
        self.save(replace(found, retired=True))
        self._connection.execute(
            update(table).where(table.c.id == computer_id).values(retired_at=at)
        )
        for one in (credential, next_credential):
            self._connection.execute(delete(one).where(one.c.computer == computer_id))

    def quarantine(self, computer_id: str, why: str) -> str:
        """Offer a computer nothing more and believe no state of it; gives its name (L3)."""
        found = self.find(computer_id)
        if found is None:
            raise StoreError(f"there is no computer {computer_id}")
        apart = replace(found, quarantine=why, states={}, last_scan_at=None, scan_version=0)
        self.save(replace(apart, facts={**found.facts, **apart.site_facts}))
        return found.name

    def _begin_anew(self, computer_id: str, collection: str) -> Computer:
        known = self.find(computer_id)
        if known is None:
            raise StoreError(f"there is no computer {computer_id}")
        fresh = replace(
            known,
            collection=collection or known.collection,
            quarantine="",
            states={},
            last_scan_at=None,
            scan_version=0,
            refusal="",
        )
        fresh = replace(fresh, facts=fresh.site_facts)
        self.save(fresh)
        return fresh

    def inventory(self, computer_id: str) -> dict[str, str]:
        """Give the installed packages of a computer by name; nothing where none are known."""
        return self._software(computer_id).packages

    def executables(self, computer_id: str) -> dict[str, Executable]:
        """Give the programs by path that a computer listed beside its packages (A2)."""
        return self._software(computer_id).executables

    def save_inventory(self, computer_id: str, report: InventoryReport) -> None:
        """Replace the installed packages and programs of a computer."""
        software = _Software(report.packages, report.executables)
        row = {"computer": computer_id, "body": pack(encode(software))}
        self._connection.execute(upsert(computer_inventory, self._connection), row)

    def _software(self, computer_id: str) -> _Software:
        query = select(computer_inventory.c.body).where(
            computer_inventory.c.computer == computer_id
        )
        body = self._connection.scalar(query)
        if body is None:
            return _Software()
        where = f"inventory of {computer_id}"
        found = unpack(body, where)
        if not isinstance(found.get("packages"), dict):
            # Before programs were listed too, the packages stood alone.
            return _Software(dict(found))
        return revive(_Software, found, where)

    def _row_of(self, computer: Computer, policy_version: int) -> dict[str, Any]:
        body = encode(replace(computer, last_contact_at=None))
        return {
            "live_name": None if computer.retired else computer.name,
            "body": pack(body),
            "policy_digest": digest_of([body[name] for name in _FOR_POLICY]),
            "policy_version": policy_version,
            "change": self._counters.mark_change(),
        }


def _note_contact(connection: Connection) -> Insert:
    statement = insert_into(computer_contact, connection).from_select(
        ["computer", "last_contact_at", "change"],
        select(
            table.c.id, bindparam("at", type_=Instant), bindparam("risen", type_=BigInteger)
        ).where(table.c.id == bindparam("one")),
    )
    old, new = computer_contact.c.last_contact_at, statement.excluded.last_contact_at
    return statement.on_conflict_do_update(
        index_elements=[computer_contact.c.computer],
        set_={
            "last_contact_at": case((new > old, new), else_=old),
            "change": statement.excluded.change,
        },
    )


def _computer_of(row: AnyRow) -> Computer:
    where = f"computer {row.id}"
    known = revive(Computer, unpack(row.body, where), where)
    return replace(known, last_contact_at=row.last_contact_at)


def _checked_name(name: str, hardware_id: str) -> str:
    name = name.lower()
    if _NAME.fullmatch(name) is None:
        raise ProtocolError(
            f"{name[:64]!r} cannot name a computer",
            hint="a name has letters, digits, dots and dashes, at most 253 of them",
        )
    if not 0 < len(hardware_id) <= _LONGEST_HARDWARE_ID or not hardware_id.isprintable():
        raise ProtocolError(f"the hardware id is not {_LONGEST_HARDWARE_ID} printable characters")
    return name
