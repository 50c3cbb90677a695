"""Tokens for many machines, credentials that are renewed, and what tells two machines apart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # A token that was spent before has no use left.
    op.add_column(
        "enrolment_token",
        sa.Column("uses_left", sa.BigInteger(), nullable=False, server_default="1"),
    )
    op.add_column(
        "enrolment_token",
        sa.Column("collection", sa.Text(), nullable=False, server_default=""),
    )
    op.execute("UPDATE enrolment_token SET uses_left = 0 WHERE spent_at IS NOT NULL")
    op.add_column("reception", sa.Column("instances", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "next_credential",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("computer", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["computer"],
            ["computer.id"],
            name=op.f("fk_next_credential_computer_computer"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_next_credential")),
        sa.UniqueConstraint("computer", name=op.f("uq_next_credential_computer")),
    )
