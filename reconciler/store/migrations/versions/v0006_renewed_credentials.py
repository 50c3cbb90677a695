"""Credentials that take the place of others with their first use."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
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
