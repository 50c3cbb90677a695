"""The tables, in SQL that SQLite and PostgreSQL both read.

Instants are microseconds since 1970 in UTC. A body is canonical JSON, and a packed body is that
JSON compressed by zlib.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

from reconciler.observed.columns import instant, micros

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

# SQLite numbers rows by itself only in a column of its plain integer type.
RowId = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as microseconds since 1970 so that it sorts and loses nothing."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Write an instant as a number; a naive one is a TypeError."""
        del dialect
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Read the number as aware UTC."""
        del dialect
        return None if value is None else instant(value)


counter = Table(
    "counter",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# Every record that plans create, change and retire, whatever its type.
record = Table(
    "record",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

journal_plan = Table(
    "journal_plan",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("revision", Text, nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("abandoned_at", Instant),
    sqlite_autoincrement=True,
)
journal_intent = Table(
    "journal_intent",
    metadata,
    Column("plan", RowId, ForeignKey("journal_plan.id", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("verb", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("key", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("done_at", Instant),
)

# `live_name` is empty once retired, so that the name can be given again.
computer = Table(
    "computer",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("ordinal", BigInteger, nullable=False, unique=True),
    Column("name", String(255), nullable=False),
    Column("live_name", String(255), unique=True),
    Column("hardware_id", Text, nullable=False),
    Column("retired_at", Instant),
    Column("body", LargeBinary, nullable=False),
    Column("policy_digest", String(64), nullable=False),
    Column("policy_version", BigInteger, nullable=False, index=True),
    Column("change", BigInteger, nullable=False, index=True),
)
# Apart from the packed row, because it is written at every poll.
computer_contact = Table(
    "computer_contact",
    metadata,
    Column("computer", String(32), ForeignKey("computer.id", ondelete="CASCADE"), primary_key=True),
    Column("last_contact_at", Instant, nullable=False),
    Column("change", BigInteger, nullable=False, index=True),
)
# The fleet in parts; one generation is whole, and a newer one may be on its way.
fleet_checkpoint = Table(
    "fleet_checkpoint",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("part", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("checksum", BigInteger, nullable=False),
)
computer_inventory = Table(
    "computer_inventory",
    metadata,
    Column("computer", String(32), ForeignKey("computer.id", ondelete="CASCADE"), primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

credential = Table(
    "credential",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column(
        "computer",
        String(32),
        ForeignKey("computer.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
)
# Given out to who spoke with the other one; takes its place with its first use.
next_credential = Table(
    "next_credential",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column(
        "computer",
        String(32),
        ForeignKey("computer.id", ondelete="CASCADE"),
        nullable=False,
        unique=True,
    ),
)
enrolment_token = Table(
    "enrolment_token",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("spent_at", Instant),
    Column("uses_left", BigInteger, nullable=False, server_default="1"),
    Column("collection", Text, nullable=False, server_default=""),
)

reception = Table(
    "reception",
    metadata,
    Column("computer", String(32), ForeignKey("computer.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("instances", Text, nullable=False, server_default=""),
)
inbox = Table(
    "inbox",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("computer", String(32), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
set_aside = Table(
    "set_aside",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("computer", String(32), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

# The source is the one that listed the update last.
catalog_entry = Table(
    "catalog_entry",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False, index=True),
    Column("product", Text, nullable=False),
    Column("supersedes", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("former", Text, nullable=False, server_default="[]"),
    Column("first_seen_at", Instant, nullable=False),
    Column("withdrawn", Boolean(create_constraint=False), nullable=False),
    Column("content_digest", String(64), nullable=False),
    Column("body_digest", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
)
catalog_source = Table(
    "catalog_source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("fetched_at", Instant),
    Column("problem", Text, nullable=False),
    Column("failed_at", Instant),
)

permit = Table(
    "permit",
    metadata,
    Column("computer", String(32), primary_key=True),
    Column("advertisement", String(8), primary_key=True),
    Column("body", Text, nullable=False),
)
permit_request = Table(
    "permit_request",
    metadata,
    Column("computer", String(32), primary_key=True),
    Column("advertisement", String(8), primary_key=True),
    Column("asked_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)

event = Table(
    "event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("subject", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", Text, nullable=False),
    sqlite_autoincrement=True,
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
)
document = Table(
    "document",
    metadata,
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

status_message = Table(
    "status_message",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("computer", String(32), ForeignKey("computer.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("message", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_autoincrement=True,
)
Index("ix_status_message_computer_id", status_message.c.computer, status_message.c.id)
