"""Tokens for many machines, and what tells two machines with one credential."""

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
