"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "advertisement",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advertisement")),
    )
    op.create_table(
        "catalog_entry",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_entry")),
    )
    op.create_index(op.f("ix_catalog_entry_source"), "catalog_entry", ["source"], unique=False)
    op.create_table(
        "catalog_source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_catalog_source")),
    )
    op.create_table(
        "computer",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("live_name", sa.String(length=255), nullable=True),
        sa.Column("hardware_id", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("policy_digest", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_computer")),
        sa.UniqueConstraint("live_name", name=op.f("uq_computer_live_name")),
        sa.UniqueConstraint("ordinal", name=op.f("uq_computer_ordinal")),
    )
    op.create_index(op.f("ix_computer_change"), "computer", ["change"], unique=False)
    op.create_index(
        op.f("ix_computer_policy_version"), "computer", ["policy_version"], unique=False
    )
    op.create_table(
        "content_assignment",
        sa.Column("package", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("point", sa.String(length=63), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("package", "version", "point", name=op.f("pk_content_assignment")),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "document",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_document")),
    )
    op.create_table(
        "enrolment_token",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_enrolment_token")),
    )
    op.create_table(
        "inbox",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "journal_plan",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("abandoned_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_plan")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "membership",
        sa.Column("rollout", sa.String(length=63), nullable=False),
        sa.Column("release", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("phase", sa.String(length=63), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("entered_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rollout", "release", "phase", name=op.f("pk_membership")),
    )
    op.create_table(
        "package",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_package")),
    )
    op.create_table(
        "phase",
        sa.Column("rollout", sa.String(length=63), nullable=False),
        sa.Column("release", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("phase", sa.String(length=63), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rollout", "release", "phase", name=op.f("pk_phase")),
    )
    op.create_table(
        "program",
        sa.Column("package", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("package", "version", "name", name=op.f("pk_program")),
    )
    op.create_table(
        "release",
        sa.Column("rollout", sa.String(length=63), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rollout", "number", name=op.f("pk_release")),
    )
    op.create_table(
        "resume_token",
        sa.Column("rollout", sa.String(length=63), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("rollout", "token", name=op.f("pk_resume_token")),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside")),
    )
    op.create_table(
        "computer_contact",
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.Column("last_contact_at", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["computer"],
            ["computer.id"],
            name=op.f("fk_computer_contact_computer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("computer", name=op.f("pk_computer_contact")),
    )
    op.create_index(
        op.f("ix_computer_contact_change"), "computer_contact", ["change"], unique=False
    )
    op.create_table(
        "computer_inventory",
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["computer"],
            ["computer.id"],
            name=op.f("fk_computer_inventory_computer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("computer", name=op.f("pk_computer_inventory")),
    )
    op.create_table(
        "credential",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["computer"], ["computer.id"], name=op.f("fk_credential_computer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_credential")),
        sa.UniqueConstraint("computer", name=op.f("uq_credential_computer")),
    )
    op.create_table(
        "journal_intent",
        sa.Column("plan", _ROW_ID, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("verb", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["plan"], ["journal_plan.id"], name=op.f("fk_journal_intent_plan"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plan", "ordinal", name=op.f("pk_journal_intent")),
    )
    op.create_table(
        "reception",
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["computer"], ["computer.id"], name=op.f("fk_reception_computer"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("computer", name=op.f("pk_reception")),
    )
    op.create_table(
        "status_message",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["computer"],
            ["computer.id"],
            name=op.f("fk_status_message_computer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_message")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_status_message_at"), "status_message", ["at"], unique=False)
    op.create_index(
        "ix_status_message_computer_id", "status_message", ["computer", "id"], unique=False
    )
